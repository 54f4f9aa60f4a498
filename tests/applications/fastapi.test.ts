// FastAPI: dependencies that clean up, background tasks, uploads, static files, token streams and WebSockets.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`FastAPI on ${server}`, { skip }, () => {
    const seen = play(server, { app: "fastapi_app:app", client: "fastapi" });

    test("the lifespan has run, and the documentation is there", () => {
      assert.equal(seen("lifespan"), "loaded");
      assert.deepEqual(seen("documentation"), [200, true]);
    });

    test("bodies are validated", () => {
      const hat = { name: "Tricorn", corners: 3 };
      assert.deepEqual(seen("validation"), [201, hat, 422, [["body", "name"], ["body", "corners"]], 422, 405, "POST"]);
    });

    test("a dependency with yield cleans up after its request, and hears of its exception", () => {
      const events = [
        "a opened", "a closed", "b opened in a thread", "b closed in a thread",
        "c opened", "c rolled back: HTTPException", "c closed",
      ];
      const first = { session: "a", "closed already": false };
      assert.deepEqual(seen("sessions"), [first, { session: "b" }, 409, events]);
    });

    test("the dependency of a stream stays open until the stream has ended", () => {
      assert.deepEqual(seen("session_of_a_stream"), ["0 open\n", "1 open\n", "2 open\n"]);
    });

    test("background tasks run after the response, in order", () => {
      assert.deepEqual(seen("background"), [202, { accepted: "ada" }, false]);
    });

    test("UploadFile takes files of every size beside fields of a form", () => {
      const files = [["größe.bin", "application/x-hat", 2_500_000], ["b.txt", "text/plain", 5]];
      assert.deepEqual(seen("upload"), ["a ü b", files, true]);
    });

    test("StaticFiles answers whole, in part, not modified, and nothing outside its folder", () => {
      assert.deepEqual(seen("static"), [
        200, "text/css; charset=utf-8", 44_000, 304, "", 206, "body", "44000", 404,
      ]);
    });

    test("a language model's answer arrives token by token", () => {
      const pieces = ["data: three\n\n", "data: corner\n\n", "data: ed\n\n", "data: [DONE]\n\n"];
      assert.deepEqual(seen("tokens"), ["text/event-stream; charset=utf-8", pieces]);
      assert.equal(seen("leaving_an_answer"), true);
    });

    test("EventSourceResponse writes events", () => {
      assert.deepEqual(seen("server_sent_events"), [0, 1, 2].map((number) => {
        return `event: count\ndata: {"number": ${number}}\nid: ${number}`;
      }));
    });

    test("plain functions run in threads, several at once", () => {
      assert.equal(seen("blocking"), 20);
    });

    test("a WebSocket has parameters of path, query and cookie", () => {
      assert.deepEqual(seen("websocket_parameters"), [
        { number: 7, ticket: "t", q: 1, text: "hällo" }, { number: 8, ticket: "s", q: null, text: "hällo" },
      ]);
    });

    test("a WebSocket without a ticket, with a wrong parameter or an unknown path is refused", () => {
      assert.deepEqual(seen("websocket_refusals"), [403, 403, 403]);
    });

    test("a WebSocketException closes with its code and reason", () => {
      assert.deepEqual(seen("websocket_exception"), [[], [4003, "as you wish"]]);
    });

    test("a dependency with yield cleans up after its WebSocket, however that ends", () => {
      assert.deepEqual(seen("websocket_session"), ["open", "hello"]);
    });

    test("a chat knows who comes, speaks and leaves", () => {
      const hello = "bob: hello 👋";
      assert.deepEqual(seen("chat"), ["ada joined", "bob joined", "bob joined", hello, hello, "bob left"]);
    });
  });
}
