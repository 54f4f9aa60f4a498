// What is fuzzed, and what must hold for every input: accepted or refused, never another error, bounded memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ResponseDecoder } from "../../src/app/response-decoder.ts";
import { ResponseHead, findFault } from "../../src/http/response-head.ts";
import { ChunkedReader } from "../../src/protocol/h1/chunked-reader.ts";
import { SectionMemory } from "../../src/protocol/h1/index.ts";
import { FRAME_SIZE_MAX, FrameReader, MalformedFrame, MarshalReader } from "../../src/protocol/wire/index.ts";
import { asBytes, concatBytes, fromLatin1, NO_BYTES } from "../../src/std/bytes.ts";
import { limits, type Played, play } from "../protocol/engine.ts";
import { framed, readPieces } from "../protocol/frames.ts";
import { pieces } from "./mutate.ts";
import { configurations } from "./configurations.ts";
import { nameAnswers } from "./name-target.ts";
import { http2Targets } from "./h2-targets.ts";
import { responseTargets } from "./response-targets.ts";
import type { Target } from "./target.ts";
import { webSocketTargets } from "./websocket-targets.ts";

const small = { requestLineSizeMax: 100, fieldCountMax: 6, fieldSizeMax: 64, headSizeMax: 256 };
const words = ["\r\n", "\r", "\n", "\0", ":", " ", "\t", ";", ",", "\"", "\\", "0\r\n\r\n", "5\r\nhello\r\n",
  "Host: a\r\n",
  "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n", "Connection: keep-alive\r\n",
  "Expect: 100-continue\r\n", "GET / HTTP/1.1\r\n", "HTTP/1.0", "http://a/", "chunked", "ffffffff", "\xff", "#", "*",
  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"].map(fromLatin1);

function corpusOf(file: string): readonly Uint8Array[] {
  const path = join(import.meta.dirname, "../cases", file, "cases.json");
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly { readonly raw: string }[] };
  return cases.map(({ raw }) => fromLatin1(raw.replace(/( HTTP\/1\.1\r\n)(?!Host)/g, "$1Host: a\r\n").slice(0, 2000)));
}

const requests: Target = {
  name: "requests",
  corpus: [...corpusOf("gunicorn-requests"), ...corpusOf("llhttp")],
  words,
  run(random, input) {
    const setting = { limits: random.below(4) === 0 ? small : limits };
    const whole = play([input], setting);
    checkPlayed(whole);
    assert.deepEqual(play(pieces(random, input), setting), whole, "it does not matter how bytes arrive");
    const memory = new SectionMemory();
    play([concatBytes([input, input])], { ...setting, memory });
    assert.deepEqual(play([input], { ...setting, memory }), whole, "what was seen before changes nothing");
  },
};

