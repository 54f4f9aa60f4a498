/**
 * Does a file begin with something like an OCSPResponse: a sequence that is all there, and begins with an enumerated
 * status? For whoever must not wait for the library; what it says is looked at later.
 */
export function looksLikeResponse(der: Uint8Array): boolean {
  const [tag, short = 0] = der;
  if (tag !== 0x30 || short === 0x80) return false;
  const sizeOfLength = short < 0x80 ? 0 : short & 0x7f;
  const content = 2 + sizeOfLength;
  const length = sizeOfLength === 0 ? short : der.subarray(2, content).reduce((sum, byte) => sum * 256 + byte, 0);
  return length >= 3 && content + length <= der.length && der[content] === 0x0a && der[content + 1] === 1;
}
