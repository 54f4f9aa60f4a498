/** The web server's half of FastCGI: a request of the responder's role (FastCGI 1.0 §5, §6.2). */
import { allocate, fromLatin1 } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { HEADER_SIZE, RECORD_SIZE_MAX, REQUEST_ID, TYPE, VERSION } from "./records.ts";

const BEGIN_SIZE = 8;
/** FCGI_RESPONDER. */
const ROLE_RESPONDER = 1;
/** FCGI_KEEP_CONN: the application does not close the connection after the response. */
const KEEP_CONN = 1;
/** Sizes up to here are one byte, larger ones four with the highest bit set (§3.4). */
const SHORT_SIZE_MAX = 127;

/**
 * BEGIN_REQUEST and PARAMS with the end of its stream; STDIN follows.
 * @param params names and values, one character a byte
 * @param keepConn may the connection carry further requests?
 */
export function encodeBeginAndParams(
  params: readonly (readonly [name: string, value: string])[], keepConn: boolean,
): Bytes {
  let size = 0;
  for (const [name, value] of params) {
    size += sizeOfSize(name.length) + sizeOfSize(value.length) + name.length + value.length;
  }
  const recordCount = Math.ceil(size / RECORD_SIZE_MAX) + 1;
  const bytes = allocate(HEADER_SIZE + BEGIN_SIZE + recordCount * HEADER_SIZE + size);
  const begin = String.fromCharCode(0, ROLE_RESPONDER, keepConn ? KEEP_CONN : 0, 0, 0, 0, 0, 0);
  let at = bytes.latin1Write(recordHeader(TYPE.beginRequest, BEGIN_SIZE) + begin, 0);
  const pairs = encodePairs(params, size);
  for (let start = 0; start < size; start += RECORD_SIZE_MAX) {
    const end = Math.min(size, start + RECORD_SIZE_MAX);
    at += bytes.latin1Write(recordHeader(TYPE.params, end - start), at);
    bytes.set(pairs.subarray(start, end), at);
    at += end - start;
  }
  bytes.latin1Write(recordHeader(TYPE.params, 0), at);
  return bytes;
}

/** What stands before `size` bytes of the request's body. @param size 1 to RECORD_SIZE_MAX @returns latin-1 text */
export function encodeStdinHeader(size: number): string {
  return recordHeader(TYPE.stdin, size);
}

/** The record that ends the request's body; also of a request that has none. */
export const END_OF_STDIN: Bytes = fromLatin1(recordHeader(TYPE.stdin, 0));

function encodePairs(params: readonly (readonly [name: string, value: string])[], size: number): Bytes {
  const bytes = allocate(size);
  let at = 0;
  for (const [name, value] of params) {
    at = writeSize(bytes, writeSize(bytes, at, name.length), value.length);
    at += bytes.latin1Write(name, at);
    at += bytes.latin1Write(value, at);
  }
  return bytes;
}

function sizeOfSize(size: number): number {
  return size <= SHORT_SIZE_MAX ? 1 : 4;
}

function writeSize(bytes: Bytes, at: number, size: number): number {
  if (size <= SHORT_SIZE_MAX) return bytes.writeUInt8(size, at);
  return bytes.writeUInt32BE((size | 0x80000000) >>> 0, at);
}

function recordHeader(type: number, size: number): string {
  return String.fromCharCode(VERSION, type, REQUEST_ID >> 8, REQUEST_ID & 255, size >> 8, size & 255, 0, 0);
}
