/**
 * The keys that session tickets are sealed with (RFC 5077 §4). The master makes them, all edge threads have them, and
 * a reload keeps them; the first seals, and the others open what was sealed before.
 *
 * They are secrets as private keys are: in no configuration, in no log, in no file.
 */
import type { Bytes } from "../std/bytes.ts";
import { asBytes, copyBytes } from "../std/bytes.ts";
import { cryptoModule } from "./pem.ts";

/** 16 bytes of name, 16 of HMAC-SHA256, 16 of AES-128-CBC, as node:tls has them. */
export const TICKET_KEY_SIZE = 48;
/** nginx's other size, for AES-256. */
export const TICKET_KEY_LONG_SIZE = 80;
/** RFC 5077 §5.5 has none; Mozilla and Caddy: every 12 hours. */
export const ROTATION_MS: number = 12 * 3600 * 1000;
/** Those before the newest: a ticket can be resumed for a day at least, as far as ssl_session_timeout lets. */
const OLD_KEYS_KEPT = 2;

const NAME_SIZE = 16;

/** The newest first. */
export type TicketKeys = readonly Uint8Array[];

export function randomTicketKey(): Uint8Array {
  return cryptoModule().randomBytes(TICKET_KEY_SIZE);
}

/** Another key seals from now on. */
export function rotated(keys: TicketKeys): TicketKeys {
  return [randomTicketKey(), ...keys.slice(0, OLD_KEYS_KEPT)];
}

/**
 * The key in an operator's file.
 * @param text latin-1, of 48 or 80 bytes
 * @returns undefined for another size
 */
export function ticketKeyOf(text: string): Uint8Array | undefined {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  if (bytes.length === TICKET_KEY_SIZE) return bytes;
  if (bytes.length !== TICKET_KEY_LONG_SIZE) return undefined;
  // What OpenSSL is given here has no room for the longer keys, and nobody else has to open these tickets.
  const whole = cryptoModule().createHash("sha256").update(bytes).digest();
  return Uint8Array.from([...bytes.subarray(0, NAME_SIZE), ...whole]);
}

/** What node asks for each ticket; undocumented, but what its `ticketKeys` are made of: see docs/adr/0018-tls.md. */
export type TicketKeyCallback = (name: Uint8Array, iv: Uint8Array, isSealing: boolean) => readonly (number | Bytes)[];

/** The ticket is nobody's; is one of ours; is one of ours, and the client shall get another one. */
const UNKNOWN = 0, GOOD = 1, OLD = 2;
/** node measures both keys before it looks at UNKNOWN, and aborts the process where there are none. */
const NO_KEYS: readonly [Bytes, Bytes] = [asBytes(new Uint8Array(16)), asBytes(new Uint8Array(16))];

/** @param keys asked for at each ticket */
export function ticketKeyCallback(keys: () => TicketKeys): TicketKeyCallback {
  return (name, _iv, isSealing) => {
    const all = keys();
    if (isSealing) {
      const [newest] = all;
      if (newest === undefined) return [-1];
      const iv = asBytes(cryptoModule().randomBytes(16));
      return [GOOD, ...parts(newest), copyBytes(newest, 0, NAME_SIZE), iv];
    }
    const index = all.findIndex((key) => name.every((byte, at) => byte === key[at]));
    const key = all[index];
    return key === undefined ? [UNKNOWN, ...NO_KEYS] : [index === 0 ? GOOD : OLD, ...parts(key)];
  };
}

function parts(key: Uint8Array): readonly [Bytes, Bytes] {
  return [copyBytes(key, 16, 32), copyBytes(key, 32, 48)];
}
