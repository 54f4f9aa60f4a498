// a2wsgi: a WSGI application under ASGI, and an ASGI application under WSGI.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const [title, app, servers] of [
  ["Flask behind WSGIMiddleware", "a2wsgi_app:asgi", ["uvicorn", "tricorn"]],
  ["Starlette behind ASGIMiddleware", "a2wsgi_app:wsgi", ["gunicorn", "tricorn"]],
] as const) {
  for (const server of servers) {
    describe(`${title} on ${server}`, { skip }, () => {
      const seen = play(server, { app, client: "a2wsgi" });

      test("requests arrive as they were sent", () => {
        const request = { name: "ü x", query: "ü", twice: "1, 2", host: "127.0.0.1", url: "/hello/ü x" };
        assert.deepEqual(seen("requests"), [
          { ...request, method: "GET" }, { ...request, method: "POST" }, 200, 404,
        ]);
      });

      test("bodies arrive whole", () => {
        assert.deepEqual(seen("bodies"), [true, 0]);
      });

      test("ten streams at once arrive whole", () => {
        assert.equal(seen("stream"), 10);
      });

      test("status and doubled fields arrive", () => {
        assert.deepEqual(seen("teapot"), [418, "no coffee", ["a=1", "b=2"]]);
      });

      test("a failure is a 500, and the next request is answered", () => {
        assert.deepEqual(seen("broken"), [500, 200]);
      });
    });
  }
}
