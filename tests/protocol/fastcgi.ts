// FastCGI records, made and read by the book (FastCGI 1.0 §3.3).
import type { Buffer } from "node:buffer";

export interface FastCgiRecord {
  readonly type: number;
  readonly id: number;
  readonly content: Buffer;
}

/** A record as text, one character a byte. @param changes what is wrong with it */
export function record(
  type: number, content: string,
  changes: { readonly version?: number; readonly id?: number; readonly padding?: number } = {},
): string {
  const { version = 1, id = 1, padding = 0 } = changes;
  const header = [version, type, id >> 8, id & 255, content.length >> 8, content.length & 255, padding, 0];
  return String.fromCharCode(...header) + content + "\xaa".repeat(padding);
}

export const stdout = (content: string, padding = 0): string => record(6, content, { padding });
export const stderr = (content: string, padding = 0): string => record(7, content, { padding });

/** END_REQUEST. */
export function endRequest(protocolStatus = 0, padding = 0): string {
  return record(3, `\0\0\0\x07${String.fromCharCode(protocolStatus)}\0\0\0`, { padding });
}

/** All records of the bytes, which must end with one. */
export function readRecords(bytes: Buffer): readonly FastCgiRecord[] {
  const records: FastCgiRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.readUInt16BE(at + 4);
    const content = bytes.subarray(at + 8, at + 8 + size);
    records.push({ type: bytes.readUInt8(at + 1), id: bytes.readUInt16BE(at + 2), content });
    at += 8 + size + bytes.readUInt8(at + 6);
    if (at > bytes.length) throw new Error("a record is cut");
  }
  return records;
}
