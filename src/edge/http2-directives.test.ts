import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { innermost, readText, refusals, textIn } from "../../tests/conf/blocks.ts";
import type { Http2Settings } from "../config/model.ts";
import { edgeDirectives } from "./directives.ts";
import { http2Rows, http2RowsWithoutEffect, http2Settings } from "./http2-directives.ts";

function settingsOf(text: string): Http2Settings {
  return http2Settings(innermost(textIn("http", text), edgeDirectives));
}

describe("the directives of HTTP/2", () => {
  test("can be written in full, and are taken from the nearest block around", () => {
    const text = "http2 on; http2_max_concurrent_streams 10; http2_body_preread_size 1k; http2_chunk_size 4k;";
    const written = { enabled: true, maxConcurrentStreams: 10, bodyPrereadSize: 1024, chunkSize: 4096 };
    assert.deepEqual(settingsOf(text), written);
    assert.deepEqual(settingsOf(`${text} server { http2 off; }`), { ...written, enabled: false });
  });

  test("have bounds", () => {
    assert.equal(settingsOf("http2_chunk_size 1m;").chunkSize, 16_384);
    assert.equal(settingsOf("http2_chunk_size 1;").chunkSize, 64);
    assert.equal(settingsOf("http2_body_preread_size 0;").bodyPrereadSize, 0);
    assert.equal(settingsOf("http2_body_preread_size 1m;").bodyPrereadSize, 1_048_576);
    assert.equal(settingsOf("http2_max_concurrent_streams 10000;").maxConcurrentStreams, 10_000);
    const refused = refusals(textIn("http", `http2_body_preread_size 1025k; http2_max_concurrent_streams 0;
      http2_max_concurrent_streams 10001; http2 yes;`), edgeDirectives);
    assert.equal(refused.length, 4, refused.join("\n"));
  });

  test("that are obsolete are accepted, and say what counts instead", () => {
    const text = `http2_max_requests 10; http2_idle_timeout 1m; http2_push /a; http2_push /b;
      http2_recv_buffer_size 1k;`;
    const { withoutEffect } = readText(textIn("http", text), edgeDirectives);
    assert.deepEqual(withoutEffect.map(({ row }) => row.name),
      ["http2_max_requests", "http2_idle_timeout", "http2_push", "http2_push", "http2_recv_buffer_size"]);
    assert.ok(http2RowsWithoutEffect.every((row) => !http2Rows.includes(row) && row.withoutEffect !== undefined));
  });
});
