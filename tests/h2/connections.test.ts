import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { allocate, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Program } from "../support/program.ts";
import { residentSize } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";
import { Client, startH2Site } from "./client.ts";
import {
  END_HEADERS, HEADERS, PING, data, frame, get, headers, post, preface, requestFields, reset, windowUpdate,
} from "./frames.ts";
import { RawClient } from "./raw.ts";

const INITIAL_WINDOW_SIZE = 4;

describe("a connection of HTTP/2", () => {
  let program: Program;
  before(async () => {
    program = await startH2Site({
      server: `
        http2_max_concurrent_streams 4; http2_body_preread_size 1000; http2_chunk_size 1000; keepalive_requests 6;
        location = /text { return 200 "hello"; }
        location /asgi { app_pass asgi; }
        location /wsgi { app_pass wsgi; }`,
    });
    await writeFile(join(program.folder, "www/large.bin"), Buffer.alloc(3_000_000, "abc"));
  });
  after(() => program.stop());

  test("is known by its first bytes, wherever they are cut", async () => {
    const first = concatBytes([preface(), get(1, "/text")]);
    for (let cut = 1; cut <= 26; cut++) {
      using client = await RawClient.silent(program.port);
      client.send(first.subarray(0, cut));
      // Two packets, if the system does not join them.
      await new Promise((resolve) => setImmediate(resolve));
      client.send(first.subarray(cut));
      await client.line(/^DATA 1 5 end$/);
      assert.equal(client.lines[0], "SETTINGS", "the server's preface comes first");
    }
  });

  test("that begins like one, and is none, is closed", async () => {
    for (const bytes of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\rX\r\n", "NOTHING OF THE KIND\r\n\r\n"]) {
      using client = await RawClient.silent(program.port);
      client.send(fromLatin1(bytes));
      await client.over();
    }
  });

  test("may not become one by Upgrade: h2c", async () => {
    using connection = await program.connect();
    const fields = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" };
    const { status, text } = await connection.ask({ target: "/text", fields });
    assert.deepEqual([status, text], [200, "hello"]);
  });

  test("says what nginx's directives say", async () => {
    using client = await Client.connect(program);
    const { maxConcurrentStreams, initialWindowSize, maxHeaderListSize, enableConnectProtocol } =
      client.session.remoteSettings;
    assert.deepEqual(
      [maxConcurrentStreams, initialWindowSize, enableConnectProtocol, (maxHeaderListSize ?? 0) >= 32_768],
      [4, 1000, true, true],
    );
    using raw = await RawClient.open(program.port);
    raw.send(get(1, "/large.bin"));
    await raw.line(/^DATA 1 1000$/);
    assert.ok(raw.frames.every(({ type, payload }) => type !== 0 || payload.length <= 1000));
  });

  test("with more streams than it may have refuses those, and serves the rest", async () => {
    using client = await RawClient.open(program.port);
    for (const id of [1, 3, 5, 7]) client.send(post(id, [], "/wsgi"));
    client.send(get(9, "/text"));
    await client.line(/^RST_STREAM 9 REFUSED_STREAM$/);
    for (const id of [1, 3, 5, 7]) client.send(data(id, "x", 1));
    for (const id of [1, 3, 5, 7]) await client.line(new RegExp(`^HEADERS ${id} 200$`));
    await client.line(/^DATA 7 \d+ end$/);
    client.send(get(11, "/text"));
    await client.line(/^DATA 11 5 end$/);
  });

  test("ends after keepalive_requests, and what was on its way is served", async () => {
    using client = await RawClient.open(program.port);
    for (let id = 1; id <= 13; id += 2) client.send(get(id, "/text"));
    const lines = await client.over();
    assert.ok(lines.includes("GOAWAY 2147483647 NO_ERROR"));
    assert.ok(lines.includes("GOAWAY 13 NO_ERROR"), lines.join("\n"));
    assert.ok(lines.includes("DATA 13 5 end"));
  });

  test("whose body is not wanted yet has a window of http2_body_preread_size", async () => {
    using client = await RawClient.open(program.port);
    client.send(post(1, [], "/wsgi"), data(1, allocate(1000).fill(1)));
    await client.line(/^WINDOW_UPDATE 1 \d+$/);
    client.send(data(1, allocate(10_000).fill(1), 1));
    await client.line(/^DATA 1 \d+ end$/);
  });

  test("that a violation ends is told why, and the log, too", async () => {
    using client = await RawClient.open(program.port);
    client.send(get(1, "/text"), frame(PING, 0, 5, "12345678"));
    const lines = await client.over();
    assert.ok(lines.includes("DATA 1 5 end"));
    assert.ok(lines.includes("GOAWAY 1 PROTOCOL_ERROR"));
    await eventually("it is logged", 5000, () =>
      program.output.includes("HTTP/2 connection closed with 1: PING on a stream"));
    using other = await RawClient.open(program.port);
    other.send(get(1, ""));
    await other.line(/^RST_STREAM 1 PROTOCOL_ERROR$/);
    await eventually("it is logged", 5000, () => program.output.includes("HTTP/2 stream reset with 1: :path missing"));
  });

  test("that resets its requests as fast as it can is closed, and the application has little to do", async () => {
    using client = await RawClient.open(program.port);
    for (let id = 1; id < 2000; id += 2) client.send(get(id, "/wsgi"), reset(id, 8));
    const lines = await client.over();
    assert.ok(lines.some((line) => line.startsWith("GOAWAY") && line.endsWith("ENHANCE_YOUR_CALM")));
  });

  test("that does not read its acknowledgements is read no more, or closed", async () => {
    using client = await RawClient.open(program.port);
    client.pause();
    for (let index = 0; index < 100; index++) client.send(frame(PING, 0, 0, "12345678"));
    using other = await RawClient.open(program.port);
    other.send(get(1, "/text"));
    await other.line(/^DATA 1 5 end$/);
  });

  test("that asks for much and reads nothing of it costs little", async () => {
    const clients: RawClient[] = [];
    const before = residentSize([program.edgePid]);
    for (let index = 0; index < 10; index++) {
      const client = await RawClient.open(program.port, [INITIAL_WINDOW_SIZE, 0]);
      clients.push(client);
      for (const id of [1, 3, 5, 7]) client.send(get(id, "/large.bin"));
      await client.line(/^HEADERS 7 200$/);
    }
    const cost = residentSize([program.edgePid]) - before;
    for (const client of clients) client[Symbol.dispose]();
    assert.ok(cost < 10 * 4_000_000, `${cost} bytes`);
  });

  test("goes on with its streams when the configuration is replaced, and opens none", async () => {
    using client = await RawClient.open(program.port);
    client.send(post(1, [], "/wsgi"), windowUpdate(0, 1));
    await client.line(/^SETTINGS ack$/);
    const path = join(program.folder, "tricorn.conf");
    await writeFile(path, (await readFile(path, "utf8")).replace('"hello"', '"other"'));
    program.signal("SIGHUP");
    await client.line(/^GOAWAY 2147483647 NO_ERROR$/);
    await client.line(/^GOAWAY 1 NO_ERROR$/);
    client.send(get(3, "/text"), data(1, "x", 1));
    const lines = await client.over();
    assert.ok(lines.some((line) => /^DATA 1 \d+ end$/.test(line)));
    assert.ok(!lines.some((line) => line.startsWith("HEADERS 3")));
    using fresh = await RawClient.open(program.port);
    fresh.send(get(1, "/text"));
    await fresh.line(/^DATA 1 5 end$/);
  });
});

