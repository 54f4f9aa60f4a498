/**
 * Which location answers? nginx's algorithm over a normalised path:
 *   1. an exact location (`=`) ends the search;
 *   2. else the longest prefix is remembered, and the search goes on within it;
 *   3. unless that prefix said `^~`, regular expressions are tried in the order of the file; the first that matches
 *      wins, and the search goes on within it;
 *   4. else it is the prefix remembered last.
 * A prefix that ends in a slash and is asked for without it is redirected to (`autoRedirect`), unless a location has
 * exactly that path.
 *
 * Prefixes of one level are a tree of shared beginnings: a search reads the path once, however many there are.
 */
import { byteText } from "./byte-text.ts";
import type { Evaluation } from "./evaluation.ts";
import type { Pattern } from "./regex.ts";
import type { Matcher, Variables } from "./variables.ts";

/** What stands between `location` and its brace. */
export type LocationMatch =
  | { readonly kind: "exact"; readonly uri: string }
  /** `noRegex`: `^~` */
  | { readonly kind: "prefix"; readonly uri: string; readonly noRegex: boolean }
  | { readonly kind: "regex"; readonly pattern: Pattern }
  | { readonly kind: "named"; readonly name: string };

/** A location as configured; its number is the caller's. */
export interface LocationNode {
  readonly location: number;
  readonly match: LocationMatch;
  /** Its handler passes requests on (app_pass, proxy_pass): its slash is added by a redirect. */
  readonly autoRedirect: boolean;
  readonly locations: readonly LocationNode[];
}

/** What was found: a location's number, or a path to redirect to, which is the one asked for with a slash. */
export interface Found {
  readonly kind: "location" | "redirect";
  readonly location: number;
}

/** Deepest nesting of locations; nginx has none, the parser of the configuration has. */
export const LOCATION_DEPTH_MAX = 64;

interface Target {
  readonly found: Found;
  readonly noRegex: boolean;
  readonly autoRedirect: Found | undefined;
  /** Locations within it. */
  readonly inside: Level | undefined;
}

/** A node of the tree of prefixes: what follows its parent's text, and what is there. */
interface Branch {
  label: string;
  exact: Target | undefined;
  prefix: Target | undefined;
  /** By the code of the label's first byte. */
  readonly branches: Map<number, Branch>;
}

/** The locations beside each other. */
interface Level {
  readonly root: Branch;
  readonly regexes: readonly { readonly matcher: Matcher; readonly target: Target }[];
}

/** The compiled locations of one server. */
export class Locations {
  readonly #level: Level;
  readonly #named: ReadonlyMap<string, number>;
  readonly #server: Found;

  /**
   * @param server the number that is found when no location matches: the server's own settings
   * @param nodes without duplicates (`checkLocations` finds them)
   */
  constructor(server: number, nodes: readonly LocationNode[], variables: Variables) {
    this.#server = { kind: "location", location: server };
    this.#level = compileLevel(nodes, variables);
    this.#named = new Map(
      nodes.flatMap(({ match, location }) => (match.kind === "named" ? [[match.name, location] as const] : [])),
    );
  }

  /**
   * @param path normalised (uri.ts)
   * @param evaluation takes the groups of a regular expression that matched
   */
  find(path: string, evaluation: Evaluation): Found {
    return search(this.#level, path, evaluation).found ?? this.#server;
  }

  /** @param name with its "@" */
  named(name: string): number | undefined {
    return this.#named.get(name);
  }
}

interface Outcome {
  readonly found: Found | undefined;
  /** An exact, redirecting or regular one: outer levels look no further. */
  readonly final: boolean;
}

const nothing: Outcome = { found: undefined, final: false };

function search(level: Level, path: string, evaluation: Evaluation): Outcome {
  const outcome = walk(level.root, path);
  if (outcome !== undefined && "kind" in outcome) return { found: outcome, final: true };
  let found: Found | undefined;
  if (outcome !== undefined) {
    const inner = outcome.inside === undefined ? nothing : search(outcome.inside, path, evaluation);
    if (inner.final) return inner;
    found = inner.found ?? outcome.found;
  }
  if (outcome?.noRegex === true || level.regexes.length === 0) return { found, final: false };
  const regular = byRegex(level, path, evaluation);
  return regular === undefined ? { found, final: false } : { found: regular, final: true };
}

function byRegex(level: Level, path: string, evaluation: Evaluation): Found | undefined {
  for (const { matcher, target } of level.regexes) {
    if (!matcher.matches(path, evaluation)) continue;
    return (target.inside === undefined ? undefined : search(target.inside, path, evaluation).found) ?? target.found;
  }
  return undefined;
}

/** The exact location or the redirect, which end the search, or the longest prefix. */
function walk(root: Branch, path: string): Found | Target | undefined {
  let branch = root;
  let at = 0;
  let longest: Target | undefined;
  for (;;) {
    if (branch.prefix !== undefined) longest = branch.prefix;
    if (at === path.length) {
      if (branch.exact !== undefined) return branch.exact.found;
      if (branch.prefix !== undefined) return branch.prefix;
      return redirectBelow(branch) ?? longest;
    }
    const next = branch.branches.get(path.charCodeAt(at));
    if (next === undefined) return longest;
    const { label } = next;
    if (!path.startsWith(label, at)) return redirectWithin(next, path, at) ?? longest;
    branch = next;
    at += label.length;
  }
}

