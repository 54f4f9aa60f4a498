// WebSocket bytes, messages and extension lists, each against what RFC 6455 says once more in few words.
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { deflateCodec } from "../../src/filters/index.ts";
import { parseExtensions } from "../../src/protocol/ws/extensions.ts";
import {
  OPCODE, OutgoingMessage, WsSender, closeFrame, negotiateDeflate, pingFrame,
} from "../../src/protocol/ws/index.ts";
import type { WsDeflate, WsSettings } from "../../src/protocol/ws/index.ts";
import { asBytes, fromLatin1 } from "../../src/std/bytes.ts";
import { type FrameCase, bytesIn, readCases } from "../protocol/websocket-cases.ts";
import { bytesOf, play } from "../protocol/websocket.ts";
import { pieces } from "./mutate.ts";
import type { Random } from "./random.ts";
import type { Target } from "./target.ts";

const CORPUS_SIZE_MAX = 2000;

function corpus(): readonly Uint8Array[] {
  const files = ["1-framing", "2-pings", "3-reserved-bits", "4-opcodes", "5-fragmentation", "7-closing"];
  const texts = readCases<{ readonly hex: string }>("6-text").map(({ hex }) => Buffer.from(hex, "hex"));
  return [
    ...files.flatMap((file) => readCases<FrameCase>(file).map(bytesIn)),
    // With a key of zeros a text's bytes stay what they are when others are put among them.
    ...texts.map((text) => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text])),
  ].filter(({ length }) => length > 0 && length <= CORPUS_SIZE_MAX);
}

const words = ["818000000000", "018000000000", "008000000000", "808000000000", "818100000000", "0081000000", "8980",
  "8a80", "888200000000", "03e8", "03ed", "fe007e", "ff0000000000010000", "ff8000000000000000", "c180", "c187",
  "f248cdc9c90700",
  "c3a4", "f09f8ea9", "eda080", "c080", "00", "ff", "80", "7e", "7f"].map((hex) => Buffer.from(hex, "hex"));

const agreed: WsDeflate = {
  ownWindowBits: 12, ownTakeover: true, peerWindowBits: 12, peerTakeover: true, codec: deflateCodec,
};

const frames: Target = {
  name: "websocket-frames",
  corpus: corpus(),
  words,
  run(random, input) {
    const messageSizeMax = random.pick([10, 200, 100_000]);
    const role = random.below(8) === 0 ? "client" : "server";
    const settings: WsSettings = { role, messageSizeMax, deflate: random.below(3) === 0 ? agreed : undefined };
    const whole = play([input], settings);
    assert.deepEqual(play(pieces(random, input), settings), whole, "it does not matter how bytes arrive");
    for (const event of whole) {
      assert.match(event, /^(?:text .*|binary [0-9a-f]*|p[io]ng [0-9a-f]*|close \d+ .*|violation 100[2789])$/s);
    }
    if (settings.deflate === undefined) assert.deepEqual(whole, model(input, settings));
  },
};

