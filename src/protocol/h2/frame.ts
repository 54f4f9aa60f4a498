/** The words of HTTP/2's framing layer (RFC 9113 §4, §6, §7; RFC 8441; RFC 9218). */

/** Types of frames. */
export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7,
  WINDOW_UPDATE = 8, CONTINUATION = 9, PRIORITY_UPDATE = 16;

/** Flags. */
export const END_STREAM = 0x1, ACK = 0x1, END_HEADERS = 0x4, PADDED = 0x8, HAS_PRIORITY = 0x20;

/** Settings. */
export const ENABLE_PUSH = 2, MAX_CONCURRENT_STREAMS = 3, INITIAL_WINDOW_SIZE = 4,
  MAX_FRAME_SIZE = 5, MAX_HEADER_LIST_SIZE = 6, ENABLE_CONNECT_PROTOCOL = 8, NO_RFC7540_PRIORITIES = 9;

/** RFC 9113 §7: error codes. */
export const ErrorCode = {
  NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, SETTINGS_TIMEOUT: 4, STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6, REFUSED_STREAM: 7, CANCEL: 8, COMPRESSION_ERROR: 9, CONNECT_ERROR: 10, ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12, HTTP_1_1_REQUIRED: 13,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** RFC 9113 §3.4: what a client sends first. */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** RFC 9113 §4.1: length, type, flags, stream. */
export const FRAME_HEADER_SIZE = 9;
/** RFC 9113 §4.2: what everybody must take, and all that we take. */
export const FRAME_SIZE_MAX = 16_384;
/** RFC 9113 §6.9.1, §6.9.2 */
export const WINDOW_MAX = 2_147_483_647, INITIAL_WINDOW = 65_535;
/** RFC 9113 §5.1.1 */
export const STREAM_ID_MAX = 2_147_483_647;

/** 31 bits, after the reserved one. */
export function readUint31(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) & 0x7f) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0);
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((((bytes[at] ?? 0) & 0x80) << 24) >>> 0) + readUint31(bytes, at);
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
