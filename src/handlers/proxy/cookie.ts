/**
 * proxy_cookie_domain, proxy_cookie_path, proxy_cookie_flags: an upstream's cookies as the client shall have them
 * (ngx_http_proxy_module).
 */
import { trimBlanks } from "../../http/field-list.ts";
import { compileText, locationField } from "../../route/index.ts";
import type { Evaluation, Text, Variables } from "../../route/index.ts";
import { PrefixReplacer, type Search, compileSearch } from "./replacer.ts";
import type { CookieFlags, ProxySettings, Replacement } from "./settings.ts";

export type CookieSettings = Pick<ProxySettings, "cookieDomains" | "cookiePaths" | "cookieFlags">;

/** A part of Set-Cookie between semicolons (RFC 6265 §5.2). */
interface Attribute {
  readonly name: string;
  /** Undefined without "=". */
  readonly value: string | undefined;
}

/** What an attribute's value becomes; undefined where no rule is for it. */
type Rewriting = (value: string, evaluation: Evaluation) => string | undefined;

export class Cookies {
  readonly #rewritings: ReadonlyMap<string, Rewriting>;
  readonly #flags: readonly FlagRule[];

  constructor({ cookieDomains, cookiePaths, cookieFlags }: CookieSettings, variables: Variables) {
    const domains = cookieDomains.map((rule) => domainRule(rule, variables));
    const paths = cookiePaths.map((rule) => {
      const replacer = new PrefixReplacer(rule, variables);
      return (path: string, evaluation: Evaluation): string | undefined => replacer.replace(path, evaluation);
    });
    this.#rewritings = new Map([["domain", firstOf(domains)], ["path", firstOf(paths)]]);
    this.#flags = cookieFlags.map((rule) => new FlagRule(rule, variables));
  }

  /** @param field the value of a Set-Cookie field. @returns the same text where no rule is for it */
  rewrite(field: string, evaluation: Evaluation): string {
    const [pair = "", ...rest] = field.split(";");
    const cookie = attributeOf(pair);
    // RFC 6265 §5.2: without "=" it is no cookie.
    if (cookie.value === undefined) return field;
    const attributes = rest.map(attributeOf);
    let isChanged = false;
    const rewritten = attributes.map((attribute): Attribute => {
      const { name, value } = attribute;
      const replaced = value === undefined ? undefined : this.#rewritings.get(name.toLowerCase())?.(value, evaluation);
      if (replaced === undefined) return attribute;
      isChanged = true;
      return { name, value: locationField(replaced) };
    });
    const flags = this.#flags.find((rule) => rule.isFor(cookie.name, evaluation))?.flags(evaluation);
    if (!isChanged && (flags === undefined || flags.size === 0)) return field;
    return [cookie, ...(flags === undefined ? rewritten : withFlags(rewritten, flags))].map(textOf).join("; ");
  }
}

function attributeOf(part: string): Attribute {
  const nameEnd = part.indexOf("=");
  if (nameEnd < 0) return { name: trimBlanks(part), value: undefined };
  return { name: trimBlanks(part.slice(0, nameEnd)), value: trimBlanks(part.slice(nameEnd + 1)) };
}

function textOf({ name, value }: Attribute): string {
  return value === undefined ? name : `${name}=${value}`;
}

/** The first rule that applies is the only one. */
function firstOf(rules: readonly Rewriting[]): Rewriting {
  return (value, evaluation) => {
    for (const rule of rules) {
      const replaced = rule(value, evaluation);
      if (replaced !== undefined) return replaced;
    }
    return undefined;
  };
}

/**
 * Domains are compared as a whole, without regard to case and to a dot in front, which stays (RFC 6265 §5.2.3); an
 * expression sees the dot, and what it leads to stands for all of it.
 */
function domainRule({ searched, replacement }: Replacement, variables: Variables): Rewriting {
  const search = compileSearch(searched, variables);
  const text = compileText(replacement, variables);
  return (value, evaluation) => {
    const domain = withoutDot(value);
    if (domain === "") return undefined;
    const dot = domain === value ? "" : ".";
    if (search.kind === "regex") {
      return search.matcher.matches(value, evaluation) ? text(evaluation) : undefined;
    }
    const isFound = withoutDot(search.text(evaluation)).toLowerCase() === domain.toLowerCase();
    return isFound ? dot + withoutDot(text(evaluation)) : undefined;
  };
}

function withoutDot(domain: string): string {
  return domain.startsWith(".") ? domain.slice(1) : domain;
}

/** What a rule says, by attribute in lower case: what it is to be, undefined for not at all. */
type Flags = ReadonlyMap<string, Attribute | undefined>;

/** What each word says; of two about one attribute the later of this list counts. */
const flagWords: readonly (readonly [word: string, name: string, attribute: Attribute | undefined])[] = [
  ["nosecure", "secure", undefined],
  ["secure", "secure", { name: "Secure", value: undefined }],
  ["nohttponly", "httponly", undefined],
  ["httponly", "httponly", { name: "HttpOnly", value: undefined }],
  ["nosamesite", "samesite", undefined],
  ["samesite=none", "samesite", { name: "SameSite", value: "None" }],
  ["samesite=lax", "samesite", { name: "SameSite", value: "Lax" }],
  ["samesite=strict", "samesite", { name: "SameSite", value: "Strict" }],
];

class FlagRule {
  readonly #cookie: Search;
  readonly #words: readonly Text[];

  constructor({ cookie, flags }: CookieFlags, variables: Variables) {
    this.#cookie = compileSearch(cookie, variables);
    this.#words = flags.map((flag) => compileText(flag, variables));
  }

  /** Names are compared without regard to case, as nginx does. */
  isFor(name: string, evaluation: Evaluation): boolean {
    const cookie = this.#cookie;
    if (cookie.kind === "regex") return cookie.matcher.matches(name, evaluation);
    return cookie.text(evaluation).toLowerCase() === name.toLowerCase();
  }

  /** Words that are none, which a variable may have, say nothing. */
  flags(evaluation: Evaluation): Flags {
    const words = this.#words.map((word) => word(evaluation).toLowerCase());
    return new Map(flagWords.filter(([word]) => words.includes(word)).map(([, name, value]) => [name, value]));
  }
}

/**
 * Takes flags away, sets those that there are, and adds the others behind. Of several SameSite one stays: browsers
 * believe the last, of which nginx knows nothing.
 */
function withFlags(attributes: readonly Attribute[], flags: Flags): readonly Attribute[] {
  const set = new Set<string>();
  const changed = attributes.flatMap((attribute): readonly Attribute[] => {
    const name = attribute.name.toLowerCase();
    if (!flags.has(name)) return [attribute];
    const flag = flags.get(name);
    if (flag === undefined) return [];
    const isRepeated = set.has(name);
    set.add(name);
    // Its own spelling stays where it says the same.
    if (flag.value === undefined) return [attribute];
    return isRepeated ? [] : [flag];
  });
  const added = [...flags].flatMap(([name, flag]) => (flag === undefined || set.has(name) ? [] : [flag]));
  return [...changed, ...added];
}
