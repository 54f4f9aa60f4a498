/**
 * The reading half of a WebSocket as a pure machine: bytes in, messages and control frames out (RFC 6455 §5 to §8,
 * RFC 7692).
 *
 *   head ──whole frame──▶ head            a message that came in one piece is a view of what was received
 *   head ──part of one──▶ payload ──its end──▶ head       gathered; a control frame waits in its head instead
 *   any  ──close, violation──▶ ended      what follows is dropped
 *
 * Fragments are gathered across heads; control frames may come between them (§5.4). Everything that can be refused is
 * refused at its first byte: a frame at its head, text at its first wrong byte (§8.1, Autobahn's "fail fast").
 *
 * Invariant: bytes given to `receive` are only looked at (and unmasked, in place) during the calls of `next` that
 * follow, before `keepRest`.
 */
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES, allocate, concatBytes, copyBytes } from "../../std/bytes.ts";
import { isCloseCode } from "./close-code.ts";
import { DeflateHistory } from "./deflate-history.ts";
import type { MessageEvent, WsEvent, WsSettings, WsViolation } from "./events.ts";
import { CONTROL_SIZE_MAX, FIN, MASK, OPCODE, RSV1, RSV2, RSV3 } from "./frames.ts";
import { turnKey, unmask } from "./mask.ts";
import { UTF8_START, UTF8_WRONG, checkUtf8 } from "./utf8.ts";

/** A message of more fragments than this is refused when they are tiny on average (CVE-2026-48779 is such a flood). */
const FRAGMENTS_MAX = 4096;
const FRAGMENT_SIZE_AVERAGE_MIN = 64;
/** Plaintext up to this size may be compressed as well as it likes; beyond, a hundred to one smells of a bomb. */
const FREE_INFLATED_SIZE = 1_048_576;
const INFLATE_RATIO_MAX = 100;
/** Gathering begins with so much, and doubles. */
const GATHER_SIZE = 1024;

export class WsReader {
  readonly #settings: WsSettings;
  #bytes: Bytes = NO_BYTES;
  #at = 0;
  #end = 0;
  /** Are the bytes our copy? */
  #owned = false;
  #ended = false;
  /** Bytes of the current data frame that have not come; −1 between frames. */
  #frameLeft = -1;
  #frameFin = false;
  #key = 0;
  /** Of the message whose fragments come; 0 between messages. */
  #opcode = 0;
  #compressed = false;
  #fragmentCount = 0;
  /** Of the text so far; back at its start after every message. */
  #utf8 = UTF8_START;
  #gathered: Bytes = NO_BYTES;
  #gatheredSize = 0;
  #history: DeflateHistory | undefined = undefined;
  readonly #message: MessageEvent = { kind: "message", text: false, bytes: NO_BYTES, start: 0, end: 0 };

  constructor(settings: WsSettings) {
    this.#settings = settings;
  }

  /** Bytes held: not read yet, or of a message that is not whole. */
  get pendingSize(): number {
    return this.#end - this.#at + this.#gatheredSize;
  }

