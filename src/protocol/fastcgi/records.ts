/** Records (FastCGI 1.0 §3.3, §8): version, type, request id, size of the content, size of the padding, reserved. */

export const VERSION = 1;
export const HEADER_SIZE = 8;
/** Bytes of one record's content. */
export const RECORD_SIZE_MAX = 65_535;
/** One request at a time on a connection, so all have the same id; 0 is for records that belong to none. */
export const REQUEST_ID = 1;

export const TYPE = { beginRequest: 1, endRequest: 3, params: 4, stdin: 5, stdout: 6, stderr: 7 } as const;
