/**
 * Where the text of a configuration, which is UTF-8 read as Unicode, becomes bytes, one character each: what this room
 * compares with requests, and puts into responses. Data keep the text as it was written; what is compiled has bytes.
 */
import { fromUtf8 } from "../std/bytes.ts";

/** The UTF-8 bytes of a text, one character each. */
export function byteText(text: string): string {
  return /^[\x00-\x7f]*$/.test(text) ? text : fromUtf8(text).latin1Slice();
}
