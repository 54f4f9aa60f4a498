/**
 * What becomes of a client's field on its way to an application, by its name as received.
 *
 * Clients use few names, so the answer is worked out once for each. Bounded: NAMES_MAX names; when full, all are
 * forgotten.
 */

/** A browser sends some 20 different names; all of IANA's registry are about 250. */
const NAMES_MAX = 1024;
/** Names longer than this are worked out each time: nobody honest sends them. */
const NAME_LENGTH_MAX = 64;

/** Fields by which a proxy speaks of the client: from anybody else they are lies, and never reach the application. */
const FORWARDING = new Set([
  "forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-protocol", "x-forwarded-ssl", "x-forwarded-host",
  "x-forwarded-port", "x-forwarded-prefix", "x-real-ip",
]);

export interface FieldName {
  readonly lowerCase: string;
  /** The key of `environ` (RFC 3875 §4.1.18). */
  readonly environKey: string;
  /** Reaches applications only from a trusted peer. */
  readonly isForwarding: boolean;
  /** Never reaches an application. */
  readonly isDropped: boolean;
}

export class FieldNames {
  readonly #underscores: boolean;
  readonly #known = new Map<string, FieldName>();

  /** @param underscores may names with "_" reach the application? (nginx: underscores_in_headers) */
  constructor(underscores: boolean) {
    this.#underscores = underscores;
  }

  /** @param name as received */
  get(name: string): FieldName {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made = this.#make(name.toLowerCase());
    if (name.length > NAME_LENGTH_MAX) return made;
    if (this.#known.size >= NAMES_MAX) this.#known.clear();
    this.#known.set(name, made);
    return made;
  }

  #make(lowerCase: string): FieldName {
    return {
      lowerCase,
      environKey: lowerCase === "content-type" ? "CONTENT_TYPE" : lowerCase === "content-length" ? "CONTENT_LENGTH"
        : `HTTP_${lowerCase.toUpperCase().replaceAll("-", "_")}`,
      isForwarding: FORWARDING.has(lowerCase),
      // CVE-2016-5385: HTTP_PROXY; CVE-2015-0219: a name with "_" would pass for one with "-".
      isDropped: lowerCase === "proxy" || (!this.#underscores && lowerCase.includes("_")),
    };
  }
}
