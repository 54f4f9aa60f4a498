import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, innermost, readText, refusals, textIn } from "../../tests/conf/blocks.ts";
import type { HttpSettings } from "../config/model.ts";
import { SOFTWARE } from "../std/version.ts";
import { edgeDirectives, httpRows, httpSettings } from "./directives.ts";

/** What a text in `http` says, or in the block that it opens. */
function settingsOf(text: string): HttpSettings {
  return httpSettings(innermost(textIn("http", text), edgeDirectives));
}

function refused(text: string): readonly string[] {
  return refusals(textIn("http", text), edgeDirectives);
}

describe("the directives of http core", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(edgeDirectives), []);
  });

  test("may stand where nginx's reference says", () => {
    assert.deepEqual(contextMistakes(edgeDirectives), []);
  });

  test("either make settings or say why they do nothing", () => {
    const inert = edgeDirectives.filter(({ withoutEffect }) => withoutEffect !== undefined);
    assert.ok(inert.length > 0 && inert.every((row) => !httpRows.includes(row)));
    const { withoutEffect } = readText(textIn("http", "tcp_nopush on; keepalive_time 1h;"), edgeDirectives);
    assert.deepEqual(withoutEffect.map(({ row }) => row.name), ["tcp_nopush"]);
  });

  test("have nginx's defaults, but for server_tokens", () => {
    assert.deepEqual(settingsOf(""), {
      requestLineSizeMax: 8192,
      fieldCountMax: 1000,
      fieldSizeMax: 8192,
      headSizeMax: 32_768,
      clientMaxBodySize: 1_048_576,
      clientBodyBufferSize: 16_384,
      clientBodyInFileOnly: "off",
      clientHeaderTimeoutMs: 60_000,
      clientBodyTimeoutMs: 60_000,
      sendTimeoutMs: 60_000,
      keepaliveTimeoutMs: 75_000,
      keepaliveHeaderMs: 0,
      keepaliveRequests: 1000,
      keepaliveTimeMs: 3_600_000,
      keepaliveDisable: ["msie6"],
      underscoresInHeaders: false,
      mergeSlashes: true,
      serverHeader: "tricorn",
      dateHeader: true,
      chunkedTransferEncoding: true,
      lingeringClose: "on",
      lingeringTimeoutMs: 5000,
      resetTimedoutConnection: false,
      logNotFound: true,
      recursiveErrorPages: false,
      http2: { enabled: false, maxConcurrentStreams: 128, bodyPrereadSize: 65_536, chunkSize: 8192 },
    });
  });

  test("are taken from the nearest block around", () => {
    const { keepaliveTimeoutMs, sendTimeoutMs, mergeSlashes, clientMaxBodySize } = settingsOf(
      `keepalive_timeout 10 20; send_timeout 1; merge_slashes off; client_max_body_size 2m;
       server { send_timeout 500ms; client_max_body_size 3m; location / { client_max_body_size 1g; if ($a) { } } }`,
    );
    assert.deepEqual([keepaliveTimeoutMs, sendTimeoutMs, mergeSlashes], [10_000, 500, false]);
    assert.equal(clientMaxBodySize, 2 ** 30);
    assert.deepEqual(settingsOf("keepalive_timeout 10 20; server { }").keepaliveHeaderMs, 20_000);
    assert.deepEqual(settingsOf("keepalive_timeout 10 20; server { keepalive_timeout 5; }").keepaliveHeaderMs, 0);
  });

  test("can be written in full", () => {
    const text = `client_body_buffer_size 8k; client_body_in_file_only clean;
      client_header_timeout 1; client_body_timeout 2; keepalive_requests 0;
      keepalive_time 3; underscores_in_headers on; date_header off; max_headers 5;
      chunked_transfer_encoding off; lingering_close always; lingering_timeout 4; reset_timedout_connection on;
      log_not_found off; recursive_error_pages on;`;
    const written: Partial<HttpSettings> = {
      clientBodyBufferSize: 8192, clientBodyInFileOnly: "clean",
      clientHeaderTimeoutMs: 1000, clientBodyTimeoutMs: 2000, keepaliveRequests: 0,
      keepaliveTimeMs: 3000, underscoresInHeaders: true, dateHeader: false,
      fieldCountMax: 5, chunkedTransferEncoding: false, lingeringClose: "always", lingeringTimeoutMs: 4000,
      resetTimedoutConnection: true, logNotFound: false, recursiveErrorPages: true,
    };
    assert.deepEqual(settingsOf(text), { ...settingsOf(""), ...written });
  });

  test("name the browsers whose connections are closed in one list, in which none adds nothing", () => {
    const browsers = (text: string): unknown => settingsOf(text).keepaliveDisable;
    assert.deepEqual(browsers("keepalive_disable none;"), []);
    assert.deepEqual(browsers("keepalive_disable none safari;"), ["safari"]);
    assert.deepEqual(browsers("keepalive_disable msie6; keepalive_disable safari;"), ["msie6", "safari"]);
    assert.deepEqual(browsers("keepalive_disable safari; server { keepalive_disable none; }"), []);
  });

  test("know no limit of a body where it is 0, and a bound of what memory keeps", () => {
    assert.equal(settingsOf("client_max_body_size 0;").clientMaxBodySize, Number.MAX_SAFE_INTEGER);
    assert.equal(settingsOf("client_body_buffer_size 512k;").clientBodyBufferSize, 524_288);
    assert.equal(settingsOf("client_body_buffer_size 10m;").clientBodyBufferSize, 524_288);
  });

  test("are refused in nginx's words", () => {
    assert.deepEqual(refused("client_max_body_size 1t; client_max_body_size -1; client_body_buffer_size 1g;"), [
      '"client_max_body_size" directive invalid value', '"client_max_body_size" directive invalid value',
      '"client_body_buffer_size" directive invalid value',
    ]);
    assert.deepEqual(refused("client_header_timeout 1y; keepalive_timeout 10 10ms; keepalive_requests x;"), [
      '"client_header_timeout" directive invalid value', '"keepalive_timeout" directive invalid value',
      '"keepalive_requests" directive invalid number',
    ]);
    assert.deepEqual(refused("lingering_close x; merge_slashes x; send_timeout; send_timeout 1; send_timeout 2;"), [
      'invalid value "x"', 'invalid value "x" in "merge_slashes" directive, it must be "on" or "off"',
      'invalid number of arguments in "send_timeout" directive', '"send_timeout" directive is duplicate',
    ]);
    assert.deepEqual(refusals(textIn("location", "merge_slashes on; client_header_timeout 1;"), edgeDirectives), [
      '"merge_slashes" directive is not allowed here', '"client_header_timeout" directive is not allowed here',
    ]);
  });
});