/** RFC 6455 §5 to §8 once more, over all the bytes at once. */
function model(bytes: Uint8Array, { role, messageSizeMax }: WsSettings): readonly string[] {
  const events: string[] = [];
  let message = Buffer.alloc(0);
  let opcode = 0;
  for (let at = 0; at + 2 <= bytes.length;) {
    const [first = 0, second = 0] = bytes.subarray(at);
    const [code, fin, masked] = [first & 15, first > 127, second > 127];
    const isControl = code > 7;
    const refused = (first & 0x70) !== 0 || masked !== (role === "server") || (code > 2 && code < 8) || code > 10 ||
      (isControl && (!fin || (second & 127) > 125)) || (!isControl && (code === 0) !== (opcode !== 0));
    if (refused) return [...events, "violation 1002"];
    const lengthSize = [126, 127].indexOf(second & 127) * 6 + 2;
    const [lengthStart, sizes] = [at + 2, lengthSize > 0 ? lengthSize : 0];
    if (lengthStart + sizes > bytes.length) return events;
    const hex = Buffer.from(bytes.subarray(lengthStart, lengthStart + sizes)).toString("hex");
    const length = sizes === 0 ? BigInt(second & 127) : BigInt(`0x${hex}`);
    if (length >= 2n ** 63n || (sizes === 2 && length < 126n) || (sizes === 8 && length < 65_536n)) {
      return [...events, "violation 1002"];
    }
    const size = Number(length);
    if (!isControl && message.length + size > messageSizeMax) return [...events, "violation 1009"];
    const start = lengthStart + sizes + (masked ? 4 : 0);
    if (start > bytes.length) return events;
    const key = bytes.subarray(start - 4, start);
    const payload = Buffer.from(bytes.subarray(start, start + size))
      .map((byte, index) => (masked ? byte ^ (key[index % 4] ?? 0) : byte));
    const isWhole = payload.length === size;
    if (!isControl) {
      if (code !== 0) opcode = code;
      message = Buffer.concat([message, payload]);
      if (opcode === 1 && !mayBecomeText(message)) return [...events, "violation 1007"];
      if (!isWhole) return events;
      if (fin && opcode === 1 && !isUtf8(message)) return [...events, "violation 1007"];
      if (fin) {
        events.push(opcode === 1 ? `text ${message.toString()}` : `binary ${message.toString("hex")}`);
        [opcode, message] = [0, Buffer.alloc(0)];
      }
    } else if (!isWhole) {
      return events;
    } else if (code === 8) {
      return [...events, modelClose(payload)];
    } else {
      events.push(`${code === 9 ? "ping" : "pong"} ${Buffer.from(payload).toString("hex")}`);
    }
    at = start + size;
  }
  return events;
}

function modelClose(payload: Uint8Array): string {
  if (payload.length === 0) return "close 1005 ";
  const code = Buffer.from(payload).readUIntBE(0, Math.min(2, payload.length));
  const legal = /^(?:100[0-37-9]|101[0-4]|[34]\d{3})$/.test(String(code));
  if (payload.length === 1 || !legal) return "violation 1002";
  const reason = payload.subarray(2);
  return isUtf8(reason) ? `close ${code} ${Buffer.from(reason).toString()}` : "violation 1007";
}

/** Is there an end that makes it UTF-8? Some end of at most three bytes does, if any does. */
function mayBecomeText(bytes: Uint8Array): boolean {
  return ["", "80", "8080", "808080", "bf", "bfbf", "bfbfbf"]
    .some((end) => isUtf8(Buffer.concat([bytes, Buffer.from(end, "hex")])));
}

const messages: Target = {
  name: "websocket-messages",
  corpus: ["", "a", "Hello", "again and again and again ".repeat(30), "äöü🎩".repeat(80), "\0\xff\x80".repeat(99)]
    .map((text) => Buffer.from(text)),
  words: ["a", "\0", "ä", "🎩", "again and again ".repeat(20), "\xff\xfe"].map((text) => Buffer.from(text)),
  run(random, input) {
    const [own, peer] = [9 + random.below(7), 9 + random.below(7)];
    const [ownTakeover, peerTakeover] = [random.below(2) === 0, random.below(2) === 0];
    const codec = deflateCodec;
    const writing: WsDeflate = { ownWindowBits: own, ownTakeover, peerWindowBits: peer, peerTakeover, codec };
    const reading: WsDeflate = {
      ownWindowBits: peer, ownTakeover: peerTakeover, peerWindowBits: own, peerTakeover: ownTakeover, codec,
    };
    const compressed = random.below(2) === 0;
    const role = random.pick(["server", "client"] as const);
    const key = role === "server" ? (): number => random.below(0x1_0000_0000) | 0 : undefined;
    const sender = new WsSender(compressed ? writing : undefined, key);
    const expected: string[] = [];
    const written: Uint8Array[] = [];
    for (const payload of pieces(random, input)) {
      const text = isUtf8(payload);
      const words = Buffer.from(payload).toString(text ? "utf8" : "hex");
      write(random, sender, payload, { text, key, written, expected });
      expected.push(`${text ? "text" : "binary"} ${words}`);
    }
    written.push(bytesOf(closeFrame(1000, "", key?.())));
    const settings: WsSettings = { role, messageSizeMax: 100_000, deflate: compressed ? reading : undefined };
    assert.deepEqual(play(pieces(random, Buffer.concat(written)), settings), [...expected, "close 1000 "]);
  },
};

