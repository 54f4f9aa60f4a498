/** What an issuer refuses, as it says it (RFC 8555 §6.7, RFC 9457), and what is to be done about it. */
import { isRecord } from "./json.ts";

const TYPE_PREFIX = "urn:ietf:params:acme:error:";
/** Of a text that strangers wrote, so much is shown. */
const DETAIL_SIZE_MAX = 500;

export interface ProblemFacts {
  /** Without its prefix: "rateLimited"; "" where none was said. */
  readonly type: string;
  readonly detail: string;
  /** Of HTTP; 0 where the problem came within another answer, or no answer came at all. */
  readonly status: number;
  /** What Retry-After said, milliseconds; 0: nothing. */
  readonly retryAfterMs: number;
  /** Problems of single names. */
  readonly subproblems: readonly { readonly name: string; readonly detail: string }[];
}

/** An issuer said no, or could not be asked. */
export class AcmeProblem extends Error {
  readonly facts: ProblemFacts;

  constructor(facts: ProblemFacts) {
    const parts = facts.subproblems.map(({ name, detail }) => `${name}: ${detail}`);
    super(oneLine([facts.detail, ...parts].join("; ")));
    this.facts = facts;
  }

  /** The issuer knows nothing (any more) of the account that asked. */
  get isUnknownAccount(): boolean {
    return this.facts.type === "accountDoesNotExist";
  }

  /** It is about the account or the issuer, and would be the same for any name. */
  get isOfIssuer(): boolean {
    return this.facts.status === 0 || this.facts.status >= 500 || ofIssuer.includes(this.facts.type);
  }
}

/** Types that say nothing of a name. */
const ofIssuer: readonly string[] = [
  "accountDoesNotExist", "externalAccountRequired", "userActionRequired", "invalidContact", "unsupportedContact",
  "badSignatureAlgorithm", "invalidProfile", "serverInternal",
];

/** A problem that we found ourselves. @param detail a sentence without its dot */
export function problem(detail: string): AcmeProblem {
  return new AcmeProblem({ type: "", detail, status: 0, retryAfterMs: 0, subproblems: [] });
}

/** What an issuer's JSON says. @param document whatever it sent */
export function problemOf(document: unknown, status: number, retryAfterMs: number): AcmeProblem {
  const fields = isRecord(document) ? document : {};
  const type = textOf(fields["type"]);
  const subproblems = Array.isArray(fields["subproblems"]) ? fields["subproblems"] : [];
  return new AcmeProblem({
    type: type.startsWith(TYPE_PREFIX) ? type.slice(TYPE_PREFIX.length) : "",
    detail: textOf(fields["detail"]) || `it answered with status ${status}`,
    status,
    retryAfterMs,
    subproblems: subproblems.filter(isRecord).map((one) => ({
      name: isRecord(one["identifier"]) ? textOf(one["identifier"]["value"]) : "",
      detail: textOf(one["detail"]),
    })),
  });
}

/** Anything that was thrown on the way to an issuer. */
export function asProblem(thrown: unknown): AcmeProblem {
  if (thrown instanceof AcmeProblem) return thrown;
  return problem(thrown instanceof Error ? thrown.message : String(thrown));
}

const ANOTHER_NAME =
  "the issuer signs for no such name: take it out of server_name, or name another issuer with acme";
const ANOTHER_ANSWER = "look whether the name's A and AAAA records point here, and whether something in front answers "
  + "/.well-known/acme-challenge/ itself";

/** The next action, by type (RFC 8555 §6.7). */
const actions: Readonly<Record<string, string>> = {
  dns: "let the name's A and AAAA records in the DNS point here",
  connection: "let port 80 (http-01) or 443 (tls-alpn-01) of this machine be reached from outside, "
    + "and look whether the name's A and AAAA records point here",
  incorrectResponse: ANOTHER_ANSWER,
  unauthorized: ANOTHER_ANSWER,
  tls: "look whether something in front ends TLS before it reaches this machine; acme_challenge http-01 does "
    + "without it",
  caa: "the name's CAA record in the DNS must allow this issuer, or another one must be named with acme",
  rateLimited: "nothing: it is tried again by itself; acme staging is for trying things out",
  rejectedIdentifier: ANOTHER_NAME,
  unsupportedIdentifier: ANOTHER_NAME,
  externalAccountRequired: "write acme_issuer with external_account_key, which the issuer's web site gives out",
  userActionRequired: "agree to the issuer's terms: accept_terms_of_service",
  invalidContact: "correct the address in acme_email or contact",
  unsupportedContact: "correct the address in acme_email or contact",
  invalidProfile: "correct the word after acme_profile or profile",
  badSignatureAlgorithm: "choose another account_key",
  badPublicKey: "choose another account_key or acme_key_type",
  badCSR: "choose another acme_key_type",
};

/** What somebody can do about it; undefined where nobody here can. */
export function nextAction({ facts }: AcmeProblem): string | undefined {
  return actions[facts.type];
}

function oneLine(text: string): string {
  // Strangers' text goes to a log: no control characters.
  const line = text.replace(/[\x00-\x1f\x7f]+/g, " ").trim();
  return line.length > DETAIL_SIZE_MAX ? `${line.slice(0, DETAIL_SIZE_MAX)}…` : line;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
