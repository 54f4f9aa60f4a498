/**
 * The writing half of a WebSocket: messages become frames, compressed where that was agreed on and pays (RFC 6455 §6.1,
 * RFC 7692 §7.2.1).
 *
 * With context takeover the history of our direction is the plaintext of what was sent compressed; that is what the
 * peer's decompressor has in its window. So a message that was compressed on its own for many, and one that leans
 * on the history, mix freely, and one that is sent plain enters nobody's window.
 */
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES } from "../../std/bytes.ts";
import { DeflateHistory } from "./deflate-history.ts";
import type { WsDeflate } from "./deflate.ts";
import { frameHead } from "./frames.ts";
import { unmask } from "./mask.ts";
import { joined, wholeFrame } from "./outgoing-message.ts";
import type { OutgoingMessage } from "./outgoing-message.ts";

/**
 * Shorter messages are not compressed: a line of 100 Mbit/s (12.5 bytes/µs) sends the bytes sooner than some are saved.
 * Chat JSON, bytes saved each µs, alone and with a history: 256: 6, 12 · 384: 12, 18 · 512: 17, 21 · 1024: 34, 36.
 */
const DEFLATE_SIZE_MIN = 512;

export class WsSender {
  readonly #deflate: WsDeflate | undefined;
  readonly #nextMaskKey: (() => number) | undefined;
  #history: DeflateHistory | undefined = undefined;

  /**
   * @param deflate as agreed on
   * @param nextMaskKey for a client: 32 bits from a source that nobody can foretell (RFC 6455 §10.3); none for a server
   */
  constructor(deflate: WsDeflate | undefined, nextMaskKey?: () => number) {
    // zlib has no raw DEFLATE with a window of 256 bytes.
    this.#deflate = deflate !== undefined && deflate.ownWindowBits > 8 ? deflate : undefined;
    this.#nextMaskKey = nextMaskKey;
  }

  /** One whole message as one frame: latin-1 text or bytes, both to be written as they are. */
  frame(message: OutgoingMessage): string | Bytes {
    if (this.#nextMaskKey !== undefined) return this.#maskedFrame(message, this.#nextMaskKey());
    const deflate = this.#deflate;
    if (deflate === undefined || message.end - message.start < DEFLATE_SIZE_MIN) return message.plain;
    return this.#compressedFrame(message, deflate) ?? message.plain;
  }

  /**
   * A frame of a message that comes in parts; not compressed.
   * @param opcode text or binary on the first part, continuation on the others
   * @param fin on the last part
   */
  part(bytes: Bytes, opcode: number, fin: boolean): Bytes {
    const key = this.#nextMaskKey?.();
    const frame = joined(frameHead(opcode, bytes.length, fin, false, key), bytes, 0, bytes.length);
    if (key !== undefined) unmask(frame, frame.length - bytes.length, frame.length, key);
    return frame;
  }

  #compressedFrame(message: OutgoingMessage, deflate: WsDeflate): string | Bytes | undefined {
    const { ownWindowBits, ownTakeover, codec } = deflate;
    let frame: string | Bytes | undefined;
    if (message.shared || !ownTakeover || this.#history === undefined) {
      frame = message.compressed(codec, ownWindowBits);
    } else {
      const plain = message.bytes.subarray(message.start, message.end);
      const payload = codec.deflate(plain, ownWindowBits, this.#history.dictionary);
      if (payload.length < plain.length) frame = wholeFrame(message.opcode, true, payload, 0, payload.length);
    }
    if (frame !== undefined) this.#remember(message, deflate);
    return frame;
  }

  #remember(message: OutgoingMessage, { ownWindowBits, ownTakeover }: WsDeflate): void {
    if (!ownTakeover) return;
    this.#history ??= new DeflateHistory(ownWindowBits);
    this.#history.add(message.bytes, message.start, message.end);
  }

  /** A client's frame: every one has a key of its own, so nothing is shared. */
  #maskedFrame(message: OutgoingMessage, key: number): Bytes {
    const deflate = this.#deflate;
    const plain = message.bytes.subarray(message.start, message.end);
    let payload = plain;
    if (deflate !== undefined && plain.length >= DEFLATE_SIZE_MIN) {
      const deflated = deflate.codec.deflate(plain, deflate.ownWindowBits, this.#history?.dictionary ?? NO_BYTES);
      if (deflated.length < plain.length) {
        payload = deflated;
        this.#remember(message, deflate);
      }
    }
    const head = frameHead(message.opcode, payload.length, true, payload !== plain, key);
    const frame = joined(head, payload, 0, payload.length);
    unmask(frame, head.length, frame.length, key);
    return frame;
  }
}
