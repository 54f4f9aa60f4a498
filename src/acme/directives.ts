/** The directives of certificates that come by themselves, and what they say as a whole. */
import { join, resolve } from "node:path";
import { type Block, type CheckedDirective, read } from "../config/nginx/block.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { ServerName } from "../route/index.ts";
import { closest } from "../std/similar.ts";
import {
  acmeProfileRow, acmeRow, certificateDirectives, certificateRow, challengeOrderRow, emailRow, keyTypeRow, onDemandRow,
  statePathRow,
} from "./directives-of-certificates.ts";
import {
  type AcmePlaces, issuerDirectives, issuerMistakes, knownIssuer, writtenIssuers,
} from "./directives-of-issuers.ts";
import { LOCAL_URI, knownIssuers } from "./issuers.ts";
import { checkName } from "./names.ts";
import {
  type AcmeSettings, type CertificateManner, type IssuerSettings, type OnDemandSettings, type WantedCertificate,
  certificateId,
} from "./settings.ts";

export { acmeRow, challengeOrderRow } from "./directives-of-certificates.ts";

export const acmeDirectives: readonly AnyDirectiveRow[] = [...certificateDirectives, ...issuerDirectives];

/** A `server { }` of the http block. */
export interface WrittenServer {
  readonly block: Block;
  /** All of its server_name directives. */
  readonly names: readonly ServerName[];
  /** The first of them, for mistakes. */
  readonly at: CheckedDirective | undefined;
}

/** What an edge must know about a server; undefined where nothing of it comes by itself. */
export interface AcmeServerSettings {
  /** By id: a handshake for a name of the server gets one of these. */
  readonly certificates: readonly string[];
  /** By id: a handshake for a name without a certificate is a `name-wanted` of this. */
  readonly onDemand: string | undefined;
}

export interface AcmeConfiguration {
  /** For the process; undefined where nobody wants a certificate: then there is no process. */
  readonly settings: AcmeSettings | undefined;
  /** In the order of the servers. */
  readonly servers: readonly (AcmeServerSettings | undefined)[];
  readonly mistakes: readonly PlacedMistake[];
}

export interface AcmeFacts extends AcmePlaces {
  readonly kindOf: (path: string) => "file" | "directory" | "other" | undefined;
}

/** Let's Encrypt's bound for the names of one certificate. */
const NAME_COUNT_MAX = 100;

/** Reads all of it. @param servers those of the http block, in order */
export function acmeConfiguration(
  http: Block, servers: readonly WrittenServer[], facts: AcmeFacts,
): AcmeConfiguration {
  const email = http.optional(emailRow);
  const statePath = resolve(facts.prefix, http.one(statePathRow));
  const defaults = { ...facts, statePath, contacts: email === undefined ? [] : [email] };
  const written = new Map(writtenIssuers(http, defaults).map((issuer) => [issuer.name, issuer]));
  const reading = new Reading((name) => written.get(name) ?? knownIssuer(name, defaults));
  reading.mistakes.push(...issuerMistakes(http, facts, facts.kindOf));
  const settings = servers.map((server) => reading.server(server));
  const { certificates, onDemand, issuers, mistakes } = reading;
  const isWanted = certificates.size > 0 || onDemand.size > 0;
  return {
    settings: isWanted ? {
      issuers: [...issuers.values()], certificates: [...certificates.values()], onDemand: [...onDemand.values()],
      statePath,
      authorityPath: http.own(statePathRow).length === 0 ? undefined : join(statePath, "authority"),
    } : undefined,
    servers: settings,
    mistakes,
  };
}

/** Gathers what servers want. */
class Reading {
  readonly certificates = new Map<string, WantedCertificate>();
  readonly onDemand = new Map<string, OnDemandSettings>();
  readonly issuers = new Map<string, IssuerSettings>();
  readonly mistakes: PlacedMistake[] = [];
  readonly #find: (name: string) => IssuerSettings | undefined;

  constructor(find: (name: string) => IssuerSettings | undefined) {
    this.#find = find;
  }

