/** CRC-32 (ISO 3309, as zlib's): what memcached's clients, and so nginx's `hash`, make of keys. */

const TABLE: Uint32Array = tableOf();

function tableOf(): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 0 ? value >>> 1 : (value >>> 1) ^ 0xedb88320;
    table[byte] = value;
  }
  return table;
}

/**
 * @param text latin-1
 * @param before the CRC of what stands before it
 * @returns 32 bits without a sign
 */
export function crc32(text: string, before: number = 0): number {
  let crc = ~before;
  for (let index = 0; index < text.length; index++) {
    crc = (TABLE[(crc ^ text.charCodeAt(index)) & 0xff] ?? 0) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}
