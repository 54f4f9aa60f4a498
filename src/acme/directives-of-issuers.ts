/** `acme_issuer NAME { }` and what stands in it (nginx's ngx_http_acme_module). */
import { join, resolve } from "node:path";
import { onOff, string } from "../config/nginx/argument-types.ts";
import { type Block, read } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type DefaultedDirectiveRow, type DirectiveRow, none, one,
  two,
} from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import { type Result, err, ok } from "../std/result.ts";
import { challenge, contact, keyType, profileArguments } from "./directive-arguments.ts";
import { knownIssuers } from "./issuers.ts";
import type { ChallengeKind, IssuerSettings, KeySource, ProfileSettings } from "./settings.ts";

const ofModule = { module: "ngx_http_acme_module", merge: "none" } as const;
const ofIssuer = { ...ofModule, contexts: ["acme_issuer"] } as const;
/** It names a directory, too. */
const ISSUER_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const issuerRow: DirectiveRow<string> = {
  ...ofModule,
  contexts: ["http"],
  name: "acme_issuer",
  arguments: one({
    label: "name",
    parse: (word) => (ISSUER_NAME.test(word) ? ok(word) : err({
      nginx: `invalid issuer name "${word}"`, expected: "a name of letters, digits, dots and hyphens, 64 at most",
    })),
  }),
  content: { kind: "directives", context: "acme_issuer" },
  mayRepeat: true,
  doc: "Who signs certificates, for acme and acme_certificate. Names that are known without it: "
    + `${Object.keys(knownIssuers).join(", ")}; a block of that name needs no uri.`,
  example: "acme_issuer example { uri https://acme.example.com/directory; accept_terms_of_service; }",
};

const uriRow: DirectiveRow<string> = {
  ...ofIssuer,
  name: "uri",
  arguments: one({
    label: "uri",
    parse: (word) => {
      const isUri = URL.canParse(word) && new URL(word).protocol === "https:";
      if (isUri) return ok(word);
      return err({ nginx: `invalid uri "${word}"`, expected: "the https:// URL of an ACME directory" });
    },
  }),
  doc: "The URL of the issuer's directory.",
  example: "uri https://acme.example.com/directory;",
};

const accountKeyRow: DirectiveRow<string> = {
  ...ofIssuer,
  name: "account_key",
  arguments: one({
    label: "alg[:size] | file",
    parse: (word, directive) => {
      if (!/^(?:ecdsa|rsa)(?::|$)/.test(word)) return ok(word);
      const type = keyType().parse(word, directive);
      return type.ok ? ok(word) : type;
    },
  }),
  doc: "The account's key: one that is made, of the kind ecdsa:256 (usual), ecdsa:384, ecdsa:521, rsa:2048, rsa:3072 "
    + "or rsa:4096, or a file with one.",
  example: "account_key ecdsa:384;",
};

const challengeRow: DirectiveRow<ChallengeKind> = {
  ...ofIssuer,
  name: "challenge",
  arguments: one(challenge()),
  doc: "How this issuer is shown that a name is ours, http-01 or tls-alpn-01; without it, as acme_challenge says.",
  example: "challenge tls-alpn-01;",
};

const contactRow: DirectiveRow<string> = {
  ...ofIssuer,
  name: "contact",
  arguments: one(contact()),
  mayRepeat: true,
  doc: "Whom the issuer writes to about the account; without it, as acme_email says.",
  example: "contact owner@example.org;",
};

const externalAccountRow: DirectiveRow<readonly [string, string]> = {
  ...ofIssuer,
  name: "external_account_key",
  arguments: two(string("kid"), string("file")),
  doc: "The account that the issuer's web site has given: its identifier, and a file with its key in base64url, or the "
    + "key itself after data:.",
  example: "external_account_key kid-1 /etc/ssl/acme-hmac.txt;",
};

const preferredChainRow: DirectiveRow<string> = {
  ...ofIssuer,
  name: "preferred_chain",
  arguments: one(string("name")),
  doc: "Of several chains the one whose last certificate is signed by this common name; else the issuer's first.",
  example: 'preferred_chain "ISRG Root X1";',
};

const profileRow: DirectiveRow<ProfileSettings> = {
  ...ofIssuer,
  name: "profile",
  arguments: profileArguments,
  doc: "The kind of certificate, in the issuer's own words; with require there is none from an issuer without it.",
  example: "profile shortlived;",
};

