import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { NO_BYTES, asBytes, concatBytes, copyBytes, fromLatin1, fromUtf8 } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { DeflateCodec, WsDeflate } from "./deflate.ts";
import type { WsSettings } from "./events.ts";
import { OPCODE, closeFrame, frameHead, pingFrame } from "./frames.ts";
import { OutgoingMessage } from "./outgoing-message.ts";
import { WsReader } from "./reader.ts";
import { WsSender } from "./sender.ts";

const KEY = 0x37fa213d;
const settings: WsSettings = { role: "server", messageSizeMax: 1_048_576, deflate: undefined };

/** A client's frame of one whole message. */
function text(payload: string): Bytes {
  const message = new OutgoingMessage();
  const bytes = fromUtf8(payload);
  message.reset(bytes, 0, bytes.length, true, false);
  return asBytes(Buffer.from(new WsSender(undefined, () => KEY).frame(message) as Uint8Array));
}

/** The next event must be a message; its text. */
function nextText(reader: WsReader): string {
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "message");
  return event.bytes.utf8Slice(event.start, event.end);
}

describe("the reader of WebSocket frames", () => {
  test("gives a whole message as a view of what it was given, unmasked in place", () => {
    const reader = new WsReader(settings);
    const bytes = text("Hello");
    reader.receive(bytes);
    const event = reader.next();
    assert.ok(typeof event === "object" && event.kind === "message");
    assert.equal(event.bytes, bytes);
    assert.deepEqual([event.start, event.end], [6, 11]);
    assert.equal(bytes.toString("utf8", 6), "Hello");
    assert.equal(reader.next(), "need-data");
  });

  test("has one event object for all its messages", () => {
    const reader = new WsReader(settings);
    reader.receive(concatBytes([text("a"), text("b")]));
    assert.equal(reader.next(), reader.next());
  });

  test("gives messages one by one, however seldom it is asked and however memory is used again", () => {
    const reader = new WsReader(settings);
    const texts = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    const bytes = concatBytes(texts.map(text));
    reader.receive(bytes);
    for (const expected of texts) {
      assert.equal(nextText(reader), expected);
      reader.keepRest();
      bytes.fill(0);
    }
    assert.equal(reader.next(), "need-data");
    assert.equal(reader.pendingSize, 0);
  });

  test("appends to what it has not been asked for", () => {
    const reader = new WsReader(settings);
    for (let round = 0; round < 3; round++) {
      const bytes = concatBytes([text("one"), text("two")]);
      reader.receive(bytes);
      reader.keepRest();
      bytes.fill(0);
    }
    const texts = Array.from({ length: 6 }, () => nextText(reader));
    assert.deepEqual(texts, ["one", "two", "one", "two", "one", "two"]);
  });

  test("copies what waits when half of it is gone, not for each message taken", () => {
    const reader = new WsReader(settings);
    const [count, size] = [1024, text("x").length];
    reader.receive(concatBytes(Array.from({ length: count }, () => text("x"))));
    const memories = new Set<Bytes>();
    for (let taken = 0; taken < count; taken++) {
      const event = reader.next();
      assert.ok(typeof event === "object" && event.kind === "message");
      memories.add(event.bytes);
      assert.ok(taken === 0 || event.bytes.length <= Math.max(2, 2 * (count - taken)) * size, "and keeps no more");
      reader.keepRest();
    }
    assert.ok(memories.size <= 12, `${memories.size} copies`);
  });

  test("does not believe a length before its bytes come", () => {
    const reader = new WsReader(settings);
    const before = process.memoryUsage().arrayBuffers;
    reader.receive(fromLatin1(`${frameHead(OPCODE.binary, 1_048_576, true, false, KEY)}abc`));
    assert.equal(reader.next(), "need-data");
    reader.keepRest();
    assert.equal(reader.pendingSize, 3);
    assert.ok(process.memoryUsage().arrayBuffers - before < 100_000);
  });

  test("lets a large message go with the next call", () => {
    const reader = new WsReader(settings);
    const bytes = text("x".repeat(100_000));
    reader.receive(bytes.subarray(0, 50_000));
    assert.equal(reader.next(), "need-data");
    reader.keepRest();
    reader.receive(bytes.subarray(50_000));
    const event = reader.next();
    assert.ok(typeof event === "object" && event.kind === "message" && event.bytes.length === 100_000);
    reader.keepRest();
    assert.equal(event.bytes, NO_BYTES);
    assert.equal(reader.pendingSize, 0);
  });

  test("keeps at most a control frame and a message's head of what is no message", () => {
    const reader = new WsReader(settings);
    const ping = fromLatin1(pingFrame("p".repeat(125), KEY));
    for (let size = 1; size < ping.length; size++) {
      reader.receive(copyBytes(ping, size - 1, size));
      assert.equal(reader.next(), "need-data");
      reader.keepRest();
      assert.equal(reader.pendingSize, size);
    }
  });

  test("says nothing more after a close or a violation, and keeps nothing", () => {
    for (const last of [fromLatin1(closeFrame(1000, "", KEY)), fromLatin1("\x83\x80\0\0\0\0")]) {
      const reader = new WsReader(settings);
      reader.receive(concatBytes([text("first"), last, text("second")]));
      assert.equal(nextText(reader), "first");
      const event = reader.next();
      assert.ok(typeof event === "object" && event.kind !== "message");
      assert.equal(reader.next(), "need-data");
      reader.receive(text("third"));
      assert.equal(reader.next(), "need-data");
      reader.keepRest();
      assert.equal(reader.pendingSize, 0);
    }
  });

  test("a violation has a reason that fits a close frame", () => {
    const reader = new WsReader(settings);
    reader.receive(fromLatin1("GET / HTTP/1.1\r\n\r\n"));
    const event = reader.next();
    assert.ok(typeof event === "object" && event.kind === "violation");
    assert.equal(event.reason, "reserved bit set");
    assert.ok(closeFrame(event.code, event.reason).length <= 127);
  });
});

