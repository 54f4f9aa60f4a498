import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { innermost, refusals, textIn } from "../../tests/conf/blocks.ts";
import { webSocketRows, webSocketSettings } from "./directives.ts";

describe("the directives of WebSocket", () => {
  const settingsOf = (text: string): ReturnType<typeof webSocketSettings> =>
    webSocketSettings(innermost(textIn("http", text), webSocketRows));

  test("have uvicorn's defaults", () => {
    assert.deepEqual(settingsOf(""), {
      enabled: true, messageSizeMax: 16_777_216, queueMax: 32, pingIntervalMs: 20_000, pingTimeoutMs: 20_000,
      perMessageDeflate: true,
    });
  });

  test("are taken from the nearest block around", () => {
    const text = `ws_max_size 1g; ws_max_queue 1; ws_ping_interval 0; ws_ping_timeout 1ms; ws_per_message_deflate off;
      server { ws off; location / { ws_max_size 125; } }`;
    assert.deepEqual(settingsOf(text), {
      enabled: false, messageSizeMax: 125, queueMax: 1, pingIntervalMs: 0, pingTimeoutMs: 1, perMessageDeflate: false,
    });
  });

  test("have bounds", () => {
    const text = "ws_max_size 124; ws_max_size 1025m; ws_max_queue 0; ws_max_queue 65537; ws_ping_timeout 0; ws auto;";
    assert.deepEqual(refusals(textIn("http", text), webSocketRows), [
      "value must be between 125 and 1g", "value must be between 125 and 1g", "value must be between 1 and 65536",
      "value must be between 1 and 65536", '"ws_ping_timeout" directive invalid value',
      'invalid value "auto" in "ws" directive, it must be "on" or "off"',
    ]);
  });
});
