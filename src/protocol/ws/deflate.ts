/** What two ends agree on for permessage-deflate (RFC 7692 §7), and who does the arithmetic. */
import type { Bytes } from "../../std/bytes.ts";

/**
 * Raw DEFLATE without a memory of its own: context takeover is done by passing the last window of plaintext as
 * `dictionary`. So an idle WebSocket holds no compressor, only what was said last.
 */
export interface DeflateCodec {
  /**
   * Compresses one message (RFC 7692 §7.2.1).
   * @param windowBits 9 to 15
   * @param dictionary what went before, at most a window, possibly empty
   * @returns the payload as it is sent: without the last four bytes, 00 00 ff ff
   */
  deflate(bytes: Uint8Array, windowBits: number, dictionary: Bytes): Bytes;
  /**
   * Decompresses the payload of one message (RFC 7692 §7.2.2).
   * @param sizeMax of the plaintext, bytes
   * @returns the plaintext, in memory that is not used again; "too-large" beyond the bound; "invalid" when it is no
   * DEFLATE, or not whole
   */
  inflate(bytes: Uint8Array, windowBits: number, dictionary: Bytes, sizeMax: number): Bytes | "too-large" | "invalid";
}

/** permessage-deflate as agreed on (RFC 7692 §7.1); "own" is what we send, "peer" what we receive. */
export interface WsDeflate {
  /** 8 to 15. With 8 nothing is compressed: zlib cannot. */
  readonly ownWindowBits: number;
  readonly ownTakeover: boolean;
  /** 9 to 15: a decoder may have more than the peer uses. */
  readonly peerWindowBits: number;
  readonly peerTakeover: boolean;
  readonly codec: DeflateCodec;
}
