/**
 * Regular expressions of a configuration: PCRE2's syntax in, JavaScript's RegExp out, with the same matches and groups.
 *
 * Subjects and patterns are bytes, one character each, as nginx passes them without (*UTF8). The translation has no
 * flags: letters that match without case became classes of two letters (V8's linear engine knows no flag i, and
 * JavaScript would fold É and é), and so did everything else that matches one byte.
 *
 * | PCRE | JavaScript | why |
 * | --- | --- | --- |
 * | a literal, a class, `.` `\d` `\w` `\s` `\h` `\v` `\N` `\C` `[[:alpha:]]` `\x{2f}` `\Q…\E` | one class | its set |
 * | (?i) (?s) (?m) (?x) (?U), to the group's end; (?i:…) | nothing | decided for each byte and quantifier |
 * | `^` `\A` `\G` | `^` | |
 * | `$` `\Z` | `\n?$` where nothing follows, else `(?=\n?$)` | they hold before a last newline as well |
 * | `\z` | `$` | |
 * | (?m)`^`, (?m)`$` | `(?:^\|(?<=\n)(?!$))`, `(?=\n\|$)` | |
 * | (?P<n>…) (?<n>…) (?'n'…) | `(…)` | names are ours: `Pattern.names` |
 * | `\1` `\g{-1}` `\k<n>` (?P=n) | `(?:\1)`, `(?i:\1)` | only of a group that has matched for certain |
 * | (?>…) and possessive quantifiers | `(?=(…))\k` | a lookahead is not entered again |
 * | `\R` | as (?>\r\n\|[\n-\r\x85]) | |
 * | `\K`, (?#…) | nothing | where a match begins is not asked |
 * | recursion, conditions, callouts, verbs, (?\|…), `\p` `\X`, (?J) | refused by name | no equal |
 *
 * Known differences: JavaScript forgets a group's text when the repetition around it goes round again, PCRE keeps it;
 * and PCRE ends a repetition with a round that matches nothing, JavaScript without it. A pattern where that can be seen
 * in a group is warned of.
 *
 * Time: edges run with `REGEX_NODE_FLAGS`. V8 then leaves its backtracking engine after so many steps back for one
 * whose time is linear in the subject. It cannot run lookaheads, backreferences, lookbehinds with groups, and counts
 * whose product exceeds 16: `Pattern.linear` says whether it can, `warnings` names what may take long and cannot.
 */
import { err, ok, type Result } from "../std/result.ts";
import { byteText } from "./byte-text.ts";
import { type PcreAssertion, type PcreNode, type PcrePattern, PcreError } from "./pcre-syntax.ts";
import { parsePcre } from "./pcre-parser.ts";

/** Options of Node under which a hostile subject costs at most so many steps back, and then linear time. */
export const REGEX_NODE_FLAGS: readonly string[] = [
  "--enable-experimental-regexp-engine-on-excessive-backtracks",
  // V8's own number: a few hundred microseconds.
  "--regexp-backtracks-before-fallback=50000",
];

/** V8's kMaxReplicationFactor: its linear engine unrolls counts, and refuses more. */
const LINEAR_REPLICATION_MAX = 16;

/** A translated pattern: plain data, for any thread. */
export interface Pattern {
  /** As it stands in the configuration, without "~". */
  readonly source: string;
  readonly caseless: boolean;
  /** JavaScript's, to be used without flags. */
  readonly expression: string;
  /** For each group of the source, from the first: its number in `expression`. */
  readonly groups: readonly number[];
  /** Named groups: name, and number in the source from 1. */
  readonly names: readonly (readonly [name: string, group: number])[];
  /** Can V8's linear engine run it? */
  readonly linear: boolean;
  /** What the operator should know, one sentence's end each. */
  readonly warnings: readonly string[];
}

/** A compiled pattern. */
export class Regex {
  readonly pattern: Pattern;
  readonly #expression: RegExp;

  constructor(pattern: Pattern) {
    this.pattern = pattern;
    this.#expression = new RegExp(pattern.expression);
  }

  /**
   * @param subject one character a byte
   * @returns the text of each group, "" for one that did not take part; undefined without a match
   */
  exec(subject: string): readonly string[] | undefined {
    const { groups } = this.pattern;
    if (groups.length === 0) return this.#expression.test(subject) ? NO_GROUPS : undefined;
    const match = this.#expression.exec(subject);
    if (match === null) return undefined;
    return groups.map((group) => match[group] ?? "");
  }
}

