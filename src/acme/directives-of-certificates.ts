/** Which servers have certificates by themselves, from whom and how: our directives, and nginx's acme_certificate. */
import { string } from "../config/nginx/argument-types.ts";
import {
  type AnyDirectiveRow, ARGUMENT_COUNT_MAX, type ArgumentRefusal, type Arguments, type DefaultedDirectiveRow,
  type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import { type Result, err, ok } from "../std/result.ts";
import { challenge, contact, keyType, profileArguments } from "./directive-arguments.ts";
import { ON_ISSUER, STAGING_ISSUER, knownIssuers } from "./issuers.ts";
import type { ChallengeKind, KeyType, OnDemandSettings, ProfileSettings } from "./settings.ts";

const shared = { module: "tricorn", merge: "nearest", contexts: ["http", "server"] } as const;
const ofHttp = { module: "tricorn", merge: "none", contexts: ["http"] } as const;

/** Issuers by name, the first is asked first; none: off. */
const issuersArguments: Arguments<readonly string[]> = {
  label: "on | off | staging | issuer ...",
  countMin: 1,
  countMax: ARGUMENT_COUNT_MAX,
  parse: (words): Result<readonly string[], ArgumentRefusal> => {
    if (words.length === 1 && words[0] === "off") return ok([]);
    const names: string[] = [];
    for (const [index, word] of words.entries()) {
      const name = word === "on" ? ON_ISSUER : word === "staging" ? STAGING_ISSUER : word;
      const known = ["on", "off", "staging", ...Object.keys(knownIssuers)];
      if (word === "off" || names.includes(name)) {
        const expected = "the next issuer, which is asked if those before it fail";
        return err({ nginx: `invalid parameter "${word}"`, expected, index, words: known });
      }
      names.push(name);
    }
    return ok(names);
  },
};

export const acmeRow: DefaultedDirectiveRow<readonly string[]> = {
  ...shared,
  name: "acme",
  arguments: issuersArguments,
  default: "off",
  doc: "Gets and renews a certificate for each server_name by itself: on is Let's Encrypt, staging its issuer for "
    + `trying things out; others by name (${Object.keys(knownIssuers).join(", ")}, or those of acme_issuer), of `
    + "several the next if one fails. You agree to the terms of service of issuers that have no acme_issuer.",
  example: "acme on;",
};

export const emailRow: DirectiveRow<string> = {
  ...ofHttp,
  name: "acme_email",
  arguments: one(contact()),
  doc: "Whom issuers write to about the account.",
  example: "acme_email owner@example.org;",
};

export const challengeOrderRow: DefaultedDirectiveRow<readonly ChallengeKind[]> = {
  ...shared,
  name: "acme_challenge",
  arguments: many(challenge()),
  default: "http-01 tls-alpn-01",
  doc: "How issuers are shown that a name is ours: http-01 by port 80, tls-alpn-01 by port 443; after a failure the "
    + "next.",
  example: "acme_challenge tls-alpn-01;",
};

export const keyTypeRow: DefaultedDirectiveRow<readonly KeyType[]> = {
  ...shared,
  name: "acme_key_type",
  arguments: many(keyType()),
  default: "ecdsa",
  doc: "Keys of the certificates: ecdsa (P-256), ecdsa:384, rsa (2048), rsa:3072 or rsa:4096. With two there are two "
    + "certificates, and each client gets the one that it understands.",
  example: "acme_key_type ecdsa rsa;",
};

export const acmeProfileRow: DirectiveRow<ProfileSettings> = {
  ...shared,
  name: "acme_profile",
  arguments: profileArguments,
  doc: "The kind of certificate, in the issuer's own words: Let's Encrypt's shortlived is of six days. With require "
    + "there is none from an issuer without it.",
  example: "acme_profile shortlived;",
};

export const statePathRow: DefaultedDirectiveRow<string> = {
  ...ofHttp,
  name: "acme_state_path",
  arguments: one(string("path")),
  default: "acme",
  doc: "The directory for accounts and certificates with their keys, which must outlive a restart. Nobody else can "
    + "read it.",
  example: "acme_state_path /var/lib/tricorn/acme;",
};

/** What `acme_on_demand` says. */
export type WrittenOnDemand = Pick<OnDemandSettings, "ask" | "asksPerMinute" | "ordersPerMinute" | "namesMax">;

const PER_MINUTE_MAX = 10_000, NAMES_MAX = 100_000;
const demandParameters: readonly string[] = ["ask=", "asks=", "orders=", "names="];

const onDemandArguments: Arguments<WrittenOnDemand | undefined> = {
  label: "off | ask=url [asks=number] [orders=number] [names=number]",
  countMin: 1,
  countMax: demandParameters.length,
  parse: (words): Result<WrittenOnDemand | undefined, ArgumentRefusal> => {
    if (words.length === 1 && words[0] === "off") return ok(undefined);
    let ask: string | undefined;
    const bounds = { asksPerMinute: 60, ordersPerMinute: 10, namesMax: 1000 };
    for (const [index, word] of words.entries()) {
      const [, name = "", value = ""] = /^(ask|asks|orders|names)=(.*)$/.exec(word) ?? [];
      const max = name === "names" ? NAMES_MAX : PER_MINUTE_MAX;
      const isNumber = /^\d{1,6}$/.test(value) && Number(value) >= 1 && Number(value) <= max;
      const refuse = (expected: string): Result<never, ArgumentRefusal> =>
        err({ nginx: `invalid parameter "${word}"`, expected, index, words: demandParameters });
      if (name === "") return refuse("off, or ask= and a URL");
      if (name === "ask") {
        const isUrl = URL.canParse(value) && ["http:", "https:"].includes(new URL(value).protocol);
        if (!isUrl) return refuse("ask= and an http or https URL");
        ask = value;
      } else if (!isNumber) {
        return refuse(`${name}= and a number from 1 to ${max}`);
      } else if (name === "asks") {
        bounds.asksPerMinute = Number(value);
      } else if (name === "orders") {
        bounds.ordersPerMinute = Number(value);
      } else {
        bounds.namesMax = Number(value);
      }
    }
    if (ask !== undefined) return ok({ ask, ...bounds });
    return err({ nginx: '"ask" is missing', expected: "ask= and the URL that allows names", index: 0 });
  },
};

export const onDemandRow: DirectiveRow<WrittenOnDemand | undefined> = {
  ...shared,
  name: "acme_on_demand",
  arguments: onDemandArguments,
  doc: "With acme: a handshake for a name that has no certificate gets one, if the URL with ?domain=NAME answers 200. "
    + "asks= and orders= are the most of each in a minute (60, 10), names= the most such names (1000).",
  example: "acme_on_demand ask=http://127.0.0.1:8000/allowed;",
};

/** What `acme_certificate` says; no names: those of the server. */
export interface WrittenCertificate {
  readonly issuer: string;
  readonly names: readonly string[];
  readonly keyType: KeyType;
}

const certificateArguments: Arguments<WrittenCertificate> = {
  label: "issuer [identifier ...] [key=alg[:size]]",
  countMin: 1,
  countMax: ARGUMENT_COUNT_MAX,
  parse: (words, directive): Result<WrittenCertificate, ArgumentRefusal> => {
    const [issuer = "", ...rest] = words;
    const names: string[] = [];
    let type: KeyType = "ecdsa:256";
    for (const [at, word] of rest.entries()) {
      const key = /^key=(.*)$/.exec(word)?.[1];
      if (key === undefined) {
        names.push(word.toLowerCase());
        continue;
      }
      const parsed = keyType().parse(key, directive);
      if (!parsed.ok) return err({ ...parsed.error, index: at + 1 });
      type = parsed.value;
    }
    return ok({ issuer, names, keyType: type });
  },
};

export const certificateRow: DirectiveRow<WrittenCertificate> = {
  module: "ngx_http_acme_module",
  merge: "none",
  contexts: ["server"],
  name: "acme_certificate",
  arguments: certificateArguments,
  doc: "One certificate for these names, or for those of server_name, from an acme_issuer.",
  example: "acme_certificate letsencrypt shop.example.org www.shop.example.org key=rsa:2048;",
};

export const certificateDirectives: readonly AnyDirectiveRow[] = [
  acmeRow, emailRow, challengeOrderRow, keyTypeRow, acmeProfileRow, statePathRow, onDemandRow, certificateRow,
];