const commonNameRow: DefaultedDirectiveRow<boolean> = {
  ...ofIssuer,
  name: "common_name_in_csr",
  arguments: one(onOff()),
  default: "off",
  doc: "Asks for the first name as the subject's common name, too, if it has 64 characters or fewer.",
  example: "common_name_in_csr on;",
};

const trustedCertificateRow: DirectiveRow<string> = {
  ...ofIssuer,
  name: "ssl_trusted_certificate",
  arguments: one(string("file")),
  doc: "Authorities that the issuer's own certificate must be of, in the place of the system's.",
  example: "ssl_trusted_certificate /etc/ssl/internal-ca.pem;",
};

const verifyRow: DefaultedDirectiveRow<boolean> = {
  ...ofIssuer,
  name: "ssl_verify",
  arguments: one(onOff()),
  default: "on",
  doc: "Whether the issuer's own certificate is checked.",
  example: "ssl_verify on;",
};

const statePathRow: DirectiveRow<string> = {
  ...ofIssuer,
  name: "state_path",
  arguments: one(string("path | off")),
  doc: "Where the account and the certificates of this issuer are kept, or off; without it, in a directory of the "
    + "issuer's name below acme_state_path.",
  example: "state_path /var/lib/tricorn/acme-example;",
};

const termsRow: DirectiveRow<true> = {
  ...ofIssuer,
  name: "accept_terms_of_service",
  arguments: none(),
  doc: "You have read the issuer's terms of service and agree to them.",
  example: "accept_terms_of_service;",
};

/** nginx: eight pages. */
const ZONE_SIZE_MIN = 32_768;

const zoneArguments: Arguments<string> = {
  label: "zone=name:size",
  countMin: 1,
  countMax: 1,
  parse: ([word = ""]): Result<string, ArgumentRefusal> => {
    const [, name, size = ""] = /^zone=([^:]*)(?::(.*))?$/.exec(word) ?? [];
    const expected = "zone=, a name, : and a size, zone=acme:1m";
    if (name === undefined) return err({ nginx: '"acme_shared_zone" must have "zone" parameter', expected, index: 0 });
    if (name === "") return err({ nginx: `invalid zone name "${word}"`, expected, index: 0 });
    const [, count = "", unit = ""] = /^(\d{1,12})([kKmM]?)$/.exec(size) ?? [];
    const bytes = Number(count) * (unit === "" ? 1 : unit.toLowerCase() === "k" ? 1024 : 1024 ** 2);
    if (count === "") return err({ nginx: `invalid zone size "${word}"`, expected, index: 0 });
    if (bytes >= ZONE_SIZE_MIN) return ok(name);
    return err({ nginx: `zone "${name}" is too small`, expected: "32k or more", index: 0 });
  },
};

const sharedZoneRow: DirectiveRow<string> = {
  ...ofModule,
  contexts: ["http"],
  name: "acme_shared_zone",
  arguments: zoneArguments,
  withoutEffect: "one process gets all certificates and tells the others, in memory that fits them",
  doc: "nginx: memory in which processes share certificates and challenges.",
  example: "acme_shared_zone zone=ngx_acme_shared:1m;",
};

export const issuerDirectives: readonly AnyDirectiveRow[] = [
  issuerRow, uriRow, accountKeyRow, challengeRow, contactRow, externalAccountRow, preferredChainRow, profileRow,
  commonNameRow, trustedCertificateRow, verifyRow, statePathRow, termsRow, sharedZoneRow,
];

/** Where relative paths begin, absolute, with or without a slash at the end. */
export interface AcmePlaces {
  /** For directories. */
  readonly prefix: string;
  /** The directory of the main file: for files. */
  readonly directory: string;
}

/** What counts for all issuers. */
export interface IssuerDefaults extends AcmePlaces {
  readonly contacts: readonly string[];
  /** acme_state_path, absolute. */
  readonly statePath: string;
}

/** An issuer that only its name says. Deviates: whoever writes `acme on` has agreed to its terms, as with Caddy. */
export function knownIssuer(name: string, { contacts, statePath }: IssuerDefaults): IssuerSettings | undefined {
  const known = knownIssuers[name];
  return known && {
    name, contacts, uri: known.uri, isPublic: known.isPublic, accountKey: { kind: "made", type: "ecdsa:256" },
    externalAccount: undefined, acceptsTerms: true, challenges: undefined, profile: undefined,
    preferredChain: undefined, commonNameInCsr: false, trustedCertificate: undefined, verify: true,
    statePath: join(statePath, name),
  };
}