/** What every accepted request promises to those behind the reader. */
function checkPlayed({ requests: played, outcome }: Played): void {
  assert.match(outcome, /^(?:idle|incomplete|closed|(?:400|414|417|431|505) [a-z_]+)$/);
  for (const { method, target, path, fields, semantics, minorVersion, body, complete } of played) {
    assert.match(method, /^[!#$%&'*+\-.^_`|~0-9A-Z]{1,32}$/);
    assert.match(target, /^[!-"$-~]+$/);
    assert.match(path, /^(?:\/|\*$)/);
    for (const [name, value] of fields) {
      assert.match(name, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/);
      assert.match(value, /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/);
    }
    const count = (name: string): number => fields.filter(([other]) => other.toLowerCase() === name).length;
    assert.ok(count("host") === 1 || (minorVersion === 0 && count("host") === 0), "one Host");
    assert.ok(count("content-length") + count("transfer-encoding") <= 1, "one framing");
    if (complete) assert.ok(semantics.chunked || body.length === Math.max(0, semantics.contentLength),
      "its whole body");
  }
}

const chunked: Target = {
  name: "chunked",
  corpus: ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "a;b=c\r\n0123456789\r\n1\r\nx\r\n0\r\nX: y\r\n\r\n",
    "1;a=\"b\"\r\nx\r\n000\r\n\r\n",
    "5;a=\"\\\"\"\r\nhello\r\n6;;\r\n world\r\n0;x\r\nA: b\r\nC: d\r\n\r\n"].map(fromLatin1),
  words,
  run(random, input) {
    const whole = readChunked([input]);
    assert.deepEqual(readChunked(pieces(random, input)), whole, "it does not matter how bytes arrive");
    const text = Buffer.from(input).toString("latin1");
    const expected = model(text);
    if (whole.outcome === "end") assert.deepEqual({ data: whole.data, size: whole.size }, expected);
    else assert.equal(expected, undefined, `the model reads it whole, the reader says ${whole.outcome}`);
  },
};

interface ReadChunked {
  readonly outcome: string;
  readonly data: string;
  /** Bytes up to the end of the body; 0 without an end. */
  readonly size: number;
}

function readChunked(parts: readonly Uint8Array[]): ReadChunked {
  const reader = new ChunkedReader(limits);
  let rest = NO_BYTES;
  let data = "";
  let size = 0;
  for (const part of parts) {
    rest = concatBytes([rest, part]);
    for (;;) {
      const step = reader.step(rest, 0, rest.length);
      if (typeof step === "object") return { outcome: step.reason, data, size: 0 };
      assert.ok(reader.position >= 0 && reader.position <= rest.length, "reads within its bytes");
      if (step === "data") data += rest.latin1Slice(reader.dataStart, reader.dataEnd);
      size += reader.position;
      rest = rest.subarray(reader.position);
      if (step === "end") return { outcome: "end", data, size };
      if (step === "need-data") break;
    }
    assert.ok(rest.length <= limits.headSizeMax, "keeps no more than a trailer section");
  }
  return { outcome: "need-data", data, size: 0 };
}

/** A character of a line, and one of a quoted-string in it (RFC 9110 §5.6.4). */
const character = String.raw`[^\x00-\x08\x0a-\x1f\x7f]`;
const quoted = String.raw`"(?:[^\x00-\x08\x0a-\x1f\x7f"\\]|\\${character})*"`;
const sizeLine = new RegExp(String.raw`([0-9A-Fa-f]{1,13})(?:;(?:[^\x00-\x08\x0a-\x1f\x7f"]|${quoted})*)?\r\n`, "y");
const forbidden = "(?!(?:host|content-length|transfer-encoding):)";
const section = new RegExp(
  String.raw`(?:${forbidden}[!#$%&'*+\-.^_${"`"}|~0-9A-Za-z]+:${character}*\r\n)*\r\n`, "iy",
);

/** RFC 9112 §7.1 once more, by expressions; undefined for what is no whole body. */
function model(text: string): { readonly data: string; readonly size: number } | undefined {
  let data = "";
  for (let at = 0; ;) {
    sizeLine.lastIndex = at;
    const match = sizeLine.exec(text);
    if (match === null) return undefined;
    at = sizeLine.lastIndex;
    const size = Number.parseInt(match[1] ?? "", 16);
    if (size === 0) {
      section.lastIndex = at;
      const trailers = section.exec(text)?.[0];
      if (trailers === undefined || (trailers.match(/^content-type:/gim)?.length ?? 0) > 1) return undefined;
      return { data, size: section.lastIndex };
    }
    data += text.slice(at, at + size);
    at += size;
    if (text.slice(at, at + 2) !== "\r\n") return undefined;
    at += 2;
  }
}

function wireCorpus(): readonly Uint8Array[] {
  return ["to-edge.json", "malformed.json"].flatMap((file) => {
    const path = join(import.meta.dirname, "../cases/wire", file);
    const cases = JSON.parse(readFileSync(path, "utf8")) as readonly { readonly marshal: string }[];
    return cases.map(({ marshal }) => Buffer.from(marshal, "hex"));
  });
}

const wireWords = ["69ffffffff", "6900000000", "4e", "54", "46", "7300000000", "73ffffff7f", "7500000000",
  "75030000006162c3",
  "5b00000000", "5bffffffff", "2800000000", "2902", "29ff", "7b30", "7aff", "63", "72", "6c", "e9", "ffffffff",
  "00001000"]
  .map((hex) => Buffer.from(hex, "hex"));

const frames: Target = {
  name: "frames",
  corpus: wireCorpus(),
  words: wireWords,
  run(random, input) {
    // As one frame with a true length, or as a stream whose lengths are whatever the bytes say.
    const stream = random.below(4) === 0 ? input : framed(input);
    const whole = outcomeOf(() => readPieces([stream]));
    assert.deepEqual(outcomeOf(() => readPieces(pieces(random, stream))), whole, "it does not matter how bytes arrive");
    const reader = new FrameReader();
    reader.receive(asBytes(stream));
    outcomeOf(() => {
      while (reader.next()) {
        assert.ok(reader.end - reader.start <= FRAME_SIZE_MAX, "a frame is bounded");
        assert.ok(reader.start >= 4 && reader.end <= reader.bytes.length, "a frame lies within its bytes");
      }
      return [];
    });
  },
};

/** Values or "malformed"; every other error is thrown on. */
function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    // The one error that a frame may have.
    if (error instanceof MalformedFrame) return "malformed";
    throw error;
  }
}

const heads: Target = {
  name: "heads",
  // Status and headers are what follows the body in these frames.
  corpus: wireCorpus().map((frame) => frame.subarray(frame.length > 40 ? 20 : 0)),
  words: [...wireWords, "c8", "0d0a", "200 OK", "Content-Length"].map((word) => Buffer.from(word)),
  run(_random, input) {
    const decoder = new ResponseDecoder();
    const decode = (): unknown => outcomeOf(() => decoder.decode(new MarshalReader(asBytes(input), 0, input.length)));
    const first = decode();
    assert.deepEqual(decode(), first, "what was seen before changes nothing");
    if (!(first instanceof ResponseHead)) return;
    assert.equal(findFault(first.status, first.reason, first.fields), undefined);
    for (const text of [first.reason, ...first.fields.flat()]) assert.doesNotMatch(text, /[\r\n\0]/);
  },
};

export const targets: readonly Target[] = [
  requests, ...responseTargets, chunked, frames, heads, nameAnswers, configurations, ...webSocketTargets,
  ...http2Targets,
];