describe("the size of a head", () => {
  const limitsOf = (text: string): readonly number[] => {
    const { requestLineSizeMax, fieldSizeMax, headSizeMax } = settingsOf(text);
    return [requestLineSizeMax, fieldSizeMax, headSizeMax];
  };

  test("is that of the buffers", () => {
    assert.deepEqual(limitsOf("large_client_header_buffers 2 16k;"), [16_384, 16_384, 32_768]);
    assert.deepEqual(limitsOf("client_header_buffer_size 64k;"), [65_536, 65_536, 65_536]);
  });

  test("may differ for the request line, and for fields", () => {
    assert.deepEqual(limitsOf("limit_request_line 4094; limit_request_field_size 8190;"), [4094, 8190, 32_768]);
    assert.deepEqual(limitsOf("limit_request_line 64k; server { limit_request_line 48k; }"), [49_152, 8192, 49_152]);
  });

  test("has a bound", () => {
    assert.deepEqual(limitsOf("large_client_header_buffers 4 256k;"), [262_144, 262_144, 1_048_576]);
    assert.deepEqual(limitsOf("limit_request_line 1m; client_header_buffer_size 1m;"), [2 ** 20, 2 ** 20, 2 ** 20]);
    assert.deepEqual(refused("large_client_header_buffers 5 256k; limit_request_line 1025k; limit_request_line 63;"), [
      "5 buffers of 256k are more than 1m", "value must be between 64 and 1m", "value must be between 64 and 1m",
    ]);
    assert.equal(settingsOf("max_headers 65536;").fieldCountMax, 65_536);
    assert.deepEqual(refused("max_headers 65537; max_headers 0;"), [
      "value must be between 1 and 65536", "value must be between 1 and 65536",
    ]);
  });

  test("is refused as nginx refuses it", () => {
    const nginx = '"large_client_header_buffers" directive invalid value';
    for (const words of ["x 8k", "0 8k", "4 x", "4 0", "4 1g"]) {
      assert.deepEqual(refused(`large_client_header_buffers ${words};`), [nginx], words);
    }
  });
});

describe("the Server field", () => {
  const fieldOf = (word: string): string | undefined => settingsOf(`server_tokens ${word};`).serverHeader;

  test("has a version, none, or is not there", () => {
    assert.deepEqual([fieldOf("on"), fieldOf("BUILD"), fieldOf("off")], [SOFTWARE, SOFTWARE, "tricorn"]);
    assert.deepEqual([fieldOf("none"), fieldOf('""')], [undefined, undefined]);
  });

  test("is a text, as in nginx's commercial edition, if a field may have it", () => {
    assert.equal(fieldOf('"shop 2"'), "shop 2");
    for (const text of ['"a\nb"', '" a"', '"é"', "$host", "constructor$"]) {
      assert.match(refused(`server_tokens ${text};`).join(), /^invalid value "/, text);
    }
    assert.equal(fieldOf("constructor"), "constructor");
  });
});

describe("directives without effect", () => {
  test("are refused in nginx's words nevertheless", () => {
    for (const [text, nginx] of [
      ["aio maybe;", '"aio" directive invalid value'],
      ["aio THREADS;", '"aio" directive invalid value'],
      ["aio_write x;", 'invalid value "x" in "aio_write" directive, it must be "on" or "off"'],
      ["client_body_in_file_only maybe;", 'invalid value "maybe"'],
      ["client_body_temp_path /a x;", '"client_body_temp_path" directive invalid value'],
      ["client_body_temp_path /a 1 2 3 4;", 'invalid number of arguments in "client_body_temp_path" directive'],
      ["connection_pool_size 1;", "the pool size must be no less than 112"],
      ["connection_pool_size 300;", "the pool size must be a multiple of 16"],
      ["request_pool_size x;", '"request_pool_size" directive invalid value'],
      ["directio x;", '"directio" directive invalid value'],
      ["ignore_invalid_headers;", 'invalid number of arguments in "ignore_invalid_headers" directive'],
      ["keepalive_disable x;", 'invalid value "x"'],
      ["keepalive_disable none msie6 safari;", 'invalid number of arguments in "keepalive_disable" directive'],
      ["output_buffers 0 32k;", '"output_buffers" directive invalid value'],
      ["postpone_output 1g;", '"postpone_output" directive invalid value'],
      ["types_hash_max_size x;", '"types_hash_max_size" directive invalid number'],
      ["types_hash_max_size 2k;", '"types_hash_max_size" directive invalid number'],
    ] as const) assert.deepEqual(refused(text), [nginx], text);
    assert.deepEqual(refused("aio threads=pool; directio 1g; keepalive_disable none; keepalive_disable safari;"), []);
  });
});
