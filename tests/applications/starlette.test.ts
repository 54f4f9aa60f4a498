// Starlette: requests, streams, files, background tasks, middleware and WebSockets.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

const application = { app: "starlette_app:app", client: "starlette" };

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Starlette over HTTP on ${server}`, { skip }, () => {
    const seen = play(server, application);

    test("every request gets its own copy of the lifespan's state", () => {
      const fresh = { started: "by the lifespan", visits: 1 };
      assert.deepEqual(seen("lifespan_state"), [fresh, fresh]);
    });

    test("the scope says what was asked, decoded once, with doubled and foreign fields", () => {
      assert.deepEqual(seen("http_scope"), {
        type: "http",
        asgi: { version: "3.0", spec_version: "2.3" },
        method: "GET",
        scheme: "http",
        http_version: "1.1",
        root_path: "",
        path: "/scope/a/b/ü\uFFFD//c",
        raw_path: "/scope/a%2Fb/%C3%BC%FF//c",
        query_string: "x=%20&y=%C3%BC",
        headers: [["x-twice", "1"], ["x-twice", "2"], ["cookie", "a=1"], ["x-latin", "café"]],
        client: "127.0.0.1",
        url: "/scope/a/b/ü\uFFFD//c?x=%20&y=%C3%BC",
      });
      assert.deepEqual(seen("other_methods"), [200, 200, 405]);
    });

    test("a StreamingResponse arrives piece by piece, through BaseHTTPMiddleware too", () => {
      const pieces = ["piece 0\n", "piece 1\n", "piece 2\n"];
      assert.deepEqual(seen("pieces"), pieces);
      assert.deepEqual(seen("wrapped_pieces"), pieces);
      assert.deepEqual(seen("blocking_pieces"), [pieces.join(""), "chunked"]);
    });

    test("a stream ends when its reader leaves, whether it is talking or silent, with and without middleware", () => {
      assert.deepEqual(seen("leaving_a_stream"), ["tick", "the only thing", "the only thing"]);
      const attempts = seen("leaving_a_wrapped_stream");
      // Behind BaseHTTPMiddleware, one reader in a thousand leaves unnoticed on uvicorn when the machine is busy.
      if (server === "tricorn") assert.equal(attempts, 1);
      else assert.notEqual(attempts, null);
    });

    test("is_disconnected sees a client that has left", () => {
      assert.equal(seen("polling_for_the_disconnect"), true);
    });

    test("a background task delays neither its own response nor the connection's next request", () => {
      const accepted = [[202, "accepted"], false, true];
      assert.deepEqual(seen("background"), [...accepted, ...accepted]);
    });

    test("uploads come whole: with a length, in chunks, through BaseHTTPMiddleware", () => {
      assert.deepEqual(seen("upload"), [true, true, true]);
    });

    test("an upload that is cut short raises ClientDisconnect", () => {
      assert.equal(seen("upload_cut_short"), true);
    });

    test("a form with a file is read by python-multipart", () => {
      assert.deepEqual(seen("form"), { note: "zwölf Hüte", name: "hüte.bin", size: 1_500_000 });
    });

    test("a FileResponse is whole, a part, several parts, or nothing but its head", () => {
      assert.deepEqual(seen("file"), {
        whole: [200, "307200", true],
        part: [206, "bytes 1000-1009/307200", true],
        tail: [206, "bytes 307195-307199/307200", true],
        two: [206, 3, true],
        beyond: [416, "bytes */307200"],
        stale: [200, true],
        head: [200, "307200", true],
        wrapped: [200, "yes", true],
      });
    });

    test("the application's own error responses arrive as they are", () => {
      const broken = [500, "Internal Server Error", null];
      assert.deepEqual(seen("errors"), [[418, "no coffee here", "tea"], broken, broken, [404, "Not Found", null]]);
    });

    test("two cookies are two fields", () => {
      assert.deepEqual(seen("cookies"), ["a=1", "b=2"]);
    });

    test("a plain request finds no WebSocketRoute", () => {
      assert.equal(seen("plain_requests_to_a_websocket"), 404);
    });
  });
}

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Starlette over WebSocket on ${server}`, { skip }, () => {
    const seen = play(server, { ...application, client: "starlette_websocket" });

    test("a WebSocket echoes text and binary messages, empty ones too", () => {
      const [subprotocol, field, ...messages] = seen("echo") as readonly unknown[];
      assert.equal(subprotocol, "second");
      assert.equal(field, "before the WebSocket");
      assert.deepEqual(messages, [["str", true], ["bytes", true], ["str", true], ["bytes", true]]);
    });

    test("large and fragmented messages arrive whole", () => {
      assert.deepEqual(seen("large_messages"), [true, true]);
    });

    test("permessage-deflate is agreed on when the client offers it", () => {
      assert.deepEqual(seen("compression"), [true, true, true, true, "plain", false]);
    });

    test("a ping is answered without the application", () => {
      assert.equal(seen("ping"), "still here");
    });

    test("the application closes with its code and reason", () => {
      assert.deepEqual(seen("the_application_closes"), [[], [4321, "as you wish"]]);
    });

    test("the client closes with its code and reason", () => {
      assert.equal(seen("the_client_closes"), 4002);
    });

    test("a client that vanishes is 1006 to the application", () => {
      // uvicorn says that there was no code, though nobody had sent a closing frame.
      assert.deepEqual(seen("the_client_vanishes"), [server === "uvicorn" ? 1005 : 1006]);
    });

    test("a WebSocketEndpoint decodes JSON and refuses what is none", () => {
      assert.deepEqual(seen("endpoint"), [{ hello: "Ada" }, { got: [1, { a: "ü" }] }, [[], [1003, ""]]]);
    });

    test("the scope of a WebSocket has subprotocols and state, and no method", () => {
      const scope = {
        type: "websocket",
        scheme: "ws",
        http_version: "1.1",
        path: "/ws/scope/a/b/ü",
        raw_path: "/ws/scope/a%2Fb/%C3%BC",
        query_string: "x=1&y=%20",
        subprotocols: ["a", "b"],
        has_method: false,
        state: "by the lifespan",
        url: "/ws/scope/a/b/ü?x=1&y=%20",
        denial: true,
        cookies: { c: "d" },
      };
      assert.deepEqual(seen("websocket_scope"), [scope, null]);
    });

    test("a WebSocket is denied with a response of the application's, or with 403", () => {
      assert.deepEqual(seen("denials"), [
        [401, '{"why":"no ticket"}', "Ticket"], [403, "no 0\nno 1\nno 2\n", null], [403, "", null],
      ]);
    });

    test("an application that fails or ends before it accepts is a 500", () => {
      assert.deepEqual(seen("failures_before_accept"), [500, 500, 403]);
    });

    test("an application that fails afterwards closes with 1011, one that ends with 1000", () => {
      // uvicorn drops the connection in both cases.
      const codes = server === "uvicorn" ? [1006, 1006] : [1011, 1000];
      assert.deepEqual(seen("raising_and_returning"), [[[], [codes[0], ""]], [["goodbye"], [codes[1], ""]]]);
    });

    test("one task sends while another receives", () => {
      assert.deepEqual(seen("two_tasks"), Array.from({ length: 15 }, (_, index) => index));
    });

    test("what a client sent before it closed is received", () => {
      assert.equal(seen("messages_before_the_close"), true);
    });

    test("to send to a client that has left raises WebSocketDisconnect", () => {
      assert.deepEqual(seen("talking_to_nobody"), [["nobody", 1006]]);
    });

    test("thousands of messages arrive in order, and then the close", () => {
      assert.deepEqual(seen("flood"), [5000, true, 1000]);
    });

    test("members of a room hear each other", () => {
      assert.deepEqual(seen("room"), ["hello", "joined"]);
    });
  });
}
