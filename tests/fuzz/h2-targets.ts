// Bytes of HTTP/2 and of HPACK: events or one failure, however they are cut, and a table that is in order.
import assert from "node:assert/strict";
import { HpackDecoder } from "../../src/protocol/h2/hpack-decoder.ts";
import { encodeBlock } from "../../src/protocol/h2/hpack-encoder.ts";
import type { HpackField } from "../../src/protocol/h2/hpack-field.ts";
import { NO_BYTES, asBytes, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import { Conversation, type Stream } from "../h2/conversation.ts";
import {
  ACK, CONTINUATION, END_HEADERS, HEADERS, PADDED, PING, PRIORITY_UPDATE, SETTINGS, data, frame, get, headers, post,
  preface, requestFields, reset, settingsFrame, windowUpdate,
} from "../h2/frames.ts";
import { pieces } from "./mutate.ts";
import type { Target } from "./target.ts";

const block = (path: string): Uint8Array => encodeBlock(requestFields("GET", path));

const sent: readonly Uint8Array[] = [
  concatBytes([preface([4, 70_000]), get(1, "/a"), get(3, "/b"), reset(1, 8), windowUpdate(3, 1000)]),
  concatBytes([
    preface(), post(1, [["content-length", "5"]]), data(1, "hel"), data(1, "lo", 1), frame(PING, 0, 0, "12345678"),
  ]),
  concatBytes([preface(), post(1), frame(0, PADDED, 1, "\x02ab\0\0"), headers(1, [["x", "y"]])]),
  concatBytes([
    preface(), frame(HEADERS, 1, 1, block("/c").subarray(0, 3)),
    frame(CONTINUATION, END_HEADERS, 1, block("/c").subarray(3)),
  ]),
  concatBytes([
    preface(), settingsFrame([4, 0], [4, 10]), frame(SETTINGS, ACK, 0), frame(PRIORITY_UPDATE, 0, 0, "\0\0\0\x01u=1"),
  ]),
];
const words = [
  get(5), post(7), data(7, "abc"), windowUpdate(0, 1), block("/"), fromLatin1("\0\0\0"), fromLatin1("\xff\xff"),
];

const answer = (engine: Conversation["engine"], { row, name }: Stream): void => {
  if (name.length % 2 === 1) return;
  engine.sender.headers(row, encodeBlock([[":status", "200"]]), NO_BYTES, false);
  engine.sender.data(row, fromLatin1("hello"), 0, 5, true);
};

const frames: Target = {
  name: "http2-frames",
  corpus: sent,
  words,
  run(random, input) {
    const whole = new Conversation({ answer });
    whole.hear(asBytes(input));
    const cut = new Conversation({ answer });
    for (const piece of pieces(random, input)) cut.hear(asBytes(piece));
    assert.deepEqual(cut.events, whole.events, "it does not matter how bytes arrive");
    assert.deepEqual(cut.said(), whole.said());
    assert.ok(whole.events.filter((event) => event.startsWith("failed")).length <= 1);
    assert.ok(whole.engine.invariants() && cut.engine.invariants());
  },
};

const blocks: Target = {
  name: "http2-header-blocks",
  corpus: [
    block("/"), block("/a?b=c"), Buffer.from("828684418cf1e3c2e5f23a6ba0ab90f4ff", "hex"),
    Buffer.from("3fe11f82be", "hex"),
  ],
  words: ["40", "7f", "ff", "82", "be", "00", "10", "20", "3fe11f", "8cf1e3c2e5f23a6ba0ab90f4ff", "0161"].map((hex) =>
    Buffer.from(hex, "hex")),
  run(random, input) {
    const limits = { fieldCountMax: random.pick([3, 100]), listSizeMax: random.pick([100, 10_000]) };
    const decoder = new HpackDecoder(limits);
    // What was taught is there for the next one.
    for (const piece of pieces(random, input)) {
      const fields: HpackField[] = [];
      const outcome = decoder.decode(asBytes(piece), 0, piece.length, fields);
      const regular = fields.filter(({ kind, isPseudo }) => !isPseudo && kind !== "cookie").length;
      assert.ok(regular + (fields.some(({ kind }) => kind === "cookie") ? 1 : 0) <= limits.fieldCountMax);
      assert.ok(fields.reduce((sum, { size }) => sum + size, 0) <= limits.listSizeMax);
      if (typeof outcome === "object") return;
      const again: HpackField[] = [];
      const lines = fields.map(({ name, value }): [string, string] => [name, value]);
      const coded = encodeBlock(lines);
      assert.equal(new HpackDecoder(limits).decode(coded, 0, coded.length, again), "ok");
      // Our encoder writes names in lower case.
      assert.deepEqual(again.map(({ name, value }) => [name, value]), lines.map(([n, v]) => [n.toLowerCase(), v]));
    }
  },
};

export const http2Targets: readonly Target[] = [frames, blocks];