  server(server: WrittenServer): AcmeServerSettings | undefined {
    const { block } = server;
    const ids: string[] = [];
    const [ordered] = block.own(certificateRow);
    if (ordered !== undefined) ids.push(...this.#ordered(ordered, server));
    const names = block.one(acmeRow);
    const [own] = block.own(acmeRow);
    const onDemand = block.optional(onDemandRow);
    if (names.length === 0) {
      const [demanded] = block.own(onDemandRow);
      if (demanded !== undefined && onDemand !== undefined) {
        this.#refuse(demanded, '"acme_on_demand" requires "acme"', "write acme on; beside it");
      }
      return ids.length === 0 ? undefined : { certificates: ids, onDemand: undefined };
    }
    const acme = own ?? nearest(block.parent);
    if (acme === undefined || !this.#areIssuers(names, acme)) return undefined;
    const manner = (keyType: CertificateManner["keyType"]): CertificateManner => ({
      keyType, issuers: names, challenges: block.one(challengeOrderRow), profile: block.optional(acmeProfileRow),
    });
    const isDemanded = onDemand !== undefined;
    const found = this.#names(server, { issuers: names, at: server.at ?? acme, isDemanded });
    const isLocal = names.some((name) => this.#find(name)?.uri === LOCAL_URI);
    // Its certificates are for the machine's own names, too.
    const good = found.length === 0 && isLocal ? ["localhost"] : found;
    for (const name of good) {
      for (const keyType of block.one(keyTypeRow)) ids.push(this.#want([name], manner(keyType)));
    }
    if (good.length === 0 && !isDemanded && ids.length === 0) {
      if (own !== undefined) {
        this.#refuse(own, '"acme" without a name to have a certificate for',
          "write server_name with the name that people type, or acme_on_demand");
      }
      return undefined;
    }
    const [firstType = "ecdsa:256"] = block.one(keyTypeRow);
    return { certificates: ids, onDemand: onDemand && this.#demand({ ...manner(firstType), ...onDemand }) };
  }

  /** nginx's acme_certificate. */
  #ordered(at: CheckedDirective, server: WrittenServer): readonly string[] {
    const { issuer, names: written, keyType } = read(certificateRow, at.directive);
    if (!this.#areIssuers([issuer], at)) return [];
    const places = { issuers: [issuer], at, isDemanded: false };
    const names = written.length === 0
      ? this.#names(server, places)
      : this.#checked(written, { ...places, isOwn: true });
    if (names.length === 0 && written.length === 0) {
      this.#refuse(at, "no identifiers found in server_name", "name them: acme_certificate ISSUER example.org;");
    }
    if (names.length > NAME_COUNT_MAX) {
      this.#refuse(at, `more than ${NAME_COUNT_MAX} identifiers`, "make several servers of it");
    }
    if (names.length === 0) return [];
    const { block } = server;
    const challenges = block.one(challengeOrderRow), profile = block.optional(acmeProfileRow);
    return [this.#want(names, { keyType, issuers: [issuer], challenges, profile })];
  }

  /** Names of a server that can have certificates; of the others it says why not. */
  #names({ names }: WrittenServer, places: NamePlaces): readonly string[] {
    const texts = names.flatMap((name): readonly string[] => {
      switch (name.kind) {
        // "_" is what people write for no name at all.
        case "exact": return name.name === "" || name.name === "_" ? [] : [name.name];
        case "leading": {
          const wildcard = places.isDemanded ? [] : [`*.${name.suffix}`];
          return name.bare ? [name.suffix, ...wildcard] : wildcard;
        }
        case "trailing": return places.isDemanded ? [] : [`${name.prefix}.*`];
        case "regex": return [];
      }
    });
    return this.#checked(texts, { ...places, isOwn: false });
  }

  #checked(names: readonly string[], places: NamePlaces & { readonly isOwn: boolean }): readonly string[] {
    const { issuers, at, isOwn } = places;
    const isPublic = issuers.every((name) => this.#find(name)?.isPublic ?? false);
    const good = new Set<string>();
    for (const name of names) {
      const checked = checkName(name, isPublic);
      if (checked.ok) {
        good.add(checked.value);
        continue;
      }
      const place = at.directive.args.find(({ value }) => value.toLowerCase() === name) ?? at.directive.name;
      // A name of server_name may be for plain HTTP, one of acme_certificate cannot be.
      const severity = isOwn ? {} : { severity: "warning" as const };
      this.mistakes.push({ ...severity, place, nginx: `no certificate for "${name}": it ${checked.error}` });
    }
    return [...good];
  }

  #areIssuers(names: readonly string[], at: CheckedDirective): boolean {
    const unknown = names.filter((name) => !this.#isIssuer(name, at));
    return unknown.length === 0;
  }

  #isIssuer(name: string, at: CheckedDirective): boolean {
    const issuer = this.#find(name);
    const place = at.directive.args.find(({ value }) => value === name) ?? at.directive.name;
    if (issuer === undefined) {
      const known = Object.keys(knownIssuers);
      const meant = closest(name, known);
      const hint = meant === undefined ? `write acme_issuer ${name} { uri …; }, or one of ${known.join(", ")}`
        : `did you mean ${meant}?`;
      this.mistakes.push({ place, nginx: `issuer "${name}" is missing`, hint });
      return false;
    }
    if (knownIssuers[name]?.needsExternalAccount === true && issuer.externalAccount === undefined) {
      const hint = `write acme_issuer ${name} { external_account_key KID FILE; accept_terms_of_service; } with what `
        + "its web site gives out";
      this.mistakes.push({ place, nginx: `issuer "${name}" requires "external_account_key"`, hint });
      return false;
    }
    this.issuers.set(name, issuer);
    return true;
  }

  #want(names: readonly string[], manner: CertificateManner): string {
    const id = certificateId(names, manner);
    this.certificates.set(id, { ...manner, names, id });
    return id;
  }

  #demand(settings: Omit<OnDemandSettings, "id">): string {
    const id = `${certificateId(["*"], settings)} ${settings.ask}`;
    this.onDemand.set(id, { ...settings, id });
    return id;
  }

  #refuse(at: CheckedDirective, nginx: string, hint: string): void {
    this.mistakes.push({ place: at.directive.args[0] ?? at.directive.name, nginx, hint });
  }
}

interface NamePlaces {
  readonly issuers: readonly string[];
  /** Where a mistake is told. */
  readonly at: CheckedDirective;
  /** Names that are not written get theirs on demand. */
  readonly isDemanded: boolean;
}

/** The `acme` that a block has from those around it. */
function nearest(block: Block | undefined): CheckedDirective | undefined {
  return block === undefined ? undefined : (block.own(acmeRow)[0] ?? nearest(block.parent));
}
