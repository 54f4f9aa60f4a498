/** The kinds and bounds of docs/wire.md. */

export const WIRE_VERSION = 3;
/** Marshal bytes of one frame. */
export const FRAME_SIZE_MAX = 1_048_576;
/** Bytes of a streamed request body that may be on the way before the worker grants more. */
export const BODY_CREDIT = 65_536;
export const BODY_CHUNK_SIZE_MAX = 65_536;
/** Field sections that a worker remembers for each connection. */
export const SECTIONS_MAX = 256;
/** Bases that a worker is told on a connection besides those of its hello. */
export const BASES_MAX = 256;
/** Ids wrap from here to 1. */
export const ID_MAX = 0x7fffffff;

/** Bytes of a message's part; larger messages of a WebSocket travel in parts. */
export const PART_SIZE_MAX = 262_144;

export const TO_WORKER = {
  hello: 0, request: 1, body: 2, gone: 3, credit: 4, section: 5, messages: 6, part: 7, closed: 8, passed: 9, recall: 10,
  base: 11,
} as const;

/** Elements of a worker's frame, by its kind. */
export const FRAME_COUNTS: readonly number[] = [4, 5, 5, 3, 3, 7, 3, 3, 4, 2, 4, 2, 2, 5, 4];

export const FROM_WORKER = {
  hello: 0, response: 1, start: 2, chunk: 3, end: 4, file: 5, fail: 6, credit: 7, informational: 8, returned: 9,
  accept: 10, messages: 11, received: 12, part: 13, close: 14,
} as const;