describe("the reader of compressed messages", () => {
  /** Remembers what it was asked; every message is "plain". */
  class Recorder implements DeflateCodec {
    readonly asked: (readonly [payload: string, dictionary: string, sizeMax: number])[] = [];

    deflate(): never {
      return assert.fail();
    }

    inflate(bytes: Uint8Array, _windowBits: number, dictionary: Bytes, sizeMax: number): Bytes {
      this.asked.push([Buffer.from(bytes).toString(), dictionary.toString(), sizeMax]);
      return fromLatin1("plain");
    }
  }

  function ask(payloads: readonly string[], peerTakeover: boolean, messageSizeMax: number): Recorder["asked"] {
    const codec = new Recorder();
    const deflate: WsDeflate = { ownWindowBits: 12, ownTakeover: true, peerWindowBits: 12, peerTakeover, codec };
    const reader = new WsReader({ role: "client", messageSizeMax, deflate });
    for (const payload of payloads) {
      reader.receive(fromLatin1(frameHead(OPCODE.text, payload.length, true, true, undefined) + payload));
      assert.equal(nextText(reader), "plain");
    }
    return codec.asked;
  }

  test("passes what was said before as a dictionary, where that was agreed on", () => {
    assert.deepEqual(ask(["a", "b", "c"], true, 100), [["a", "", 100], ["b", "plain", 100], ["c", "plainplain", 100]]);
    assert.deepEqual(ask(["a", "b", "c"], false, 100), [["a", "", 100], ["b", "", 100], ["c", "", 100]]);
  });

  test("bounds the plaintext by the message's bound, and beyond a mebibyte by a hundred times the payload", () => {
    const bounds = [1, 10_485, 10_486, 20_000].map((size) => ask(["x".repeat(size)], false, 1_500_000)[0]?.[2]);
    assert.deepEqual(bounds, [1_048_576, 1_048_576, 1_048_600, 1_500_000]);
  });
});

interface Part {
  readonly payload: Uint8Array;
  readonly text: boolean;
  /** Where the message is cut into fragments. */
  readonly cuts: readonly number[];
}

const parts: fc.Arbitrary<readonly Part[]> = fc.array(fc.record({
  payload: fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }).map(fromUtf8), fc.string({ maxLength: 3 }).map(fromUtf8),
    fc.string({ maxLength: 140, minLength: 120 }).map(fromUtf8),
  ),
  text: fc.boolean(),
  cuts: fc.array(fc.nat(300), { maxLength: 3 }),
}), { maxLength: 8 });

describe("what a sender of one role writes", () => {
  for (const [writer, reading] of [["client", "server"], ["server", "client"]] as const) {
    test(`as a ${writer} is read by a ${reading} as it was meant, whole, in fragments, and cut anywhere`, () => {
      fc.assert(fc.property(parts, fc.array(fc.nat(3000), { maxLength: 10 }), fc.integer(), (messages, cuts, key) => {
        const sender = new WsSender(undefined, writer === "client" ? (): number => key : undefined);
        const bytes = asBytes(Buffer.concat(messages.flatMap((message) => written(sender, message))));
        const reader = new WsReader({ ...settings, role: reading });
        const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const read: string[] = [];
        for (const [index, end] of edges.entries()) {
          const piece = copyBytes(bytes, edges[index - 1] ?? 0, end);
          reader.receive(piece);
          for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
            assert.ok(event.kind === "message");
            read.push(`${event.text} ${event.bytes.toString("hex", event.start, event.end)}`);
          }
          reader.keepRest();
          piece.fill(0xaa);
        }
        assert.deepEqual(read, messages.map(({ payload, text: isText }) =>
          `${isText} ${Buffer.from(payload).toString("hex")}`));
      }), { numRuns: 300 });
    });
  }
});

/** A message as one frame, or as several when it has cuts. */
function written(sender: WsSender, { payload, text: isText, cuts }: Part): readonly Uint8Array[] {
  if (cuts.length === 0) {
    const message = new OutgoingMessage();
    message.reset(asBytes(payload), 0, payload.length, isText, false);
    const frame = sender.frame(message);
    return [typeof frame === "string" ? fromLatin1(frame) : frame];
  }
  const edges = [0, ...cuts.map((cut) => cut % (payload.length + 1)).sort((a, b) => a - b), payload.length];
  return edges.slice(1).map((end, index) => {
    const opcode = index > 0 ? OPCODE.continuation : isText ? OPCODE.text : OPCODE.binary;
    return sender.part(copyBytes(payload, edges[index] ?? 0, end), opcode, index === edges.length - 2);
  });
}
