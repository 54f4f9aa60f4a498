// How long a connection lives and in which order it answers, for both kinds of application.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { requestText } from "../support/connection.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`a connection to ${kind === "wsgi" ? "a" : "an"} ${kind.toUpperCase()} application`, () => {
    let program: Program;
    before(async () => {
      program = await Program.start({ app: `${kind}_app:app`, options: ["--threads", "4"] });
    });
    after(() => program.stop());

    test("carries one request after the other", async () => {
      using connection = await program.connect();
      for (let n = 1; n <= 20; n++) {
        const response = await connection.get(`/?n=${n}`);
        assert.equal(response.text, `hello ${n}`);
        assert.equal(response.fields.get("connection"), undefined);
      }
    });

    test("ends after a request that asks for it, and says so", async () => {
      using connection = await program.connect();
      const response = await connection.get("/", { Connection: "close" });
      assert.equal(response.fields.get("connection"), "close");
      assert.equal(await connection.rest(), "");
      assert.equal(connection.error, undefined, "by FIN, not by RST");
    });

    test("answers requests that were sent ahead in their order, the slow ones and the fast ones", async () => {
      using connection = await program.connect();
      const targets = Array.from({ length: 24 }, (_, n) => (n % 6 === 0 ? `/sleep?s=0.05&n=${n}` : `/?n=${n}`));
      connection.send(targets.map((target) => requestText({ target })).join(""));
      for (const [n, target] of targets.entries()) {
        const { status, text } = await connection.response();
        assert.deepEqual([status, text], [200, target.startsWith("/sleep") ? `slept ${n}` : `hello ${n}`]);
      }
    });

    test("answers hundreds of requests sent ahead with bodies between them", async () => {
      using connection = await program.connect();
      const requests = Array.from({ length: 300 }, (_, n) =>
        n % 3 === 0
          ? requestText({ method: "POST", target: "/hash", body: "x".repeat(n * 10) })
          : requestText({ target: `/?n=${n}` }));
      connection.send(requests.join(""));
      for (let n = 0; n < requests.length; n++) {
        const { text } = await connection.response();
        if (n % 3 === 0) assert.equal((JSON.parse(text) as { size: number }).size, n * 10);
        else assert.equal(text, `hello ${n}`);
      }
    });

    test("answers all that was sent ahead, though it takes more than it reads ahead", async () => {
      using connection = await program.connect();
      const count = 900;
      const padding = "x".repeat(1000);
      connection.send(requestText({ target: "/sleep?s=0.2&n=first" }));
      for (let n = 0; n < count; n++) connection.send(requestText({ target: `/?n=${n}&pad=${padding}` }));
      assert.equal((await connection.response()).text, "slept first");
      for (let n = 0; n < count; n++) assert.equal((await connection.response()).text, `hello ${n}`);
    });

    test("of HTTP/1.0 ends after its response", async () => {
      using connection = await program.connect();
      const response = await connection.ask({ version: "1.0", target: "/?n=1" });
      assert.deepEqual([response.version, response.text], ["1.1", "hello 1"]);
      assert.equal(await connection.rest(), "");
    });

    test("of HTTP/1.0 goes on when the client asks for it", async () => {
      using connection = await program.connect();
      for (let n = 1; n <= 3; n++) {
        const response = await connection.ask({
          version: "1.0", target: `/?n=${n}`, fields: { Connection: "keep-alive" },
        });
        assert.equal(response.fields.get("connection"), "keep-alive");
        assert.equal(response.text, `hello ${n}`);
      }
    });

    test("of HTTP/1.0 gets a streamed response unchunked, up to the connection's end", async () => {
      using connection = await program.connect();
      const fields = { Connection: "keep-alive" };
      const response = await connection.ask({ version: "1.0", target: "/stream?count=3&size=100", fields });
      assert.deepEqual([response.framing, response.body.length, response.complete], ["close", 300, true]);
      assert.equal(response.fields.get("connection"), "close");
    });

    test("keeps the Content-Length of a response to HEAD and sends no body", async () => {
      using connection = await program.connect();
      const head = await connection.ask({ method: "HEAD", target: "/?n=1" });
      assert.equal(head.fields.get("content-length"), "7");
      const streamed = await connection.ask({ method: "HEAD", target: "/stream?count=3" });
      assert.equal(streamed.status, 200);
      assert.equal((await connection.get("/?n=after")).text, "hello after", "nothing lies between the responses");
    });

    test("serves the absolute form, whose host replaces the Host field", async () => {
      using connection = await program.connect();
      const { text } = await connection.get(`http://other.test:81/${kind === "wsgi" ? "environ" : "scope"}?a=b`);
      const seen = JSON.parse(text) as Record<string, unknown>;
      if (kind === "wsgi") {
        const parts = [seen["HTTP_HOST"], seen["PATH_INFO"], seen["QUERY_STRING"]];
        assert.deepEqual(parts, ["other.test:81", "/environ", "a=b"]);
      } else {
        const headers = seen["headers"] as [string, string][];
        assert.deepEqual(headers.filter(([name]) => name === "host"), [["host", "other.test:81"]]);
        assert.deepEqual([seen["path"], seen["query_string"]], ["/scope", "a=b"]);
      }
    });

    test("hands OPTIONS * to the application", async () => {
      using connection = await program.connect();
      const { status, text } = await connection.ask({ method: "OPTIONS", target: "*" });
      const seen = JSON.parse(text) as Record<string, unknown>;
      assert.deepEqual([status, seen["PATH_INFO"] ?? seen["path"]], [200, "*"]);
    });

    test("refuses CONNECT with 405", async () => {
      using connection = await program.connect();
      const response = await connection.ask({ method: "CONNECT", target: "/" });
      assert.equal(response.status, 405);
      assert.ok(response.fields.has("allow"), "RFC 9110 §15.5.6: with an Allow field");
      // We are no tunnel, and authority-form names nothing else: the reader refuses it.
      using tunnel = await program.connect();
      assert.equal((await tunnel.ask({ method: "CONNECT", target: "example.com:443" })).status, 400);
    });

    test("ignores an upgrade that it does not know", async () => {
      using connection = await program.connect();
      const fields = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABk" };
      assert.equal((await connection.get("/?n=1", fields)).text, "hello 1");
      assert.equal((await connection.get("/?n=2")).text, "hello 2");
    });

    test("that is closed by half gets its answer", async () => {
      using connection = await program.connect();
      connection.send(requestText({ target: "/sleep?s=0.2&n=1" }));
      connection.end();
      assert.equal((await connection.response()).text, "slept 1");
      assert.equal(await connection.rest(), "");
    });

    test("that is closed by half gets all of an answer that has begun, however long it takes", async () => {
      using connection = await program.connect();
      // ASGI applications are told after half a second: for them a client that reads on is the exception.
      connection.send(requestText({ target: `/stream?count=4&s=${kind === "wsgi" ? 0.3 : 0.02}&size=3&length=12` }));
      connection.end();
      const { body, complete } = await connection.response();
      assert.deepEqual([body.length, complete], [12, true]);
    });

    test("that is closed by half with requests still to be answered gets all answers", async () => {
      using connection = await program.connect();
      connection.send([1, 2, 3].map((n) => requestText({ target: `/?n=${n}` })).join(""));
      connection.end();
      for (let n = 1; n <= 3; n++) assert.equal((await connection.response()).text, `hello ${n}`);
      assert.equal(await connection.rest(), "");
    });

    test("that is closed by half in the middle of a request sent ahead gets the answers before it", async () => {
      const upload = requestText({ method: "POST", target: "/hash", body: "abc" });
      for (const rest of ["GET /?n=3 HTTP/1.1\r\nHost: a", upload.slice(0, -1)]) {
        using connection = await program.connect();
        connection.send(requestText({ target: "/?n=1" }) + requestText({ target: "/sleep?s=0.1&n=2" }) + rest);
        connection.end();
        assert.equal((await connection.response()).text, "hello 1");
        assert.equal((await connection.response()).text, "slept 2");
        assert.match(await connection.rest(), /^(?:HTTP\/1\.1 400 [^]*)?$/);
      }
    });

    test("refuses an unknown expectation with 417", async () => {
      using connection = await program.connect();
      const response = await connection.ask({ method: "POST", target: "/hash", fields: { Expect: "tea" }, body: "x" });
      assert.equal(response.status, 417);
    });

    test("survives a client that sends nothing and goes", async () => {
      for (let n = 0; n < 20; n++) {
        const silent = await program.connect();
        if (n % 2 === 0) silent.close();
        else silent.reset();
      }
      using connection = await program.connect();
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    });
  });
}

