import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { limits, play, playText } from "../../../tests/protocol/engine.ts";
import { FieldSection } from "../../http/field-section.ts";
import type { FieldSemantics } from "../../http/field-section.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { RequestReader } from "./request-reader.ts";
import { SectionMemory } from "./section-memory.ts";

const semantics: FieldSemantics = {
  contentLength: -1, chunked: false, close: false, keepAlive: false, expectContinue: false, upgrade: undefined,
  hostIndex: 0, forwarded: false,
};

function sectionOf(text: string): FieldSection {
  return new FieldSection(fromLatin1(text), [], semantics);
}

/** The section that a reader gives for the last of these requests. */
function lastSection(text: string, memory: SectionMemory): FieldSection {
  const reader = new RequestReader(limits, memory);
  reader.receive(fromLatin1(text));
  let section: FieldSection | undefined;
  for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
    if (event === "paused") reader.startNextCycle();
    else if (event.kind === "request") section = event.fields;
  }
  return section ?? assert.fail("no request");
}

describe("the memory of field sections", () => {
  test("gives the same section again to a connection that repeats itself", () => {
    const memory = new SectionMemory();
    const request = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    const remembered = lastSection(request.repeat(3), memory);
    assert.equal(lastSection(request, memory), remembered, "also for the first request of another connection");
    assert.notEqual(lastSection(request.replace("y", "z").repeat(2), memory), remembered);
  });

  test("keeps what came twice, and nothing that came once", () => {
    const memory = new SectionMemory();
    const section = sectionOf("Host: a\r\n\r\n");
    memory.remember(section, 1);
    assert.equal(memory.find(section.bytes, 0, section.bytes.length), undefined);
    memory.remember(section, 1);
    assert.equal(memory.find(section.bytes, 0, section.bytes.length), section);
  });

  test("keeps nothing of HTTP/1.0 and nothing large", () => {
    const memory = new SectionMemory();
    const old = sectionOf("X: y\r\n\r\n");
    const large = sectionOf(`Host: a\r\nX: ${"y".repeat(4096)}\r\n\r\n`);
    for (let time = 0; time < 3; time++) {
      memory.remember(old, 0);
      memory.remember(large, 1);
    }
    assert.equal(memory.find(old.bytes, 0, old.bytes.length), undefined);
    assert.equal(memory.find(large.bytes, 0, large.bytes.length), undefined);
  });

  test("HTTP/1.0 never profits, and what it left out never passes for HTTP/1.1", () => {
    const memory = new SectionMemory();
    const old = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
    assert.equal(playText(old.repeat(4), { memory }).outcome, "idle");
    assert.equal(playText(old.repeat(4) + old.replace("1.0", "1.1"), { memory }).outcome, "400 host_missing");
    const young = "GET / HTTP/1.1\r\nHost: a\r\nExpect: x\r\nConnection: keep-alive\r\n\r\n";
    assert.equal(playText(young.replace("1.1", "1.0").repeat(4) + young, { memory }).outcome, "417 expectation");
    const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    const { outcome } = playText(chunked.repeat(4) + chunked.replace("1.1", "1.0"), { memory });
    assert.equal(outcome, "400 transfer_encoding_version");
  });

  test("a section only counts when all its bytes are there, and ends where it ended", () => {
    const memory = new SectionMemory();
    const request = "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
    const others = [
      request.replace("y\r\n", "y\r\nZ: z\r\n"), request.replace("X: y\r\n", ""), request.replace("y", "yy"),
      request.replace("X", "Y"), request.slice(0, -2), request.slice(0, -1), request.replace("\r\n\r\n", "\r\n\r"),
    ];
    for (const other of others) {
      const expected = playText(request.repeat(3) + other);
      assert.deepEqual(playText(request.repeat(3) + other, { memory }), expected);
      assert.deepEqual(playText(request.repeat(3) + other, { memory }), expected);
    }
  });

  test("the head's bound counts the request line before a remembered section, too", () => {
    const section = "Host: a\r\nX: y\r\n\r\n";
    const setting = { limits: { ...limits, headSizeMax: 60 }, memory: new SectionMemory() };
    const short = `GET / HTTP/1.1\r\n${section}`;
    const long = `GET /${"a".repeat(60 - short.length)} HTTP/1.1\r\n${section}`;
    assert.equal(playText(short.repeat(4) + long, setting).outcome, "idle");
    assert.equal(playText(short.repeat(4) + long.replace("/a", "/aa"), setting).outcome, "431 head_size");
  });

  test("two sections with the same sample are told apart", () => {
    const memory = new SectionMemory();
    // Of so long a section only some places are sampled: a change between them has the same sample.
    const text = `Host: a\r\nX: ${"y".repeat(400)}\r\n\r\n`;
    const collisions: string[] = [];
    playText(`GET / HTTP/1.1\r\n${text}`.repeat(3), { memory });
    for (let at = 20; at < 400; at++) {
      const other = `${text.slice(0, at)}z${text.slice(at + 1)}`;
      if (memory.find(fromLatin1(other), 0, other.length) !== undefined) collisions.push(other);
    }
    assert.ok(collisions.length > 300, `${collisions.length} collide`);
    for (const other of collisions.slice(0, 50)) {
      const requests = [text, text, other, text, other, other].map((section) =>
        `GET / HTTP/1.1\r\n${section}`).join("");
      assert.deepEqual(playText(requests, { memory }), playText(requests));
    }
  });

  test("a hit and a miss say the same of many random heads", () => {
    const name = fc.constantFrom("Accept", "Cookie", "User-Agent", "X-Forwarded-For", "Connection", "Expect", "Upgrade",
      "Content-Type", "x");
    const value = fc.constantFrom("", "a", "b", "close", "keep-alive", "upgrade", "100-continue", "websocket",
      "1.2.3.4",
      "a".repeat(100), "\xe9");
    const lines = fc.array(fc.tuple(name, value), { maxLength: 6 })
      .map((fields) => fields.map((field) => `${field.join(": ")}\r\n`).join(""));
    const framing = fc.constantFrom("\r\n", "Content-Length: 0\r\n\r\n", "Content-Length: 2\r\n\r\nab",
      "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "Transfer-Encoding: gzip\r\n\r\n");
    const line = fc.constantFrom("GET / HTTP/1.1", "POST /a HTTP/1.1", "GET / HTTP/1.0", "GET http://b/ HTTP/1.1");
    const request = fc.tuple(line, fc.constantFrom("Host: a\r\n", "Host: b\r\n", ""), lines, framing)
      .map(([first, host, fields, rest]) => `${first}\r\n${host}${fields}${rest}`);
    const memory = new SectionMemory();
    fc.assert(fc.property(fc.array(request, { minLength: 1, maxLength: 4 }), fc.nat(3), (texts, times) => {
      const text = texts.map((one) => one.repeat(times + 1)).join("");
      const bytes = [fromLatin1(text)];
      const expected = play(bytes);
      assert.deepEqual(play(bytes, { memory }), expected);
      assert.deepEqual(play(bytes, { memory }), expected);
    }), { numRuns: 2000 });
  });
});
