// Servers of HTTP/2 that do what they must not: clients hear 502 or a cut, and others are served on.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { fromLatin1 } from "../../src/std/bytes.ts";
import {
  END_HEADERS, END_STREAM, type Fields, GOAWAY, PING, PUSH_PROMISE, data, frame, headers, reset, settingsFrame, uint32,
  windowUpdate,
} from "../h2/frames.ts";
import { startSite } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { type RawConnection, RawH2Server, type RawScript } from "./raw-h2-server.ts";

const waitMs = 10_000;
const ok: Fields = [[":status", "200"]];
const NO_ERROR = 0, PROTOCOL_ERROR = 1, REFUSED_STREAM = 7, CANCEL = 8;
const begin = (connection: RawConnection): void => connection.send(settingsFrame());
const goAway = (last: number, code: number): Uint8Array =>
  frame(GOAWAY, 0, 0, Buffer.concat([uint32(last), uint32(code)]));

/** Answers that are none, by what is wrong with them; `stream` is the request's. */
const malformed: Readonly<Record<string, (stream: number) => Uint8Array>> = {
  "no :status": (stream) => headers(stream, [["a", "b"]]),
  "a :status of letters": (stream) => headers(stream, [[":status", "abc"]]),
  "a :status of 99": (stream) => headers(stream, [[":status", "099"]]),
  ":status twice": (stream) => headers(stream, [...ok, ...ok]),
  "101": (stream) => headers(stream, [[":status", "101"]]),
  "a pseudo-header field of requests": (stream) => headers(stream, [...ok, [":path", "/"]]),
  "a pseudo-header field behind others": (stream) => headers(stream, [["a", "b"], ...ok]),
  "Connection": (stream) => headers(stream, [...ok, ["connection", "close"]]),
  "Transfer-Encoding": (stream) => headers(stream, [...ok, ["transfer-encoding", "chunked"]]),
  "a line end in a value": (stream) => headers(stream, [...ok, ["a", "b\r\nc: d"]]),
  "a blank in a name": (stream) => headers(stream, [...ok, ["a b", "c"]]),
  "two lengths": (stream) => headers(stream, [...ok, ["content-length", "1"], ["content-length", "2"]]),
  "content that was promised and is missing": (stream) => headers(stream, [...ok, ["content-length", "5"]]),
  "END_STREAM with an informational head": (stream) => headers(stream, [[":status", "103"]]),
  "DATA before HEADERS": (stream) => data(stream, "early", END_STREAM),
  "a head that is too large": (stream) => headers(stream, [...ok, ["a", "b".repeat(20_000)]]),
  "nine informational heads": (stream) =>
    Buffer.concat(Array.from({ length: 9 }, () => headers(stream, [[":status", "103"]], END_HEADERS))),
};

/** What ends the connection. */
const broken: Readonly<Record<string, (stream: number) => Uint8Array>> = {
  "PUSH_PROMISE": (stream) => frame(PUSH_PROMISE, END_HEADERS, stream, uint32(2)),
  "a stream of its own": () => headers(2, ok),
  "a stream that nobody has opened": (stream) => headers(stream + 2, ok),
  "a block of no HPACK": (stream) => frame(1, END_HEADERS | END_STREAM, stream, Uint8Array.of(0x80)),
  "a frame that is too large": (stream) => frame(0, 0, stream, new Uint8Array(16_385)),
  "SETTINGS of no six bytes": () => frame(4, 0, 0, Uint8Array.of(1)),
  "SETTINGS_ENABLE_PUSH": () => settingsFrame([2, 1]),
  "a window above 2^31-1": () => windowUpdate(0, 0x7fffffff),
  "PING of seven bytes": () => frame(PING, 0, 0, new Uint8Array(7)),
  "another frame within a block": (stream) =>
    Buffer.concat([frame(1, 0, stream, Uint8Array.of(0x88)), frame(PING, 0, 0, new Uint8Array(8))]),
  "CONTINUATIONs without end": (stream) =>
    Buffer.concat([frame(1, 0, stream), ...Array.from({ length: 20 }, () => frame(9, 0, stream))]),
  "SETTINGS without end": () => Buffer.concat(Array.from({ length: 100 }, () => settingsFrame())),
};