describe("Expect: 100-continue", () => {
  const fields = { Expect: "100-continue" };

  test("is answered for WSGI before the body is gathered", async () => {
    await using program = await Program.start({ app: "wsgi_app:app" });
    using connection = await program.connect();
    connection.send(requestText({ method: "POST", target: "/hash", fields: { ...fields, "Content-Length": "3" } }));
    assert.equal(await connection.informational(), 100);
    connection.send("abc");
    assert.equal((JSON.parse((await connection.response()).text) as { size: number }).size, 3);
    // The next request on the connection is one of its own.
    assert.equal((await connection.get("/?n=1")).text, "hello 1");
  });

  describe("for ASGI", () => {
    let program: Program;
    before(async () => {
      program = await Program.start({ app: "asgi_app:app" });
    });
    after(() => program.stop());

    test("is answered when the application first reads", async () => {
      using connection = await program.connect();
      const startMs = performance.now();
      const target = "/hash?s=0.3";
      connection.send(requestText({ method: "POST", target, fields: { ...fields, "Content-Length": "3" } }));
      assert.equal(await connection.informational(), 100);
      assert.ok(performance.now() - startMs > 250, "not before the application read");
      connection.send("abc");
      assert.equal((JSON.parse((await connection.response()).text) as { size: number }).size, 3);
    });

    test("is not answered when the application answers without reading", async () => {
      using connection = await program.connect();
      const target = "/answer-first?status=413";
      connection.send(requestText({ method: "POST", target, fields: { ...fields, "Content-Length": "3" } }));
      const response = await connection.response();
      assert.deepEqual([response.status, response.informational], [413, []]);
      assert.equal(response.fields.get("connection"), "close", "whether the body comes is in doubt");
    });

    test("is not answered when the body is there already", async () => {
      using connection = await program.connect();
      const response = await connection.ask({ method: "POST", target: "/hash", fields, body: "abc" });
      assert.deepEqual([response.status, response.informational], [200, []]);
    });

    test("is not answered to HTTP/1.0", async () => {
      using connection = await program.connect();
      connection.send(requestText({
        method: "POST", target: "/hash", version: "1.0", fields: { ...fields, "Content-Length": "3" },
      }));
      await sleep(100);
      connection.send("abc");
      const response = await connection.response();
      assert.deepEqual([response.status, response.informational], [200, []]);
    });
  });
});