/** Every `acme_issuer NAME { }` of the http block, by name. */
export function writtenIssuers(http: Block, defaults: IssuerDefaults): readonly IssuerSettings[] {
  return http.own(issuerRow).flatMap(({ directive, block }) =>
    (block === undefined ? [] : [writtenIssuer(read(issuerRow, directive), block, defaults)]));
}

function writtenIssuer(name: string, block: Block, defaults: IssuerDefaults): IssuerSettings {
  const known = knownIssuer(name, defaults);
  const uri = block.optional(uriRow) ?? known?.uri ?? "";
  const ownChallenge = block.optional(challengeRow);
  const contacts = block.all(contactRow);
  const trusted = block.optional(trustedCertificateRow);
  const external = block.optional(externalAccountRow);
  const statePath = block.optional(statePathRow);
  return {
    name,
    uri,
    isPublic: Object.values(knownIssuers).some((one) => one.uri === uri),
    contacts: contacts.length > 0 ? contacts : defaults.contacts,
    accountKey: accountKeyOf(block.optional(accountKeyRow) ?? "ecdsa", defaults),
    externalAccount: external && { kid: external[0], key: keySourceOf(external[1], defaults) },
    acceptsTerms: block.optional(termsRow) ?? false,
    challenges: ownChallenge && [ownChallenge],
    profile: block.optional(profileRow),
    preferredChain: block.optional(preferredChainRow),
    commonNameInCsr: block.one(commonNameRow),
    trustedCertificate: trusted && resolve(defaults.directory, trusted),
    verify: block.one(verifyRow),
    statePath: statePath === "off" ? undefined
      : statePath === undefined ? join(defaults.statePath, name) : resolve(defaults.prefix, statePath),
  };
}

function accountKeyOf(word: string, { directory }: AcmePlaces): IssuerSettings["accountKey"] {
  const type = keyType().parse(word, accountKeyRow.name);
  return type.ok ? { kind: "made", type: type.value } : { kind: "file", path: resolve(directory, word) };
}

function keySourceOf(word: string, { directory }: AcmePlaces): KeySource {
  const data = /^data:(.*)$/s.exec(word)?.[1];
  return data === undefined ? { kind: "file", path: resolve(directory, word) } : { kind: "data", key: data };
}

/** What one directive of an issuer alone does not show. */
export function issuerMistakes(
  http: Block, places: AcmePlaces, kindOf: (path: string) => string | undefined,
): readonly PlacedMistake[] {
  const names = new Set<string>();
  return http.own(issuerRow).flatMap(({ directive, block }): readonly PlacedMistake[] => {
    const name = read(issuerRow, directive);
    const place = directive.args[0] ?? directive.name;
    const mistakes: PlacedMistake[] = [];
    if (names.has(name)) {
      mistakes.push({ place, nginx: `duplicate acme_issuer "${name}"`, hint: "give it another name" });
    }
    names.add(name);
    if (block === undefined) return mistakes;
    if (block.own(uriRow).length === 0 && knownIssuers[name] === undefined) {
      mistakes.push({ place, nginx: '"uri" is missing', hint: `for example: ${uriRow.example}` });
    }
    return [...mistakes, ...fileMistakes(block, places, kindOf)];
  });
}

function fileMistakes(
  block: Block, { directory }: AcmePlaces, kindOf: (path: string) => string | undefined,
): readonly PlacedMistake[] {
  const missing = (row: AnyDirectiveRow, path: string | undefined): readonly PlacedMistake[] => {
    const [at] = block.own(row);
    if (at === undefined || path === undefined || kindOf(resolve(directory, path)) === "file") return [];
    const place = at.directive.args.at(-1) ?? at.directive.name;
    return [{ place, nginx: `cannot load "${resolve(directory, path)}"`, hint: "there is no such file" }];
  };
  const key = block.optional(accountKeyRow);
  const isFile = key !== undefined && !keyType().parse(key, accountKeyRow.name).ok;
  const [, external] = block.optional(externalAccountRow) ?? [];
  return [
    ...missing(accountKeyRow, isFile ? key : undefined),
    ...missing(externalAccountRow, external?.startsWith("data:") === true ? undefined : external),
    ...missing(trustedCertificateRow, block.optional(trustedCertificateRow)),
  ];
}
