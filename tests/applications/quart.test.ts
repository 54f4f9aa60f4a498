// Quart: requests, sessions, streams, uploads, background tasks and WebSockets.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Quart on ${server}`, { skip }, () => {
    const seen = play(server, { app: "quart_app:app", client: "quart" });

    test("a request says who asks what, and plain functions run in threads", () => {
      const request = {
        host: true, model: "loaded", path: "/model", remote: "127.0.0.1", root: "", scheme: "http", words: ["a", "ü"],
      };
      assert.deepEqual(seen("requests"), [request, "GET", "HEAD", "", "/blocking", true]);
    });

    test("a session lives in its cookie", () => {
      assert.deepEqual(seen("session"), ["1", "2", "3"]);
    });

    test("bodies come whole, piece by piece, and as a form with a file", () => {
      const form = { name: "hüte.bin", note: "ü", size: 1_500_000 };
      assert.deepEqual(seen("bodies"), [201, "application/x-hat", true, true, form]);
    });

    test("a stream arrives piece by piece and ends when its reader leaves", () => {
      assert.deepEqual(seen("stream"), [0, 1, 2].map((number) => `piece ${number} of /stream\n`));
      assert.equal(seen("leaving_a_stream"), true);
    });

    test("a background task runs after its response", () => {
      assert.deepEqual(seen("background"), [202, "accepted"]);
    });

    test("errors have their status", () => {
      assert.deepEqual(seen("errors"), [500, 403, 404]);
    });

    test("a WebSocket echoes, is closed by the application, and is cancelled when its client leaves", () => {
      assert.deepEqual(seen("echo"), [true, true, [[], [4321, "as you wish"]]]);
    });

    test("a WebSocket is accepted with a subprotocol and a field, and knows query and cookies", () => {
      const message = { cookie: "d", name: "Ada", wanted: ["hat", "other"], word: "ü" };
      assert.deepEqual(seen("accepted"), ["hat", "Ada", message, 1000]);
    });

    test("a WebSocket is refused with the application's status; Quart itself closes one that failed with 1000", () => {
      assert.deepEqual(seen("refusals"), [401, 404, 1000]);
    });

    test("one task sends while another receives", () => {
      assert.deepEqual(seen("both"), Array.from({ length: 10 }, (_, index) => index));
    });

    test("members of a room hear each other and are gone when they have left", () => {
      assert.deepEqual(seen("room"), ["joined", "hello", "joined"]);
    });
  });
}
