/**
 * The packet that opens a uwsgi request: modifier1, size (2 bytes), modifier2, then the variables, each as the sizes
 * (2 bytes) and texts of its name and value. All numbers are little-endian. The request's body follows as it is.
 */
import type { Bytes } from "../../std/bytes.ts";
import { allocate } from "../../std/bytes.ts";

const HEADER_SIZE = 4;
/** What two bytes can say. */
const VARIABLES_SIZE_MAX = 65_535;

/**
 * @param params names and values, one character a byte
 * @param modifier1 which plugin is asked, 0 to 255 (0: WSGI)
 * @param modifier2 0 to 255
 * @returns undefined when the variables are larger than a packet
 */
export function encodeUwsgi(
  params: readonly (readonly [name: string, value: string])[], modifier1: number, modifier2: number,
): Bytes | undefined {
  let size = 0;
  for (const [name, value] of params) size += 4 + name.length + value.length;
  if (size > VARIABLES_SIZE_MAX) return undefined;
  const bytes = allocate(HEADER_SIZE + size);
  bytes[0] = modifier1;
  bytes.writeUInt16LE(size, 1);
  bytes[3] = modifier2;
  let at = HEADER_SIZE;
  for (const pair of params) {
    for (const text of pair) {
      bytes.writeUInt16LE(text.length, at);
      bytes.latin1Write(text, at + 2);
      at += 2 + text.length;
    }
  }
  return bytes;
}