  /** Gives the machine more bytes, which it may change; read them with `next` until it asks for more. */
  receive(bytes: Bytes): void {
    if (this.#ended) return;
    this.#owned = this.#at < this.#end;
    this.#bytes = this.#owned ? concatBytes([this.#bytes.subarray(this.#at, this.#end), bytes]) : bytes;
    this.#at = 0;
    this.#end = this.#bytes.length;
  }

  /** Copies what is not read yet, because the memory given to `receive` is about to be used again. */
  keepRest(): void {
    this.#message.bytes = NO_BYTES;
    const size = this.#end - this.#at;
    // Who takes one message at a time must not pay for a copy of the others each time.
    if (this.#owned && size * 2 > this.#bytes.length) return;
    this.#owned = size > 0;
    this.#bytes = this.#owned ? copyBytes(this.#bytes, this.#at, this.#end) : NO_BYTES;
    this.#at = 0;
    this.#end = size;
  }

  /** The next event; after "need-data" give more. After a "close" or "violation" it is always "need-data". */
  next(): WsEvent | "need-data" {
    for (;;) {
      const event = this.#frameLeft < 0 ? this.#readFrame() : this.#readPayload();
      if (event !== undefined) return event;
    }
  }

  /** @returns undefined when a frame brought no event, or its payload is yet to come */
  #readFrame(): WsEvent | "need-data" | undefined {
    const bytes = this.#bytes;
    const at = this.#at;
    const available = this.#end - at;
    if (available < 2) return "need-data";
    const first = bytes[at] ?? 0;
    const second = bytes[at + 1] ?? 0;
    const refused = this.#checkHead(first, second);
    if (refused !== undefined) return refused;
    let size = second & 127;
    let start = at + 2;
    if (size === 126) {
      if (available < 4) return "need-data";
      size = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
      start = at + 4;
      // RFC 6455 §5.2: the minimal number of bytes MUST be used to encode the length.
      if (size < 126) return this.#fail(1002, "frame length not minimal");
    } else if (size === 127) {
      if (available < 10) return "need-data";
      const high = bytes.readUInt32BE(at + 2);
      size = high * 0x1_0000_0000 + bytes.readUInt32BE(at + 6);
      start = at + 10;
      if (high > 0x7fff_ffff) return this.#fail(1002, "frame length with its first bit set");
      if (size < 65_536) return this.#fail(1002, "frame length not minimal");
    }
    const isControl = (first & 8) !== 0;
    if (!isControl) {
      const tooMuch = this.#checkSize(first, size);
      if (tooMuch !== undefined) return tooMuch;
    }
    const masked = (second & MASK) !== 0;
    if (masked) {
      if (this.#end - start < 4) return "need-data";
      this.#key = bytes.readInt32BE(start);
      start += 4;
    }
    if (isControl) return this.#readControl(first & 15, start, size, masked);
    this.#at = start;
    this.#frameFin = (first & FIN) !== 0;
    if ((first & 15) !== OPCODE.continuation) {
      this.#opcode = first & 15;
      this.#compressed = (first & RSV1) !== 0;
      this.#fragmentCount = 0;
    }
    this.#fragmentCount++;
    if (this.#frameFin && this.#gatheredSize === 0 && this.#end - start >= size) return this.#readWhole(start, size);
    this.#frameLeft = size;
    return undefined;
  }

  /** The rules for a frame's first two bytes, in their order. */
  #checkHead(first: number, second: number): WsViolation | undefined {
    const opcode = first & 15;
    const { role, deflate } = this.#settings;
    if ((first & (RSV2 | RSV3)) !== 0) return this.#fail(1002, "reserved bit set");
    // RFC 7692 §6: RSV1 is for the first frame of a data message, where compression was agreed on.
    if ((first & RSV1) !== 0 && (deflate === undefined || (opcode !== OPCODE.text && opcode !== OPCODE.binary))) {
      return this.#fail(1002, "reserved bit set");
    }
    // RFC 6455 §5.1: a server closes upon a frame that is not masked, a client upon one that is.
    if (((second & MASK) !== 0) !== (role === "server")) {
      return this.#fail(1002, role === "server" ? "frame not masked" : "masked frame of a server");
    }
    if (opcode >= 8) {
      if (opcode > OPCODE.pong) return this.#fail(1002, "reserved opcode");
      if ((first & FIN) === 0) return this.#fail(1002, "fragmented control frame");
      if ((second & 127) > CONTROL_SIZE_MAX) return this.#fail(1002, "control frame too long");
    } else if (opcode > OPCODE.binary) {
      return this.#fail(1002, "reserved opcode");
    } else if (opcode === OPCODE.continuation) {
      if (this.#opcode === 0) return this.#fail(1002, "continuation of nothing");
    } else if (this.#opcode !== 0) {
      return this.#fail(1002, "a message within another");
    }
    return undefined;
  }

  /** Bounds are kept from the head alone, before anything is gathered. */
  #checkSize(first: number, size: number): WsViolation | undefined {
    const { messageSizeMax } = this.#settings;
    const isFirst = (first & 15) !== OPCODE.continuation;
    const compressed = isFirst ? (first & RSV1) !== 0 : this.#compressed;
    const total = this.#gatheredSize + size;
    // What cannot be compressed grows: an eighth and 64 bytes is zlib's own bound for any of its settings.
    const bound = compressed ? messageSizeMax + Math.ceil(messageSizeMax / 8) + 64 : messageSizeMax;
    if (total > bound) return this.#fail(1009, "message too large");
    if (isFirst) return undefined;
    const count = this.#fragmentCount + 1;
    if (count > FRAGMENTS_MAX && total < count * FRAGMENT_SIZE_AVERAGE_MIN) return this.#fail(1008, "tiny fragments");
    return undefined;
  }

  /** A message that is one view of what was received. */
  #readWhole(start: number, size: number): WsEvent {
    const bytes = this.#bytes;
    const end = start + size;
    this.#at = end;
    const ored = this.#settings.role === "server" ? unmask(bytes, start, end, this.#key) : 255;
    if (this.#compressed) return this.#inflate(bytes, start, end);
    if (ored > 127 && this.#opcode === OPCODE.text && checkUtf8(UTF8_START, bytes, start, end) !== UTF8_START) {
      return this.#fail(1007, "text not UTF-8");
    }
    return this.#deliver(bytes, start, end);
  }

  /** Gathers what has come of a frame. */
  #readPayload(): WsEvent | "need-data" | undefined {
    const bytes = this.#bytes;
    const start = this.#at;
    const take = Math.min(this.#frameLeft, this.#end - start);
    if (take > 0) {
      const end = start + take;
      if (this.#settings.role === "server") {
        unmask(bytes, start, end, this.#key);
        this.#key = turnKey(this.#key, take);
      }
      this.#at = end;
      if (this.#opcode === OPCODE.text && !this.#compressed) {
        this.#utf8 = checkUtf8(this.#utf8, bytes, start, end);
        if (this.#utf8 === UTF8_WRONG) return this.#fail(1007, "text not UTF-8");
      }
      this.#gather(bytes, start, end);
      this.#frameLeft -= take;
    }
    if (this.#frameLeft > 0) return "need-data";
    this.#frameLeft = -1;
    if (!this.#frameFin) return undefined;
    const gathered = this.#gathered;
    const size = this.#gatheredSize;
    this.#gathered = NO_BYTES;
    this.#gatheredSize = 0;
    if (this.#compressed) return this.#inflate(gathered, 0, size);
    if (this.#utf8 !== UTF8_START) return this.#fail(1007, "text not UTF-8");
    return this.#deliver(gathered, 0, size);
  }

  #gather(bytes: Bytes, start: number, end: number): void {
    const size = this.#gatheredSize + end - start;
    if (size > this.#gathered.length) {
      // A frame's announced length is not believed beyond the double of what has come.
      const announced = this.#gatheredSize + this.#frameLeft;
      const doubled = Math.max(size, this.#gathered.length * 2, GATHER_SIZE);
      const larger = allocate(this.#frameFin ? Math.min(announced, doubled) : doubled);
      this.#gathered.copy(larger, 0, 0, this.#gatheredSize);
      this.#gathered = larger;
    }
    bytes.copy(this.#gathered, this.#gatheredSize, start, end);
    this.#gatheredSize = size;
  }

  #inflate(bytes: Bytes, start: number, end: number): WsEvent {
    const { deflate, messageSizeMax } = this.#settings;
    // Deviates: RFC 7692 §7.2.3.6 has a byte in an empty message; a second flush of zlib in a row has none.
    if (deflate === undefined || start === end) return this.#deliver(bytes, start, end);
    const { peerWindowBits, peerTakeover, codec } = deflate;
    const sizeMax = Math.min(messageSizeMax, Math.max(FREE_INFLATED_SIZE, (end - start) * INFLATE_RATIO_MAX));
    const dictionary = this.#history?.dictionary ?? NO_BYTES;
    const inflated = codec.inflate(bytes.subarray(start, end), peerWindowBits, dictionary, sizeMax);
    if (inflated === "too-large") return this.#fail(1009, "message too large");
    if (inflated === "invalid") return this.#fail(1007, "compressed data invalid");
    if (this.#opcode === OPCODE.text && checkUtf8(UTF8_START, inflated, 0, inflated.length) !== UTF8_START) {
      return this.#fail(1007, "text not UTF-8");
    }
    if (peerTakeover && inflated.length > 0) {
      this.#history ??= new DeflateHistory(peerWindowBits);
      this.#history.add(inflated, 0, inflated.length);
    }
    return this.#deliver(inflated, 0, inflated.length);
  }

  #deliver(bytes: Bytes, start: number, end: number): MessageEvent {
    const message = this.#message;
    message.text = this.#opcode === OPCODE.text;
    message.bytes = bytes;
    message.start = start;
    message.end = end;
    this.#opcode = 0;
    return message;
  }

  /** A control frame is small: it waits in front until it is whole. */
  #readControl(opcode: number, start: number, size: number, masked: boolean): WsEvent | "need-data" {
    const bytes = this.#bytes;
    const end = start + size;
    if (end > this.#end) return "need-data";
    if (masked) unmask(bytes, start, end, this.#key);
    this.#at = end;
    if (opcode === OPCODE.close) return this.#readClose(bytes, start, end);
    return { kind: opcode === OPCODE.ping ? "ping" : "pong", bytes: bytes.subarray(start, end) };
  }

  /** RFC 6455 §5.5.1: a code of two bytes and a reason of UTF-8, or nothing. */
  #readClose(bytes: Bytes, start: number, end: number): WsEvent {
    const size = end - start;
    if (size === 1) return this.#fail(1002, "half a closing code");
    const code = size === 0 ? 1005 : bytes.readUInt16BE(start);
    if (size > 0 && !isCloseCode(code)) return this.#fail(1002, "closing code that nobody may send");
    if (checkUtf8(UTF8_START, bytes, start + 2, end) !== UTF8_START) return this.#fail(1007, "reason not UTF-8");
    const reason = size > 2 ? bytes.utf8Slice(start + 2, end) : "";
    this.#finish();
    return { kind: "close", code, reason };
  }

  #fail(code: WsViolation["code"], reason: string): WsViolation {
    this.#finish();
    return { kind: "violation", code, reason };
  }

  #finish(): void {
    this.#ended = true;
    this.#bytes = this.#gathered = NO_BYTES;
    this.#at = this.#end = this.#gatheredSize = 0;
    this.#frameLeft = -1;
    this.#history = undefined;
  }
}