const NO_GROUPS: readonly string[] = [];

/**
 * Translates a pattern.
 * @param source PCRE2's syntax as it stands in the configuration, without "~"
 * @param caseless as `~*` asks for
 * @returns the pattern, or what is wrong with it, naming the construct and the byte where it stands
 */
export function translatePattern(source: string, caseless: boolean): Result<Pattern, string> {
  const parsed = parsePcre(byteText(source), caseless);
  if (!parsed.ok) return parsed;
  const translator = new Translator();
  try {
    const expression = translator.translate(parsed.value.node);
    return compiled(source, caseless, parsed.value, expression, translator);
  } catch (error) {
    // The translator's way out of its recursion, and JavaScript's refusal, of a pattern too large for it.
    if (error instanceof PcreError || error instanceof SyntaxError) return err(error.message);
    throw error;
  }
}

/** The same for a directive's word. @returns nginx's words for what is wrong */
export function readPattern(source: string, caseless: boolean): Result<Pattern, string> {
  const pattern = translatePattern(source, caseless);
  return pattern.ok ? pattern : err(`pcre2_compile() failed: ${pattern.error} in "${source}"`);
}

/** A pattern's warnings as sentences that name it. */
export function patternWarnings({ source, warnings }: Pattern): readonly string[] {
  return warnings.map((warning) => `in the expression "${source}": ${warning}`);
}

function compiled(
  source: string, caseless: boolean, parsed: PcrePattern, expression: string, translator: Translator,
): Result<Pattern, string> {
  // Thrown at now, with the pattern's place at hand, rather than in the edge.
  new RegExp(expression);
  const groups = Array.from({ length: parsed.groupCount }, (_, index) => translator.groups.get(index + 1) ?? 0);
  const warnings: string[] = [];
  if (translator.forgets) warnings.push("a group in a repetition may have another text than with PCRE");
  if (!translator.linear && translator.unboundedCount > 1) {
    warnings.push(`it may take long on hostile input: ${translator.obstacle} keeps it from the linear engine`);
  }
  const names = [...parsed.names];
  return ok({ source, caseless, expression, groups, names, linear: translator.linear, warnings });
}

/** Where a node stands. */
interface Place {
  /** Nothing of the pattern follows. */
  readonly last: boolean;
  /** Copies that the linear engine would make. */
  readonly replication: number;
  readonly repeated: boolean;
  /** A round of the repetition around it may pass it over. */
  readonly optional: boolean;
  readonly inLookbehind: boolean;
}

/** Turns one tree into text; what it learns on the way is asked for afterwards. */
class Translator {
  /** Groups of the source and their numbers in the expression, which has more of them. */
  readonly groups = new Map<number, number>();
  /** Groups that have a text whenever what follows them is tried. */
  readonly #certain = new Set<number>();
  #groupCount = 0;
  forgets = false;
  unboundedCount = 0;
  /** The first thing that the linear engine cannot run. */
  obstacle = "";

  get linear(): boolean {
    return this.obstacle === "";
  }

  translate(node: PcreNode): string {
    return this.#text(node, { last: true, replication: 1, repeated: false, optional: false, inLookbehind: false });
  }

