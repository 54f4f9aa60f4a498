// Litestar: handlers, streams, events, WebSocket handlers, listeners and streams, channels.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Litestar on ${server}`, { skip }, () => {
    const seen = play(server, { app: "litestar_app:app", client: "litestar" });

    test("handlers get state, bodies and parameters, in threads too", () => {
      assert.deepEqual(seen("handlers"), [
        { model: "loaded" }, { name: "Tricorn", corners: 3 }, 400,
        { number: 7, words: ["a", "ü"], path: "/blocking/7", host: "127.0.0.1" }, 404,
      ]);
    });

    test("a generator dependency cleans up", () => {
      assert.equal(seen("session"), "session");
    });

    test("a Stream arrives piece by piece", () => {
      assert.deepEqual(seen("stream"), ["piece 0\n", "piece 1\n", "piece 2\n"]);
    });

    test("Server-Sent Events arrive while the stream is open, and it ends when the reader leaves", () => {
      const events = [0, 1, 2].flatMap((number) => [`id: ${number}`, "event: count", `data: event ${number}`]);
      assert.deepEqual(seen("sse"), ["text/event-stream", events]);
    });

    test("a background task runs after its response", () => {
      assert.deepEqual(seen("background"), [202, "accepted"]);
    });

    test("forms and uploads are read", () => {
      assert.deepEqual(seen("bodies"), [{ note: "ü", name: "hüte.bin", size: 1_200_000 }, { a: "1", b: "ü &" }]);
    });

    test("its error responses arrive as they are", () => {
      assert.deepEqual(seen("errors"), [[418, "no coffee"], [500, "Internal Server Error"], [404, "Not Found"]]);
    });

    test("a WebSocket handler accepts with a subprotocol and a field of its own", () => {
      assert.deepEqual(seen("echo"), ["hat", "loaded", { name: "Ada", text: "hällo" }]);
    });

    test("listeners answer JSON, text and bytes", () => {
      assert.deepEqual(seen("listeners"), [{ name: "HAT", corners: 3 }, "nrocirt", "welcome", "b'three!'"]);
    });

    test("a WebSocket stream ends with 1000, and earlier when the client leaves", () => {
      assert.deepEqual(seen("streams"), [["0", "1", "2", "3", "4"], 1000]);
    });

    test("a WebSocket is refused before it is accepted and closed with 4500 after", () => {
      assert.deepEqual(seen("refusals"), [403, 403, [[], [4500, "no"]]]);
    });

    test("what is published on a channel reaches all who listen", () => {
      assert.deepEqual(seen("channels"), [{ hat: "Tricorn" }, { hat: "Tricorn" }]);
    });
  });
}