describe("a client of HTTP/2 that is slow", () => {
  let program: Program;
  before(async () => {
    program = await startH2Site({
      server: `
        client_header_timeout 1s; client_body_timeout 1s; send_timeout 1s; keepalive_timeout 1s; lingering_timeout 1s;
        location = /text { return 200 "hello"; }
        location /wsgi { app_pass wsgi; }
        location /asgi { app_pass asgi; }`,
    });
    await writeFile(join(program.folder, "www/large.bin"), Buffer.alloc(3_000_000, "abc"));
  });
  after(() => program.stop());

  test("to say what it speaks, or to ask, is closed", async () => {
    using silent = await RawClient.silent(program.port);
    using begun = await RawClient.silent(program.port);
    begun.send(fromLatin1("PRI * HT"));
    using idle = await RawClient.open(program.port);
    await Promise.all([silent.over(), begun.over()]);
    assert.ok((await idle.over()).includes("GOAWAY 0 NO_ERROR"));
  });

  test("to ask again is closed in order", async () => {
    using client = await RawClient.open(program.port);
    client.send(get(1, "/text"));
    const lines = await client.over();
    assert.ok(lines.includes("DATA 1 5 end") && lines.includes("GOAWAY 1 NO_ERROR"));
  });

  test("to end a header block is closed", async () => {
    using client = await RawClient.open(program.port);
    client.send(frame(HEADERS, 1, 1, "\x82"));
    await client.over();
    using cut = await RawClient.open(program.port);
    cut.send(get(1, "/text").subarray(0, 12));
    await cut.over();
  });

  test("to send its body gets 408, and others their answers", async () => {
    using client = await RawClient.open(program.port);
    client.send(post(1, [], "/wsgi"), data(1, "x"));
    await client.line(/^HEADERS 1 408$/);
    client.send(get(3, "/text"));
    await client.line(/^DATA 3 5 end$/);
  });

  test("to open its window loses that stream only", async () => {
    using client = await RawClient.open(program.port, [INITIAL_WINDOW_SIZE, 10]);
    client.send(get(1, "/large.bin"), get(3, "/asgi/endless"));
    await Promise.all([client.line(/^RST_STREAM 1 CANCEL$/), client.line(/^RST_STREAM 3 CANCEL$/)]);
    await eventually("the application is told", 10_000, () => program.output.includes("the client is gone"));
    client.send(get(5, "/text"));
    await client.line(/^DATA 5 5 end$/);
  });

  test("to open any window costs little, however much it asks for", async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(program.port, [4, 0])));
    const before = residentSize([program.edgePid]);
    for (const client of clients) {
      for (let index = 0; index < 128; index++) client.send(get(index * 2 + 1, "/large.bin"));
    }
    await Promise.all(clients.map((client) => client.line(/^HEADERS 255 200$/)));
    const cost = residentSize([program.edgePid]) - before;
    for (const client of clients) client[Symbol.dispose]();
    assert.ok(cost < clients.length * 4_000_000, `${cost} bytes`);
  });

  test("to read its connection is closed", async () => {
    using client = await RawClient.open(program.port, [INITIAL_WINDOW_SIZE, 100_000_000]);
    client.send(windowUpdate(0, 1_000_000_000), get(1, "/asgi/endless"));
    await client.line(/^DATA 1/);
    client.pause();
    await eventually("the application is told", 15_000, () =>
      program.output.split("the client is gone").length > 2);
  });

  test("to end a request that is answered already is told that nobody wants the rest", async () => {
    using client = await RawClient.open(program.port);
    client.send(headers(1, requestFields("POST", "/text"), END_HEADERS));
    await client.line(/^DATA 1 5 end$/);
    await client.line(/^RST_STREAM 1 NO_ERROR$/);
  });
});
