/**
 * Raw DEFLATE for WebSockets (RFC 7692 §7.2, RFC 1951) by Node's zlib, one message at a time: nothing is kept between
 * two messages, so that ten thousand idle WebSockets hold no compressor.
 */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { DeflateCodec } from "../protocol/ws/index.ts";
import { asBytes, concatBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { systemCode } from "../std/system-reason.ts";

/** RFC 7692 §7.2.1: what every sync flush ends with, and nobody sends. */
const FLUSH_TAIL_SIZE = 4;
/**
 * What a decompressor needs behind a message: the tail of its flush, then an empty final block (RFC 1951 §3.2.6). If
 * the stream does not end exactly there, the message was cut.
 */
const MESSAGE_TAIL: Uint8Array = Uint8Array.of(0x00, 0x00, 0xff, 0xff, 0x03, 0x00);
/** Final blocks that one message may have within (RFC 7692 §7.2.3.4 has one); each costs a new decompressor. */
const FINAL_BLOCKS_MAX = 16;
/** zlib's output grows by so much; node refuses less than 64. */
const CHUNK_SIZE_MIN = 64, CHUNK_SIZE_MAX = 65_536;
/** Text mostly shrinks to a third or a fourth. */
const USUAL_RATIO = 4;
/** Level 1 takes half the time of zlib's own default, 6, for an eighth more bytes; memory levels hardly matter. */
const LEVEL = 1, MEM_LEVEL = 6;

export const deflateCodec: DeflateCodec = { deflate, inflate };

function deflate(bytes: Uint8Array, windowBits: number, dictionary: Bytes): Bytes {
  const deflated = deflateRawSync(bytes, {
    windowBits, level: LEVEL, memLevel: MEM_LEVEL, finishFlush: constants.Z_SYNC_FLUSH,
    chunkSize: chunkSize(bytes.length),
    ...(dictionary.length > 0 ? { dictionary } : undefined),
  });
  return asBytes(deflated.subarray(0, deflated.length - FLUSH_TAIL_SIZE));
}

function inflate(
  bytes: Uint8Array, windowBits: number, dictionary: Bytes, sizeMax: number,
): Bytes | "too-large" | "invalid" {
  let rest: Uint8Array = concatBytes([bytes, MESSAGE_TAIL]);
  let window: Uint8Array = dictionary;
  const parts: Uint8Array[] = [];
  let size = 0;
  while (parts.length < FINAL_BLOCKS_MAX) {
    const part = inflateOnce(rest, windowBits, window, sizeMax - size);
    if (typeof part === "string") return part;
    const { buffer, engine: { bytesWritten } } = part;
    parts.push(buffer);
    size += buffer.length;
    if (size > sizeMax) return "too-large";
    if (bytesWritten === rest.length) return parts.length === 1 ? asBytes(buffer) : concatBytes(parts);
    rest = rest.subarray(bytesWritten);
    window = concatBytes([window, buffer]).subarray(-(1 << windowBits));
  }
  return "invalid";
}

interface Inflated {
  readonly buffer: Uint8Array;
  /** `bytesWritten`: how much of the input was used. */
  readonly engine: { readonly bytesWritten: number };
}

function inflateOnce(
  bytes: Uint8Array, windowBits: number, dictionary: Uint8Array, sizeMax: number,
): Inflated | "too-large" | "invalid" {
  try {
    return inflateRawSync(bytes, {
      windowBits, maxOutputLength: Math.max(1, sizeMax), info: true, chunkSize: chunkSize(bytes.length * USUAL_RATIO),
      ...(dictionary.length > 0 ? { dictionary } : undefined),
    }) as unknown as Inflated;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ERR_BUFFER_TOO_LARGE") return "too-large";
    // Everything else that zlib says of its input begins with Z_: Z_DATA_ERROR, Z_BUF_ERROR.
    if (code.startsWith("Z_")) return "invalid";
    throw error;
  }
}

function chunkSize(size: number): number {
  return Math.min(CHUNK_SIZE_MAX, Math.max(CHUNK_SIZE_MIN, size));
}
