import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { encodeBlock } from "../../src/protocol/h2/index.ts";
import { linesOf } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Client, startH2Site } from "./client.ts";
import {
  CONTINUATION, END_HEADERS, END_STREAM, HEADERS, PADDED, type Fields, data, frame, get, headers, post, requestFields,
} from "./frames.ts";
import { RawClient } from "./raw.ts";

describe("a request of HTTP/2", () => {
  let program: Program;
  before(async () => {
    program = await startH2Site({
      http: "log_format short '$request|$status|$request_completion'; log_format sizes '$uri $request_length';",
      server: `max_headers 5; access_log %FOLDER%/access.log short; access_log %FOLDER%/sizes.log sizes;
        error_page 400 /text;
        location = /text { return 200 "hello"; }
        location /wsgi { app_pass wsgi; }
        location /asgi { app_pass asgi; }`,
    });
  });
  after(() => program.stop());

  test("may have as many fields as max_headers says, besides its pseudo-header fields", async () => {
    using client = await Client.connect(program);
    const fields = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "1"]));
    assert.equal((await client.ask("/text", { headers: fields(5) })).status, 200);
    assert.equal((await client.ask("/text", { headers: fields(6) })).status, 431);
    const cookie = Array.from({ length: 50 }, (_, index) => `c${index}=1`);
    assert.equal((await client.ask("/text", { headers: { ...fields(4), cookie } })).status, 200);
    assert.equal((await client.ask("/text", { headers: { ...fields(5), cookie } })).status, 431);
  });

  const lineOf = (pattern: RegExp): Promise<string> => eventually(`a line ${String(pattern)}`, 5000, async () =>
    (await linesOf(program, "access.log")).find((line) => pattern.test(line)));
  const logged = (text: string): Promise<boolean> =>
    eventually(`${text} is logged`, 5000, () => program.output.includes(text));

  const malformed: readonly (readonly [what: string, fields: Fields, request: string, reason: string])[] = [
    ["without :scheme", requestFields("GET", "/1").filter(([name]) => name !== ":scheme"), "", ":scheme missing"],
    ["with a :path that is none", requestFields("GET", "/a b"), "", ":path"],
    ["with a blank in a name", requestFields("GET", "/2", [["a b", "c"]]), "GET /2 HTTP/2.0", 'field "a b"'],
    ["with a line end in a value", requestFields("GET", "/3", [["a", "b\nc"]]), "GET /3 HTTP/2.0", 'field "a"'],
    ["with Content-Length and no content", requestFields("GET", "/4", [["content-length", "1"]]), "GET /4 HTTP/2.0",
      "content-length without content"],
  ];
  for (const [what, fields, request, reason] of malformed) {
    test(`${what} gets 400 before its stream is reset, and stands in both logs`, async () => {
      const bad = async (): Promise<readonly string[]> =>
        (await linesOf(program, "access.log")).filter((line) => line.includes("|400|"));
      const before = (await bad()).length;
      using client = await RawClient.open(program.port);
      client.send(headers(1, fields), get(3, "/text"));
      await client.line(/^DATA 3 5 end/);
      assert.deepEqual(client.lines.filter((line) => / 1\b/.test(line)),
        ["HEADERS 1 400", "RST_STREAM 1 PROTOCOL_ERROR"]);
      await logged(`HTTP/2 stream reset with 1: ${reason}`);
      const line = await eventually("it is logged", 5000, async () => (await bad())[before]);
      assert.equal(line, `${request}|400|OK`);
    });
  }

  for (const [what, sent] of [
    ["more", [data(1, "abcd")]], ["less", [data(1, "ab", END_STREAM)]],
    ["less before its trailers", [data(1, "ab"), headers(1, [["x", "y"]])]],
    ["trailers that do not end it", [data(1, "ab"), headers(1, [["x", "y"]], END_HEADERS)]],
  ] as const) {
    for (const where of ["wsgi", "asgi"]) {
      test(`whose content is ${what} than its length gets 400 from ${where}, and its stream is reset`, async () => {
        using client = await RawClient.open(program.port);
        const path = `/${where}/${what.replaceAll(" ", "-")}`;
        client.send(post(1, [["content-length", "3"]], path), ...sent, get(3, "/text"));
        await client.line(/^DATA 3 5 end/);
        assert.deepEqual(client.lines.filter((line) => /^[HR]\w+ 1\b/.test(line)),
          ["HEADERS 1 400", "RST_STREAM 1 PROTOCOL_ERROR"]);
        assert.equal(await lineOf(new RegExp(`^POST ${path} `)), `POST ${path} HTTP/2.0|400|OK`);
      });
    }
  }

  test("is as long as its header block, in however many frames, and its content", async () => {
    const block = encodeBlock(requestFields("POST", "/wsgi/sized", [["content-length", "5"]]));
    using client = await RawClient.open(program.port);
    client.send(
      frame(HEADERS, 0, 1, block.subarray(0, 10)), frame(CONTINUATION, END_HEADERS, 1, block.subarray(10)),
      data(1, "\x03abc\0\0\0", PADDED), data(1, "de", END_STREAM),
    );
    await client.line(/^DATA 1 \d+ end/);
    const line = await eventually("it is logged", 5000, async () =>
      (await linesOf(program, "sizes.log")).find((text) => text.startsWith("/wsgi/sized")));
    assert.equal(line, `/wsgi/sized ${block.length + 5}`);
  });

  test("whose response has begun is cut where its content is malformed, and logged as it began", async () => {
    using client = await RawClient.open(program.port);
    client.send(post(1, [["content-length", "3"]], "/asgi/endless?early"));
    await client.line(/^DATA 1 /);
    client.send(data(1, "abcd"));
    await client.line(/^RST_STREAM 1 PROTOCOL_ERROR/);
    assert.equal(await lineOf(/early/), "POST /asgi/endless?early HTTP/2.0|200|");
  });

  test("whose response breaks off is logged when its stream is reset", async () => {
    using client = await RawClient.open(program.port);
    client.send(get(1, "/asgi/broken"));
    await client.line(/^RST_STREAM 1 INTERNAL_ERROR/);
    assert.equal(await lineOf(/broken/), "GET /asgi/broken HTTP/2.0|200|");
  });
});