describe("a server of HTTP/2 that", () => {
  let server: RawH2Server;
  let proxy: Program;
  let base = "";
  before(async () => {
    server = await RawH2Server.start();
    proxy = await startSite({
      apps: "",
      http: `upstream raw { server 127.0.0.1:${server.port} max_fails=0; keepalive 4; }`,
      server: `proxy_http_version 2; proxy_read_timeout 400ms; proxy_send_timeout 400ms; client_max_body_size 0;
        location / { proxy_pass http://raw; }
        location /slow/ { proxy_read_timeout 20s; proxy_pass http://raw; }
        location /flow/ { proxy_request_buffering off; proxy_pass http://raw; }`,
    });
    base = `http://127.0.0.1:${proxy.port}`;
  });
  beforeEach(() => server.reset({}));
  after(async () => {
    await proxy.stop();
    server[Symbol.dispose]();
  });

  const play = (script: RawScript): void => server.reset({ begin, ...script });

  /** Another request is served as if nothing had been. */
  const isWell = async (): Promise<void> => {
    play({ request: (connection, stream) => connection.answer(stream) });
    await eventually("it is served again", waitMs, async () => (await fetch(`${base}/well`)).status === 200);
  };

  for (const [name, answer] of Object.entries(malformed)) {
    test(`answers with ${name} makes it 502, and loses only that stream`, async () => {
      play({
        request: (connection, stream, path) =>
          path === "/bad" ? connection.send(answer(stream)) : connection.answer(stream),
      });
      assert.equal((await fetch(`${base}/bad`)).status, 502);
      assert.equal((await fetch(`${base}/good`)).status, 200);
      assert.equal(server.connections.length, 1);
      await server.connections[0]?.heard(/^RST_STREAM 1 (?:PROTOCOL_ERROR|CANCEL)/);
    });
  }

  for (const [name, bytes] of Object.entries(broken)) {
    test(`sends ${name} makes it 502, and loses its connection`, async () => {
      play({ request: (connection, stream) => connection.send(bytes(stream)) });
      assert.equal((await fetch(`${base}/`)).status, 502);
      await eventually("it is closed", waitMs, () => server.connections[0]?.isOver === true);
      await server.connections[0]?.heard(/^GOAWAY 0 /);
      await isWell();
    });
  }

  test("never says SETTINGS gets the first request, and its answer is 502", async () => {
    server.reset({ request: (connection, stream) => connection.answer(stream) });
    assert.equal((await fetch(`${base}/`)).status, 502);
    await isWell();
  });

  test("says nothing at all makes it 504", async () => {
    server.reset({});
    assert.equal((await fetch(`${base}/`)).status, 504);
  });

  test("falls silent makes it 504, and is asked on another connection then", async () => {
    play({ request: (connection, stream, path) => (path === "/hang" ? undefined : connection.answer(stream)) });
    assert.equal((await fetch(`${base}/first`)).status, 200);
    assert.equal((await fetch(`${base}/hang`)).status, 504);
    assert.equal((await fetch(`${base}/second`)).status, 200);
    assert.equal(server.connections.length, 2);
  });

  test("speaks HTTP/1.1 makes it 502", async () => {
    server.reset({ request: (connection) => connection.send(fromLatin1("HTTP/1.1 400 Bad Request\r\n\r\n")) });
    assert.equal((await fetch(`${base}/`)).status, 502);
  });

  test("refuses a stream is asked again, also with POST, and not for ever", async () => {
    play({
      request: (connection, stream, _path, count) =>
        count <= 2 ? connection.send(reset(stream, REFUSED_STREAM)) : connection.answer(stream),
    });
    assert.equal((await fetch(`${base}/`, { method: "POST", body: "once" })).status, 200);
    assert.equal(server.count, 3);
    play({ request: (connection, stream) => connection.send(reset(stream, REFUSED_STREAM)) });
    assert.equal((await fetch(`${base}/`, { method: "POST", body: "never" })).status, 502);
    assert.equal(server.count, 4);
  });

  test("resets a stream with anything else is not asked again with POST", async () => {
    play({ request: (connection, stream) => connection.send(reset(stream, CANCEL)) });
    assert.equal((await fetch(`${base}/`, { method: "POST", body: "once" })).status, 502);
    assert.equal(server.count, 1);
  });

  test("goes away before a request is asked on another connection, also with POST", async () => {
    play({
      request: (connection, stream, _path, count) =>
        count === 1 ? connection.send(goAway(0, NO_ERROR)) : connection.answer(stream),
    });
    assert.equal((await fetch(`${base}/`, { method: "POST", body: "once" })).status, 200);
    assert.equal(server.connections.length, 2);
  });

  test("goes away behind a request answers it all the same, and gets no other", async () => {
    play({
      request: (connection, stream) => {
        connection.send(goAway(stream, NO_ERROR));
        connection.answer(stream);
      },
    });
    assert.equal((await fetch(`${base}/`)).status, 200);
    await eventually("it is closed", waitMs, () => server.connections[0]?.isOver === true);
    assert.equal((await fetch(`${base}/`)).status, 200);
    assert.equal(server.connections.length, 2);
  });

  test("goes away while it is idle is not asked on that connection", async () => {
    play({ request: (connection, stream) => connection.answer(stream) });
    assert.equal((await fetch(`${base}/`)).status, 200);
    server.connections[0]?.send(goAway(1, NO_ERROR));
    await eventually("it is closed", waitMs, () => server.connections[0]?.isOver === true);
    assert.equal((await fetch(`${base}/`)).status, 200);
    assert.equal(server.connections.length, 2);
  });

  test("goes away with a larger stream than before loses its connection", async () => {
    play({ request: (connection, stream) => connection.send(goAway(stream, NO_ERROR), goAway(stream + 2, NO_ERROR)) });
    assert.equal((await fetch(`${base}/`)).status, 502);
  });

  test("pings while it is idle is answered", async () => {
    play({ request: (connection, stream) => connection.answer(stream) });
    assert.equal((await fetch(`${base}/`)).status, 200);
    server.connections[0]?.send(frame(PING, 0, 0, new Uint8Array(8)));
    await server.connections[0]?.heard(/^PING ack$/);
    assert.equal((await fetch(`${base}/`)).status, 200);
    assert.equal(server.connections.length, 1);
  });

  test("never opens a window for a body makes it 504", async () => {
    server.reset({ begin: (connection) => connection.send(settingsFrame([4, 0])) });
    await fetch(`${base}/`).catch(() => undefined);
    const answer = await fetch(`${base}/`, { method: "POST", body: "x".repeat(200_000) });
    assert.equal(answer.status, 504);
    await isWell();
  });

  test("sends more than it promised is cut, and the stream is reset", async () => {
    play({
      request: (connection, stream) => {
        connection.send(headers(stream, [...ok, ["content-length", "3"]], END_HEADERS));
        connection.send(data(stream, "four", END_STREAM));
      },
    });
    await assert.rejects(async () => {
      const answer = await fetch(`${base}/`);
      if (answer.status === 502) throw new Error("refused");
      await answer.text();
    });
    await server.connections[0]?.heard(/^RST_STREAM 1 PROTOCOL_ERROR/);
    await isWell();
  });

  test("resets a stream together with the beginning of its response makes it 502", async () => {
    play({
      request: (connection, stream) =>
        connection.send(headers(stream, ok, END_HEADERS), data(stream, "half"), reset(stream, CANCEL)),
    });
    assert.equal((await fetch(`${base}/`)).status, 502);
  });

  // RFC 9113 §8.1: it is complete with END_STREAM. nginx takes it for incomplete where the code is another one.
  for (const [name, code] of [["NO_ERROR", NO_ERROR], ["CANCEL", CANCEL]] as const) {
    for (const body of [undefined, "x".repeat(200_000)]) {
      const request = body === undefined ? "a request" : "a request that is still on its way";
      test(`resets a stream with ${name} behind its whole response to ${request} does no harm`, async () => {
        play({
          request: (connection, stream) => {
            connection.send(headers(stream, ok, END_HEADERS), data(stream, "whole", END_STREAM), reset(stream, code));
          },
        });
        const answer = await fetch(`${base}/`, body === undefined ? {} : { method: "POST", body });
        assert.equal(await answer.text(), "whole");
      });
    }
  }

  test("resets a stream with NO_ERROR in the place of its end has not ended it", async () => {
    play({
      request: (connection, stream) => {
        connection.send(headers(stream, ok, END_HEADERS), data(stream, "half"), reset(stream, NO_ERROR));
      },
    });
    assert.equal((await fetch(`${base}/`)).status, 502);
    play({
      request: (connection, stream) => {
        connection.send(headers(stream, ok, END_HEADERS), data(stream, "half"));
        setTimeout(() => connection.send(reset(stream, NO_ERROR)), 50);
      },
    });
    const answer = await fetch(`${base}/`);
    assert.equal(answer.status, 200);
    await assert.rejects(answer.text());
  });

  test("resets a stream within its response is cut", async () => {
    play({
      request: (connection, stream) => {
        connection.send(headers(stream, ok, END_HEADERS), data(stream, "half"));
        setTimeout(() => connection.send(reset(stream, PROTOCOL_ERROR)), 50);
      },
    });
    const answer = await fetch(`${base}/`);
    assert.equal(answer.status, 200);
    await assert.rejects(answer.text());
  });

  test("answers before a body is whole is told by a reset that the rest is not wanted", async () => {
    play({ request: (connection, stream) => connection.answer(stream) });
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from("some")),
    });
    const options: RequestInit & { readonly duplex: "half" } = { method: "POST", body, duplex: "half" };
    const answer = await fetch(`${base}/flow/`, options).catch(() => undefined);
    assert.ok(answer === undefined || answer.status === 200);
    await server.connections[0]?.heard(/^RST_STREAM 1 CANCEL/);
  });

  test("sends trailers with a pseudo-header field is cut", async () => {
    play({
      request: (connection, stream) => {
        connection.send(headers(stream, ok, END_HEADERS), data(stream, "body"));
        connection.send(headers(stream, ok));
      },
    });
    await assert.rejects(async () => {
      const answer = await fetch(`${base}/`);
      if (answer.status === 502) throw new Error("refused");
      await answer.text();
    });
  });

  test("takes one stream at a time is asked on as many connections as there are requests", async () => {
    server.reset({
      begin: (connection) => connection.send(settingsFrame([3, 1])),
      request: (connection, stream) => void setTimeout(() => connection.answer(stream), 100),
    });
    const answers = await Promise.all(Array.from({ length: 4 }, () => fetch(`${base}/`)));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
    for (const { requests } of server.connections) assert.ok(requests.length <= 2);
  });
});
