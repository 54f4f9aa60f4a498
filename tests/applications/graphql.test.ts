// Strawberry GraphQL: queries and mutations over HTTP, subscriptions over both WebSocket protocols and over HTTP.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Strawberry GraphQL on ${server}`, { skip }, () => {
    const seen = play(server, { app: "graphql_app:app", client: "graphql" });

    test("queries and mutations are answered over HTTP", () => {
      assert.deepEqual(seen("queries"), [
        { hats: [{ name: "Tricorn", corners: 3 }] }, { hats: [] }, { addHat: { name: "Bicorn ü", corners: 2 } },
        "broken on purpose", true, { hats: [{ corners: 3 }] }, "text/html",
      ]);
    });

    test("a subscription delivers its results and completes", () => {
      const results = [0, 1, 2].map((count) => ["1", { count }]);
      assert.deepEqual(seen("counting"), ["graphql-transport-ws", [...results, ["1", "complete"]]]);
    });

    test("two subscriptions share a WebSocket and end when the client completes them or vanishes", () => {
      const listening = [["a", { said: "listening" }], ["b", { said: "listening" }]];
      const heard = [["a", { said: "hello a" }], ["b", { said: "hello b" }]];
      assert.deepEqual(seen("two_subscriptions"), [[...listening, ...heard], 0, "pong"]);
    });

    test("queries are answered over WebSocket too", () => {
      const hats = ["q", { hats: [{ corners: 3 }] }];
      assert.deepEqual(seen("queries_over_websocket"), [hats, ["q", "complete"], ["e", "error"]]);
    });

    test("who breaks the rules of the protocol is told by the closing code and reason", () => {
      assert.deepEqual(seen("rules"), [
        [4401, "Unauthorized"], [4429, "Too many initialisation requests"], [4406, "Subprotocol not acceptable"],
        [4400, "WebSocket message type must be text"],
      ]);
    });

    test("the old protocol works, with its keep-alive messages", () => {
      const results = [["1", { count: 0 }], ["1", { count: 1 }], ["1", "complete"]];
      assert.deepEqual(seen("old_protocol"), ["graphql-ws", results]);
    });

    test("a subscription over HTTP arrives part by part or event by event, and ends when its reader leaves", () => {
      const heard = ["listening", "word 1", "word 2"];
      assert.deepEqual(seen("over_http"), [["multipart/mixed", heard], ["text/event-stream", heard]]);
    });
  });
}