describe("a client that leaves", () => {
  test("while its ASGI request is parked, however long, is told to the application within a second", async () => {
    await using program = await Program.start({ app: "asgi_app:app" });
    using observer = await program.connect();
    const events = async (): Promise<string[]> => JSON.parse((await observer.get("/events")).text) as string[];
    for (const leave of ["close", "reset"] as const) {
      const parked = await program.connect();
      parked.send(requestText({ target: "/park" }));
      await eventually("it is parked", 2000, async () => (await events()).includes("parked"));
      await sleep(1500);
      parked[leave]();
      await eventually("http.disconnect", 1000, async () => (await events()).includes("disconnect"));
    }
  });
});

describe("Upgrade: websocket", () => {
  const fields = {
    Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };

  test("in another version than 13 is 426 and names ours, and a malformed one is 400", async () => {
    await using program = await Program.start({ app: "asgi_app:app" });
    using connection = await program.connect();
    const refused = await connection.get("/", { ...fields, "Sec-WebSocket-Version": "8" });
    assert.equal(refused.status, 426);
    assert.equal(refused.fields.get("sec-websocket-version"), "13");
    assert.equal(refused.fields.get("upgrade"), "websocket");
    assert.equal(refused.fields.get("connection"), "Upgrade");
    assert.equal((await connection.get("/?n=1")).text, "hello 1");
    // As with nginx, what is no request ends the connection.
    assert.equal((await connection.get("/", { ...fields, "Sec-WebSocket-Key": "short" })).status, 400);
    assert.equal(await connection.rest(), "");
  });

  test("is a plain request with --ws none, and in HTTP/1.0", async () => {
    await using program = await Program.start({ app: "asgi_app:app", options: ["--ws", "none"] });
    using connection = await program.connect();
    assert.equal((await connection.get("/?n=1", fields)).text, "hello 1");
    await using other = await Program.start({ app: "asgi_app:app" });
    using old = await other.connect();
    old.send(`GET /?n=2 HTTP/1.0\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    assert.equal((await old.response()).text, "hello 2");
  });

  test("reaches a WSGI application as it came", async () => {
    await using program = await Program.start({ app: "wsgi_app:app" });
    using connection = await program.connect();
    const seen = JSON.parse((await connection.get("/environ", fields)).text) as Record<string, unknown>;
    assert.equal(seen["HTTP_UPGRADE"], "websocket");
  });
});
