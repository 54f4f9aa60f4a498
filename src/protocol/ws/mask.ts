/** Masking (RFC 6455 §5.3), which is its own inverse. */

/** Payloads from here on are worth a view of words. */
const WORDS_SIZE_MIN = 256;

/**
 * XORs `bytes[start, end)` with the key, in place.
 * @param key 32 bits, the first byte on top
 * @returns all resulting bytes in one OR: below 128 when the payload is ASCII
 */
export function unmask(bytes: Uint8Array, start: number, end: number, key: number): number {
  if (end - start >= WORDS_SIZE_MIN) return unmaskWords(bytes, start, end, key);
  const k0 = key >>> 24, k1 = (key >>> 16) & 255, k2 = (key >>> 8) & 255, k3 = key & 255;
  let ored = 0;
  let at = start;
  for (const last = end - 3; at < last; at += 4) {
    const b0 = (bytes[at] ?? 0) ^ k0, b1 = (bytes[at + 1] ?? 0) ^ k1;
    const b2 = (bytes[at + 2] ?? 0) ^ k2, b3 = (bytes[at + 3] ?? 0) ^ k3;
    bytes[at] = b0;
    bytes[at + 1] = b1;
    bytes[at + 2] = b2;
    bytes[at + 3] = b3;
    ored |= b0 | b1 | b2 | b3;
  }
  if (at < end) ored |= bytes[at] = (bytes[at] ?? 0) ^ k0;
  if (at + 1 < end) ored |= bytes[at + 1] = (bytes[at + 1] ?? 0) ^ k1;
  if (at + 2 < end) ored |= bytes[at + 2] = (bytes[at + 2] ?? 0) ^ k2;
  return ored;
}

/** The key for what follows `count` bytes that were unmasked with `key`. */
export function turnKey(key: number, count: number): number {
  const bits = (count & 3) << 3;
  return bits === 0 ? key : (key << bits) | (key >>> (32 - bits));
}

/** The same, four bytes at a time where memory is aligned. */
function unmaskWords(bytes: Uint8Array, start: number, end: number, key: number): number {
  const toAligned = -(bytes.byteOffset + start) & 3;
  const first = start + toAligned;
  let ored = unmask(bytes, start, first, key);
  const turned = turnKey(key, toAligned);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + first, (end - first) >> 2);
  // The key in the machine's order of bytes.
  const order = Uint8Array.of(turned >>> 24, turned >>> 16, turned >>> 8, turned);
  const word = new Int32Array(order.buffer)[0] ?? 0;
  let oredWords = 0;
  for (let i = 0; i < words.length; i++) {
    const value = (words[i] ?? 0) ^ word;
    words[i] = value;
    oredWords |= value;
  }
  ored |= (oredWords | (oredWords >>> 8) | (oredWords >>> 16) | (oredWords >>> 24)) & 255;
  return ored | unmask(bytes, first + words.length * 4, end, turned);
}