/** Is the path this node's text, and a slash the only thing that lacks to a location that redirects? */
function redirectBelow(branch: Branch): Found | undefined {
  const slash = branch.branches.get(0x2f);
  return slash?.label === "/" ? redirectOf(slash) : undefined;
}

/** The path ends within a label: does only the label's last byte, a slash, lack? */
function redirectWithin({ label, ...branch }: Branch, path: string, at: number): Found | undefined {
  if (!label.endsWith("/") || path.length - at !== label.length - 1) return undefined;
  return label.startsWith(path.slice(at)) ? redirectOf(branch) : undefined;
}

function redirectOf({ exact, prefix }: Pick<Branch, "exact" | "prefix">): Found | undefined {
  return exact?.autoRedirect ?? prefix?.autoRedirect;
}

function branchOf(label: string): Branch {
  return { label, exact: undefined, prefix: undefined, branches: new Map() };
}

function compileLevel(nodes: readonly LocationNode[], variables: Variables): Level {
  const root = branchOf("");
  const regexes: { readonly matcher: Matcher; readonly target: Target }[] = [];
  for (const node of nodes) {
    const { match } = node;
    if (match.kind === "named") continue;
    const target = compileTarget(node, variables);
    if (match.kind === "regex") {
      regexes.push({ matcher: variables.matcher(match.pattern), target });
      continue;
    }
    const branch = insert(root, byteText(match.uri));
    if (match.kind === "exact") branch.exact = target;
    else branch.prefix = target;
  }
  return { root, regexes };
}

function compileTarget(node: LocationNode, variables: Variables): Target {
  const { location, match, autoRedirect, locations } = node;
  const slashed = (match.kind === "exact" || match.kind === "prefix") && match.uri.endsWith("/");
  return {
    found: { kind: "location", location },
    noRegex: match.kind === "prefix" && match.noRegex,
    autoRedirect: autoRedirect && slashed ? { kind: "redirect", location } : undefined,
    inside: locations.length === 0 ? undefined : compileLevel(locations, variables),
  };
}

/** The node whose text is `uri`; made, or split off, where there is none. */
function insert(root: Branch, uri: string): Branch {
  let branch = root;
  let at = 0;
  while (at < uri.length) {
    const next = branch.branches.get(uri.charCodeAt(at));
    if (next === undefined) {
      const leaf = branchOf(uri.slice(at));
      branch.branches.set(uri.charCodeAt(at), leaf);
      return leaf;
    }
    const common = commonLength(next.label, uri, at);
    branch = common === next.label.length ? next : split(branch, next, common);
    at += common;
  }
  return branch;
}

function commonLength(label: string, uri: string, at: number): number {
  let length = 0;
  while (length < label.length && label.charCodeAt(length) === uri.charCodeAt(at + length)) length++;
  return length;
}

/** Puts a new node for the first `length` bytes of `child`'s label between it and its parent. */
function split(parent: Branch, child: Branch, length: number): Branch {
  const middle = branchOf(child.label.slice(0, length));
  parent.branches.set(child.label.charCodeAt(0), middle);
  child.label = child.label.slice(length);
  middle.branches.set(child.label.charCodeAt(0), child);
  return middle;
}

/** What is wrong with locations beside each other or within each other, in nginx's words, by location. */
export function checkLocations(
  nodes: readonly LocationNode[], outer?: LocationMatch, depth: number = 1,
): readonly { readonly location: number; readonly message: string }[] {
  const problems: { readonly location: number; readonly message: string }[] = [];
  const seen = new Set<string>();
  for (const { location, match, locations } of nodes) {
    const name = locationName(match);
    const message = seen.has(keyOf(match)) ? `duplicate location "${name}"` : misplaced(match, name, outer);
    if (message !== undefined) problems.push({ location, message });
    if (match.kind !== "regex") seen.add(keyOf(match));
    if (depth < LOCATION_DEPTH_MAX) problems.push(...checkLocations(locations, match, depth + 1));
    else if (locations.length > 0) {
      problems.push({ location, message: `more than ${LOCATION_DEPTH_MAX} locations nested` });
    }
  }
  return problems;
}

function keyOf(match: LocationMatch): string {
  return `${match.kind} ${locationName(match)}`;
}

function locationName(match: LocationMatch): string {
  switch (match.kind) {
    case "exact": case "prefix": return match.uri;
    case "regex": return match.pattern.source;
    case "named": return match.name;
  }
}

function misplaced(match: LocationMatch, name: string, outer: LocationMatch | undefined): string | undefined {
  if (outer === undefined) return undefined;
  const where = `location "${name}"`;
  if (outer.kind === "exact") return `${where} cannot be inside the exact location "${outer.uri}"`;
  if (outer.kind === "named") return `${where} cannot be inside the named location "${outer.name}"`;
  if (match.kind === "named") return `named ${where} can be on the server level only`;
  // nginx compares with the text of an expression as well, so that nothing but an expression can stand in one.
  if (match.kind === "regex" || match.uri.startsWith(locationName(outer))) return undefined;
  return `${where} is outside location "${locationName(outer)}"`;
}
