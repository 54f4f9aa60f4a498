// Responses, of servers and of scripts: however their bytes arrive, and whatever was seen before, they say the same.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ResponseMemory } from "../../src/protocol/h1/index.ts";
import { FastCgiReader } from "../../src/protocol/fastcgi/index.ts";
import { concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import { endRequest, stderr, stdout } from "../protocol/fastcgi.ts";
import { type PlayedResponse, type ResponseSetting, headLimits, playResponse } from "../protocol/responses.ts";
import { pieces } from "./mutate.ts";
import type { Random } from "./random.ts";
import type { Target } from "./target.ts";

const small = { requestLineSizeMax: 100, fieldCountMax: 6, fieldSizeMax: 64, headSizeMax: 256 };
const words = ["\r\n", "\r", "\n", "\0", ":", " ", "\t", ";", ",", "0\r\n\r\n", "5\r\nhello\r\n", "\r\n\r\n",
  "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n",
  "Status: 404 Not Found\r\n", "Location: /a\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.0 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", "HTTP/1.1 101 S\r\n", "204", "304",
  "HTTP/2 200\r\n", "chunked", "ffffffff", "\xff"].map(fromLatin1);

function corpus(): readonly string[] {
  const path = join(import.meta.dirname, "../cases/llhttp/responses.json");
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly { readonly raw: string }[] };
  return cases.map(({ raw }) => raw.slice(0, 2000));
}

/** Asserts that these bytes say one thing only. @returns what they say */
function playAnyWay(random: Random, input: Uint8Array, setting: ResponseSetting): PlayedResponse {
  const whole = playResponse([input], setting);
  assert.match(whole.outcome, /^(?:reusable|closing|surplus|switched|incomplete|502 [a-z_]+)$/);
  assert.deepEqual(playResponse(pieces(random, input), setting), whole, "it does not matter how bytes arrive");
  const memory = new ResponseMemory();
  for (let time = 0; time < 2; time++) {
    playResponse([concatBytes([input, input])], { ...setting, limits: headLimits, memory });
  }
  assert.deepEqual(playResponse([input], { ...setting, memory }), whole, "what was seen before changes nothing");
  checkPlayed(whole, setting);
  return whole;
}

/** What every accepted response promises to those behind the reader. */
function checkPlayed(played: PlayedResponse, { method, role, ended, reader }: ResponseSetting): void {
  const { outcome, head, lines, contentLength, chunked, body } = played;
  if (head === "") return;
  assert.match(head, /^1\.[01] [1-9]\d\d [\t\x20-\x7e\x80-\xff]*$/);
  for (const [name, value] of [...lines, ...played.trailers, ...played.informational.flatMap(([, early]) => early)]) {
    assert.match(name, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
    assert.match(value, /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/);
  }
  const count = (name: string): number => lines.filter(([other]) => other.toLowerCase() === name).length;
  assert.ok(count("content-length") + count("transfer-encoding") <= 1, "one framing");
  if (outcome === "incomplete" || outcome.startsWith("502")) return;
  if (contentLength >= 0 && body !== "" && method !== "CONNECT") {
    assert.equal(body.length, contentLength, "its whole body");
  }
  // FastCGI's records have their own say.
  if (outcome !== "reusable" || reader !== undefined) return;
  assert.ok(role !== "script" && ended !== true, "it may be kept");
  assert.ok(head.startsWith("1.1") || count("connection") > 0, "HTTP/1.0 must ask for it");
  assert.ok(chunked || contentLength >= 0 || body === "", "a body that ends with the connection is the last");
}

function settingOf(random: Random): ResponseSetting {
  return {
    method: random.pick(["GET", "GET", "HEAD", "CONNECT"]), ended: random.below(2) === 0,
    limits: random.below(4) === 0 ? small : headLimits,
  };
}

const responses: Target = {
  name: "responses",
  corpus: corpus().map(fromLatin1),
  words,
  run(random, input) {
    playAnyWay(random, input, settingOf(random));
    playAnyWay(random, input, { ...settingOf(random), role: "script" });
  },
};

const fastcgi: Target = {
  name: "fastcgi",
  corpus: corpus().flatMap((text) => {
    const half = text.length >> 1;
    const halves = stdout(text.slice(0, half)) + stderr("oh") + stdout(text.slice(half));
    return [stdout(text, 3) + endRequest(), halves + endRequest(0, 8)].map(fromLatin1);
  }),
  words: [...words, ...["\x01\x06\0\x01\0\x05\0\0", "\x01\x07\0\x01\0\x05\x08\0", stdout("\r\n"), stderr("e"),
    stdout(""), endRequest(), endRequest(1)].map(fromLatin1)],
  run(random, input) {
    const keepConn = random.below(2) === 0;
    playAnyWay(random, input,
      { ...settingOf(random), reader: (bounds, memory) => new FastCgiReader(bounds, memory, keepConn) });
    // As a script's output in records that are cut anywhere: the same as without records.
    const setting = settingOf(random);
    const alone = playResponse([input], { ...setting, role: "script", ended: true });
    const records = pieces(random, input).map((part) =>
      stdout(Buffer.from(part).toString("latin1"), random.below(256)));
    const framed = playAnyWay(random, fromLatin1(records.join("") + endRequest()),
      { ...setting, ended: false, reader: (bounds, memory) => new FastCgiReader(bounds, memory, true) });
    assert.deepEqual([framed.head, framed.body, framed.lines], [alone.head, alone.body, alone.lines]);
    if (alone.outcome.startsWith("502")) assert.equal(framed.outcome, alone.outcome);
    else if (alone.outcome === "surplus") assert.equal(framed.outcome, "closing");
    else if (alone.outcome === "closing") assert.equal(framed.outcome, "reusable");
  },
};

export const responseTargets: readonly Target[] = [responses, fastcgi];
