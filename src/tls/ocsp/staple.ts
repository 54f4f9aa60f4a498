/**
 * What is stapled, and to what: the DER of an OCSPResponse (RFC 6960 §4.2.1), and until when. Plain data, so that one
 * thread asks responders and all threads staple: `Stapler` in the one, `Staples` in each of them.
 */
import { asBytes, type Bytes } from "../../std/bytes.ts";
import { cryptoModule } from "../pem.ts";

/** A certificate, and how its staple is got. */
export interface StapledCertificate {
  /** As notices name it: its file. */
  readonly name: string;
  /** PEM, the certificate itself first. */
  readonly chain: readonly string[];
  /** PEM: where its issuer is looked for as well (nginx: ssl_trusted_certificate). */
  readonly trusted: readonly string[];
  /** The URL instead of the certificate's own (nginx: ssl_stapling_responder). */
  readonly responder: string | undefined;
  /** Whether it matters who has signed a response (nginx: ssl_stapling_verify). */
  readonly verify: boolean;
  /** DER of the response to staple; nobody is asked then (nginx: ssl_stapling_file). */
  readonly file: Uint8Array | undefined;
}

/** Two certificates that are asked about in the same way have the same key. */
export function stapleKey({ chain, trusted, responder = "", verify, file }: StapledCertificate): string {
  const hash = cryptoModule().createHash("sha256");
  hash.update(`${chain.length} ${trusted.length} ${responder} ${verify}\n`);
  for (const part of [...chain, ...trusted]) hash.update(`${part}\n`);
  return hash.update(file ?? "").digest("base64url");
}

export interface Staple {
  readonly response: Uint8Array;
  /** Milliseconds since 1970: from then on clients would refuse it. */
  readonly nextUpdateMs: number;
}

/** A certificate has got another staple, or none. Can be posted to a thread. */
export interface StapleUpdate {
  /** `stapleKey` of the certificate. */
  readonly key: string;
  readonly staple: Staple | undefined;
}

/** @returns the bytes to send in a handshake now, undefined when there are none or their time is over */
export function usableBytes(staple: Staple | undefined, nowMs: number): Bytes | undefined {
  return staple === undefined || staple.nextUpdateMs <= nowMs ? undefined : asBytes(staple.response);
}

/** What a thread knows of the staples that another thread looks after. As many as there are certificates. */
export class Staples {
  readonly #staples = new Map<string, Staple>();

  /** Takes what the stapler's `changed` was called with. */
  apply({ key, staple }: StapleUpdate): void {
    if (staple === undefined) this.#staples.delete(key);
    else this.#staples.set(key, staple);
  }

  /** @param key of the certificate that the handshake shows @param nowMs milliseconds since 1970 */
  of(key: string, nowMs: number): Bytes | undefined {
    return usableBytes(this.#staples.get(key), nowMs);
  }
}