  #hinder(obstacle: string): void {
    if (this.obstacle === "") this.obstacle = obstacle;
  }

  #text(node: PcreNode, place: Place): string {
    switch (node.kind) {
      case "set": return node.set.toPattern();
      case "sequence": return this.#sequence(node.nodes, place);
      case "choice": {
        const inside = { ...place, optional: place.repeated };
        return node.branches.map((branch) => this.#uncertain(() => this.#text(branch, inside))).join("|");
      }
      case "group": return this.#group(node.group, node.node, place);
      case "atomic": return this.#atomic(node.node, place);
      case "look": return this.#look(node.opening, node.node, place);
      case "repeat": return this.#repeat(node, place);
      case "assertion": return this.#assertion(node.assertion, place);
      case "backreference": return this.#backreference(node.group, node.caseless);
    }
  }

  #sequence(nodes: readonly PcreNode[], place: Place): string {
    return nodes.map((node, index) => {
      const text = this.#text(node, { ...place, last: place.last && index === nodes.length - 1 });
      return node.kind === "choice" ? `(?:${text})` : text;
    }).join("");
  }

  #group(group: number, node: PcreNode, place: Place): string {
    this.groups.set(group, ++this.#groupCount);
    if (place.inLookbehind) this.#hinder("a group in a lookbehind");
    if (place.repeated && place.optional) this.forgets = true;
    const text = `(${this.#text(node, { ...place, last: false })})`;
    this.#certain.add(group);
    return text;
  }

  /** What matched in a part that may be passed over is not certain behind it. */
  #uncertain(translate: () => string): string {
    const before = new Set(this.#certain);
    const text = translate();
    this.#certain.clear();
    for (const group of before) this.#certain.add(group);
    return text;
  }

  #atomic(node: PcreNode, place: Place): string {
    const number = ++this.#groupCount;
    this.#hinder("an atomic group or possessive quantifier");
    return `(?:(?=(${this.#text(node, { ...place, last: false })}))\\${number})`;
  }

  #look(opening: string, node: PcreNode, place: Place): string {
    const behind = opening.includes("<");
    if (!behind) this.#hinder("a lookahead");
    const inside = { ...place, last: false, inLookbehind: behind };
    const text = opening.endsWith("!") ? this.#uncertain(() => this.#text(node, inside)) : this.#text(node, inside);
    return `${opening}${text})`;
  }

  #repeat({ node, min, max, lazy }: Extract<PcreNode, { kind: "repeat" }>, place: Place): string {
    const unbounded = max === Number.POSITIVE_INFINITY;
    if (unbounded) this.unboundedCount += place.repeated ? 2 : 1;
    const replication = place.replication * Math.max(1, unbounded ? min : max);
    if (replication > LINEAR_REPLICATION_MAX) this.#hinder(`a count above ${LINEAR_REPLICATION_MAX}`);
    const inside: Place = {
      ...place, last: false, replication,
      repeated: place.repeated || max > 1,
      optional: place.repeated && (place.optional || min === 0),
    };
    const groupsBefore = this.groups.size;
    const text = min === 0 ? this.#uncertain(() => this.#text(node, inside)) : this.#text(node, inside);
    if ((max > 1 || min === 0) && this.groups.size > groupsBefore && canBeEmpty(node)) this.forgets = true;
    const atom = node.kind === "set" || node.kind === "group" || node.kind === "atomic" ? text : `(?:${text})`;
    return `${atom}${quantifier(min, max)}${lazy && min !== max ? "?" : ""}`;
  }

  #assertion(assertion: PcreAssertion, place: Place): string {
    switch (assertion) {
      case "start": return "^";
      case "very-end": return "$";
      case "word-boundary": return "\\b";
      case "no-word-boundary": return "\\B";
      case "end":
        // The whole match may have the newline: nobody asks where it ends. A group's text may not.
        if (place.last) return "\\n?$";
        this.#hinder("a $ before the end");
        return "(?=\\n?$)";
      case "line-start":
        this.#hinder("(?m)^");
        return "(?:^|(?<=\\n)(?!$))";
      case "line-end":
        this.#hinder("(?m)$");
        return "(?=\\n|$)";
    }
  }

  #backreference(group: number, caseless: boolean): string {
    this.#hinder("a backreference");
    // In PCRE it does not match, in JavaScript it matches nothing at all.
    if (!this.#certain.has(group)) {
      throw new PcreError(`the backreference to group ${group}, which may not have matched, is not supported`);
    }
    return `(?${caseless ? "i" : ""}:\\${this.groups.get(group) ?? 0})`;
  }
}

/** May it match without taking a byte? */
function canBeEmpty(node: PcreNode): boolean {
  switch (node.kind) {
    case "set": return false;
    case "sequence": return node.nodes.every(canBeEmpty);
    case "choice": return node.branches.some(canBeEmpty);
    case "group": case "atomic": return canBeEmpty(node.node);
    case "repeat": return node.min === 0 || canBeEmpty(node.node);
    case "look": case "assertion": case "backreference": return true;
  }
}

function quantifier(min: number, max: number): string {
  if (max === Number.POSITIVE_INFINITY) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === 0 && max === 1) return "?";
  return min === max ? `{${min}}` : `{${min},${max}}`;
}
