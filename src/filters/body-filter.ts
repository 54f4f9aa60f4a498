/** What is done to a body on its way out. */
import type { Bytes } from "../std/bytes.ts";

export interface BodyFilter {
  /** Takes a part of the body, valid during the call. @returns what may leave now, NO_BYTES for nothing */
  push(bytes: Bytes): Bytes;
  /** The body is whole. @returns what was held back */
  end(): Bytes;
}