interface Written {
  readonly text: boolean;
  readonly key: (() => number) | undefined;
  readonly written: Uint8Array[];
  readonly expected: string[];
}

/** As one frame or as parts, with a ping between them. */
function write(random: Random, sender: WsSender, payload: Uint8Array, { text, key, written, expected }: Written): void {
  if (random.below(3) > 0) {
    const message = new OutgoingMessage();
    message.reset(asBytes(payload), 0, payload.length, text, random.below(2) === 0);
    written.push(bytesOf(sender.frame(message)));
    return;
  }
  const parts = pieces(random, payload);
  for (const [index, part] of parts.entries()) {
    const opcode = index > 0 ? OPCODE.continuation : text ? OPCODE.text : OPCODE.binary;
    written.push(bytesOf(sender.part(asBytes(part), opcode, index === parts.length - 1)));
    if (index < parts.length - 1) {
      written.push(bytesOf(pingFrame("p", key?.())));
      expected.push("ping 70");
    }
  }
}

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
/** RFC 6455 §9.1 as one expression. A quoted value must be a token once its escapes are gone. */
const parameter = `;[ \\t]*${token}[ \\t]*(?:=[ \\t]*(?:${token}|"(?:\\\\?[!#$%&'*+\\-.^_\`|~0-9A-Za-z])+")[ \\t]*)?`;
const extension = `[ \\t]*${token}[ \\t]*(?:${parameter})*`;
const extensionList = new RegExp(`^${extension}(?:,${extension})*$`);

const extensions: Target = {
  name: "websocket-extensions",
  corpus: ["permessage-deflate; client_max_window_bits", "permessage-deflate", "foo, bar; baz=2", "a;b=\"c\\d\" , e",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
    "permessage-deflate; client_max_window_bits=15, permessage-deflate"].map(fromLatin1),
  words: [";", ",", "=", "\"", "\\", " ", "\t", "a", "8", "9", "15", "16", "permessage-deflate",
    "client_max_window_bits", "server_max_window_bits=", "; client_no_context_takeover", "\xff", "\0"].map(fromLatin1),
  run(_random, input) {
    const value = Buffer.from(input).toString("latin1").slice(0, 200);
    const parsed = parseExtensions(value);
    assert.equal(parsed !== undefined, extensionList.test(value), "the grammar of RFC 6455 §9.1");
    const result = negotiateDeflate(parsed ?? [], { windowBits: 12, codec: deflateCodec });
    if (result === undefined) return;
    const { agreed: { ownWindowBits, peerWindowBits, peerTakeover }, line } = result;
    const flags = "(?:; server_no_context_takeover)?(?:; client_no_context_takeover)?";
    const bits = "; server_max_window_bits=(?:9|1[012])(?:; client_max_window_bits=(?:[89]|1[012]))?";
    assert.match(line, new RegExp(`^permessage-deflate${bits}${flags}$`));
    assert.ok(ownWindowBits >= 9 && ownWindowBits <= 12 && peerWindowBits >= 9);
    assert.ok(peerWindowBits <= 12 || !peerTakeover, "nobody makes us remember more than 4 KiB");
    assert.ok(line.length < 200);
  },
};

export const webSocketTargets: readonly Target[] = [frames, messages, extensions];
