// python-socketio: polling and WebSocket, with its own client.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`python-socketio on ${server}`, { skip }, () => {
    const seen = play(server, { app: "socketio_app:app", client: "socketio" });

    for (const [transport, sentence] of [
      ["polling", "over polling"], ["websocket", "over WebSocket"], ["both", "after an upgrade to WebSocket"],
    ] as const) {
      test(`calls, rooms and questions of the server work ${sentence}`, () => {
        const settled = transport === "both" ? "websocket" : transport;
        assert.deepEqual(seen(`calls_${transport}`), [[true, true, true], "Ada", "/socket.io/", settled]);
        assert.deepEqual(seen(`rooms_${transport}`), ["entered", "entered", true, true]);
        assert.equal(seen(`questions_${transport}`), "how many corners? three");
      });
    }

    test("a poll is parked until there is something to say", () => {
      assert.deepEqual(seen("polling_by_hand"), ["OK", true, false, '430["hello"]', 400]);
    });

    test("a client without a ticket is told so", () => {
      assert.equal(seen("refusals"), "One or more namespaces failed to connect: /");
      assert.equal(seen("refusal_while_polling"), '44{"message":"no ticket"}');
    });

    test("each side hears that the other has left", () => {
      assert.deepEqual(seen("leaving"), ["transport close", ["disconnected", "server disconnect"]]);
    });
  });
}
