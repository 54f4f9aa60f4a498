/**
 * What is stapled: the DER of an OCSPResponse (RFC 6960 §4.2.1), and until when. Plain data, so that one thread asks
 * responders and all threads staple: `Stapler` in the one, `Staples` in each of the others.
 */
import { asBytes, type Bytes } from "../../std/bytes.ts";

export interface Staple {
  readonly response: Uint8Array;
  /** Milliseconds since 1970: from then on clients would refuse it. */
  readonly nextUpdateMs: number;
}

/** A certificate has got another staple, or none. Can be posted to a thread. */
export interface StapleUpdate {
  /** `StapleHandle.key` of the certificate. */
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
