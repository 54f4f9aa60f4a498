/**
 * Frames as they are written (RFC 6455 §5.2). Text is latin-1, one character a byte, because the socket writes that
 * without making a buffer of it. Frames of a client carry a mask key, those of a server none.
 */
import type { Bytes } from "../../std/bytes.ts";
import { fromLatin1, fromUtf8 } from "../../std/bytes.ts";
import { assert } from "../../std/assert.ts";
import { isCloseCode } from "./close-code.ts";
import { unmask } from "./mask.ts";

/** RFC 6455 §5.2; the others are reserved. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export const FIN = 0x80, RSV1 = 0x40, RSV2 = 0x20, RSV3 = 0x10, MASK = 0x80;
/** RFC 6455 §5.5: all control frames MUST have a payload length of 125 bytes or less. */
export const CONTROL_SIZE_MAX = 125;
/** The 64-bit length's lower half ends here. */
const WORD = 0x1_0000_0000;

/**
 * The head of a frame, as latin-1 text.
 * @param size of the payload, bytes
 * @param rsv1 RFC 7692 §6: the message is compressed; on its first frame only
 * @param maskKey any 32 bits for a client's frame, undefined for a server's
 */
export function frameHead(
  opcode: number, size: number, fin: boolean, rsv1: boolean, maskKey: number | undefined,
): string {
  const first = opcode | (fin ? FIN : 0) | (rsv1 ? RSV1 : 0);
  const masked = maskKey === undefined ? 0 : MASK;
  let head: string;
  if (size < 126) {
    head = String.fromCharCode(first, masked | size);
  } else if (size < 65_536) {
    head = String.fromCharCode(first, masked | 126, size >>> 8, size & 255);
  } else {
    head = String.fromCharCode(first, masked | 127) + word(Math.floor(size / WORD)) + word(size);
  }
  return maskKey === undefined ? head : head + word(maskKey);
}

/** Four characters, most significant first. */
function word(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/**
 * A Close frame (RFC 6455 §5.5.1).
 * @param code one that may be sent (`isCloseCode`), or undefined for a frame without a body
 * @param reason at most 123 bytes as UTF-8; only with a code
 */
export function closeFrame(code: number | undefined, reason: string = "", maskKey?: number): string {
  if (code === undefined) return control(OPCODE.close, "", maskKey);
  assert(isCloseCode(code), `a Close frame may carry ${code}`);
  const text = fromUtf8(reason).latin1Slice();
  return control(OPCODE.close, String.fromCharCode(code >>> 8, code & 255) + text, maskKey);
}

/** A Ping frame. @param payload latin-1, at most 125 characters */
export function pingFrame(payload: string = "", maskKey?: number): string {
  return control(OPCODE.ping, payload, maskKey);
}

/** A Pong frame with the payload of the Ping that it answers (RFC 6455 §5.5.3). */
export function pongFrame(bytes: Bytes, maskKey?: number): string {
  return control(OPCODE.pong, bytes.latin1Slice(), maskKey);
}

function control(opcode: number, payload: string, maskKey: number | undefined): string {
  assert(payload.length <= CONTROL_SIZE_MAX, `${payload.length} bytes in a control frame`);
  const head = frameHead(opcode, payload.length, true, false, maskKey);
  if (maskKey === undefined) return head + payload;
  const bytes = fromLatin1(payload);
  unmask(bytes, 0, bytes.length, maskKey);
  return head + bytes.latin1Slice();
}
