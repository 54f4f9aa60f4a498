/** Alerts of TLS (RFC 8446 §6) that can be sent before there are keys. */
import { type Bytes, asBytes } from "../../std/bytes.ts";

/** Descriptions by their names there. */
export const ALERT = {
  unexpected_message: 10,
  record_overflow: 22,
  decode_error: 50,
  internal_error: 80,
  unrecognized_name: 112,
} as const;

export type AlertName = keyof typeof ALERT;

const CONTENT_TYPE = 21;
const FATAL = 2;

/** A record that ends the handshake. */
export function alertRecord(name: AlertName): Bytes {
  // RFC 8446 §5.1: legacy_record_version is 3.3, whatever would have been negotiated.
  return asBytes(Uint8Array.of(CONTENT_TYPE, 3, 3, 0, 2, FATAL, ALERT[name]));
}
