/**
 * What issuers ask to see that a name is ours. Whatever server a request is for, and wherever that sends it, these are
 * answered first: an issuer comes to port 80 of a name whose server may do nothing but redirect.
 */
import type { Challenge } from "../acme/index.ts";
import { ResponseHead } from "../http/response-head.ts";
import { type Bytes, fromLatin1 } from "../std/bytes.ts";

/** RFC 8555 §8.3. */
const PREFIX = "/.well-known/acme-challenge/";

type HttpChallenge = Extract<Challenge, { readonly kind: "http-01" }>;
type TlsChallenge = Extract<Challenge, { readonly kind: "tls-alpn-01" }>;

export class Challenges {
  readonly #all = new Map<string, Challenge>();
  readonly #byToken = new Map<string, HttpChallenge>();
  readonly #byName = new Map<string, TlsChallenge>();

  /** Nearly always. */
  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  get ids(): readonly string[] {
    return [...this.#all.keys()];
  }

  add(challenge: Challenge): void {
    this.#all.set(challenge.id, challenge);
    if (challenge.kind === "http-01") this.#byToken.set(challenge.token, challenge);
    else this.#byName.set(challenge.name, challenge);
  }

  /** @returns the challenge, where nothing takes its place: another order may have one for the same name meanwhile */
  remove(id: string): Challenge | undefined {
    const challenge = this.#all.get(id);
    if (challenge === undefined) return undefined;
    this.#all.delete(id);
    if (challenge.kind === "http-01") this.#byToken.delete(challenge.token);
    else if (this.#byName.get(challenge.name) !== challenge) return undefined;
    else this.#byName.delete(challenge.name);
    return challenge;
  }

  /** @param target as received */
  answer(target: string): { readonly id: string; readonly head: ResponseHead; readonly body: Bytes } | undefined {
    if (!target.startsWith(PREFIX)) return undefined;
    const challenge = this.#byToken.get(target.slice(PREFIX.length));
    if (challenge === undefined) return undefined;
    const body = fromLatin1(challenge.keyAuthorization);
    const head = new ResponseHead(200, "OK", [
      ["Content-Type", "application/octet-stream"], ["Content-Length", String(body.length)],
    ]);
    return { id: challenge.id, head, body };
  }

  /** Which challenge a handshake for this name with "acme-tls/1" answers (RFC 8737 §3). @param name in lower case */
  idFor(name: string): string | undefined {
    return this.#byName.get(name)?.id;
  }
}
