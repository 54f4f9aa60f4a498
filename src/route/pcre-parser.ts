/**
 * Reads a PCRE2 pattern, bytes as text, as nginx compiles it: no UTF, no UCP, C locale (pcre2pattern(3)).
 * Letters are folded into sets here, and option settings such as (?i) end here: the tree knows nothing of them.
 * What has no equal in JavaScript is refused by name.
 */
import { err, ok, type Result } from "../std/result.ts";
import { ANY, ByteSet, DIGIT, HORIZONTAL, NEWLINE, SPACE, VERTICAL, WORD } from "./byte-set.ts";
import { readClass } from "./pcre-class.ts";
import { readProperty } from "./pcre-property.ts";
import { isOctal, readCharacterEscape, readDigits } from "./pcre-escape.ts";
import { type PcreNode, type PcrePattern, type PcreAssertion, PcreError } from "./pcre-syntax.ts";

/** Longest pattern; nginx reads no configuration word longer than its buffer of 4096 bytes. */
export const PATTERN_SIZE_MAX = 65_536;
/** Deepest nesting of parentheses (PCRE2's PARENS_NEST_LIMIT). */
export const NESTING_MAX = 250;
/** Largest count in a quantifier (PCRE2). */
const REPEAT_MAX = 65_535;

interface Options {
  readonly caseless: boolean;
  readonly dotAll: boolean;
  readonly multiline: boolean;
  readonly extended: boolean;
  readonly ungreedy: boolean;
}

const optionNames: Readonly<Record<string, keyof Options>> = {
  i: "caseless", s: "dotAll", m: "multiline", x: "extended", U: "ungreedy",
};

/** Escapes that are a set of their own. */
const setEscapes: ReadonlyMap<string, ByteSet> = new Map([
  ["d", DIGIT], ["D", DIGIT.negated()], ["w", WORD], ["W", WORD.negated()], ["s", SPACE], ["S", SPACE.negated()],
  ["h", HORIZONTAL], ["H", HORIZONTAL.negated()], ["v", VERTICAL], ["V", VERTICAL.negated()],
  ["N", NEWLINE.negated()], ["C", ANY],
]);

/** \G holds where the match began to be looked for, which is always the start (nginx passes no other offset). */
const assertionEscapes: Readonly<Record<string, PcreAssertion>> = {
  A: "start", G: "start", Z: "end", z: "very-end", b: "word-boundary", B: "no-word-boundary",
};

/** \R without UTF: CRLF, which is not taken apart again, or one vertical byte. */
const anyNewline: PcreNode = {
  kind: "atomic",
  node: {
    kind: "choice",
    branches: [
      { kind: "sequence", nodes: [literal(0x0d), literal(0x0a)] },
      { kind: "set", set: VERTICAL },
    ],
  },
};

const empty: PcreNode = { kind: "sequence", nodes: [] };

function literal(byte: number): PcreNode {
  return { kind: "set", set: ByteSet.of(byte, byte) };
}

/**
 * @param source the pattern, one character a byte
 * @returns its tree, or why there is none: a sentence's end such as "unmatched parenthesis at 3"
 */
export function parsePcre(source: string, caseless: boolean): Result<PcrePattern, string> {
  if (source.length > PATTERN_SIZE_MAX) return err(`it is longer than ${PATTERN_SIZE_MAX} bytes`);
  try {
    return ok(new Parser(source).parse(caseless));
  } catch (error) {
    // The parser's own way out of its recursion; anything else is a bug and goes on.
    if (error instanceof PcreError) return err(error.message);
    throw error;
  }
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #groupCount = 0;
  readonly #names = new Map<string, number>();
  /** Groups whose closing parenthesis was read: only they may be referred to. */
  readonly #closed = new Set<number>();

  constructor(source: string) {
    this.#source = source;
  }

  parse(caseless: boolean): PcrePattern {
    const options = { caseless, dotAll: false, multiline: false, extended: false, ungreedy: false };
    const verb = /^\(\*[^)]*\)/.exec(this.#source);
    if (verb !== null) throw new PcreError(`${verb[0]} is not supported: patterns match bytes, with PCRE's defaults`);
    const node = this.#choice(options);
    if (this.#at < this.#source.length) this.#fail("unmatched closing parenthesis");
    return { node, groupCount: this.#groupCount, names: this.#names };
  }

  #fail(what: string, at: number = this.#at): never {
    throw new PcreError(`${what} at ${at + 1}`);
  }

  #peek(offset: number = 0): string {
    return this.#source.charAt(this.#at + offset);
  }

  #choice(outer: Options): PcreNode {
    if (++this.#depth > NESTING_MAX) this.#fail(`more than ${NESTING_MAX} nested parentheses`);
    let options = outer;
    const branches: PcreNode[] = [];
    let nodes: PcreNode[] = [];
    while (this.#at < this.#source.length && this.#peek() !== ")") {
      if (this.#peek() === "|") {
        this.#at++;
        branches.push(sequence(nodes));
        nodes = [];
        continue;
      }
      // An option setting holds to the end of its group, over the branches that follow as well.
      const changed = this.#optionSetting(options);
      if (changed !== undefined) options = changed;
      else this.#item(nodes, options);
    }
    this.#depth--;
    branches.push(sequence(nodes));
    return branches.length === 1 ? branches[0] ?? empty : { kind: "choice", branches };
  }

  /** (?i), (?-s), (?^m) … without a colon. */
  #optionSetting(options: Options): Options | undefined {
    const match = /^\(\?(\^?[imsxUnJ]*(?:-[imsxUnJ]*)?)\)/.exec(this.#source.slice(this.#at, this.#at + 24));
    if (match === null) return undefined;
    const changed = this.#changed(options, match[1] ?? "");
    this.#at += match[0].length;
    return changed;
  }

  #changed(options: Options, letters: string): Options {
    const changed = { ...options };
    let on = true;
    for (const letter of letters) {
      if (letter === "^") Object.assign(changed, { caseless: false, dotAll: false, multiline: false, extended: false });
      else if (letter === "-") on = false;
      else {
        const name = optionNames[letter];
        if (name === undefined) this.#fail(`the option setting (?${letter}) is not supported`);
        changed[name] = on;
      }
    }
    return changed;
  }

  /** Reads one item with its quantifier, and adds it. */
  #item(nodes: PcreNode[], options: Options): void {
    if (this.#skip(options)) return;
    if (this.#source.startsWith("\\Q", this.#at)) return this.#quoted(nodes, options);
    const character = this.#peek();
    if ("*+?".includes(character) || (character === "{" && this.#counts() !== undefined)) {
      this.#fail("quantifier does not follow a repeatable item");
    }
    nodes.push(this.#quantified(this.#atom(options), options));
  }

  /** What means nothing: comments, \E without \Q, and with (?x) blanks. @returns whether there was something */
  #skip(options: Options): boolean {
    const start = this.#at;
    if (this.#source.startsWith("(?#", start)) {
      this.#at = this.#source.indexOf(")", start) + 1;
      if (this.#at === 0) this.#fail("missing ) after (?# comment", start);
    } else if (this.#source.startsWith("\\E", start) || this.#source.startsWith("\\Q\\E", start)) {
      this.#at = this.#source.indexOf("E", start) + 1;
    } else if (options.extended && this.#peek() === "#") {
      const end = this.#source.indexOf("\n", start);
      this.#at = end < 0 ? this.#source.length : end + 1;
    } else if (options.extended && this.#peek() !== "" && SPACE.has(this.#peek().charCodeAt(0))) {
      this.#at++;
    }
    return this.#at > start;
  }

  #quoted(nodes: PcreNode[], options: Options): void {
    const start = this.#at + 2;
    const end = this.#source.indexOf("\\E", start);
    const text = this.#source.slice(start, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#source.length : end + 2;
    const bytes = Array.from(text, (character) => this.#letter(character.charCodeAt(0), options));
    const last = bytes.pop();
    if (last !== undefined) nodes.push(...bytes, this.#quantified(last, options));
  }

  #letter(byte: number, options: Options): PcreNode {
    const set = ByteSet.of(byte, byte);
    if (options.caseless) set.fold();
    return { kind: "set", set };
  }

  #atom(options: Options): PcreNode {
    const character = this.#peek();
    switch (character) {
      case "(": return this.#group(options);
      case "[": {
        const { set, end } = readClass(this.#source, this.#at, options.caseless);
        this.#at = end;
        return { kind: "set", set };
      }
      case "\\": return this.#escape(options);
    }
    this.#at++;
    switch (character) {
      case ".": return { kind: "set", set: options.dotAll ? ANY : NEWLINE.negated() };
      case "^": return { kind: "assertion", assertion: options.multiline ? "line-start" : "start" };
      case "$": return { kind: "assertion", assertion: options.multiline ? "line-end" : "end" };
    }
    return this.#letter(character.charCodeAt(0), options);
  }

  /** The atom with the quantifier behind it; a second one is refused, as by PCRE2. */
  #quantified(node: PcreNode, options: Options): PcreNode {
    while (this.#skip(options)) continue;
    const counts = this.#counts();
    if (counts === undefined) return node;
    if (node.kind === "assertion") this.#fail("quantifier does not follow a repeatable item");
    this.#at += counts.size;
    const suffix = this.#peek();
    if (suffix === "?" || suffix === "+") this.#at++;
    const lazy = suffix !== "+" && (suffix === "?") !== options.ungreedy;
    const repeat: PcreNode = { kind: "repeat", node, min: counts.min, max: counts.max, lazy };
    return suffix === "+" ? { kind: "atomic", node: repeat } : repeat;
  }

  /** The quantifier that stands here; a brace that is none is a literal, as "{,3}" is. */
  #counts(): { readonly min: number; readonly max: number; readonly size: number } | undefined {
    switch (this.#peek()) {
      case "*": return { min: 0, max: Number.POSITIVE_INFINITY, size: 1 };
      case "+": return { min: 1, max: Number.POSITIVE_INFINITY, size: 1 };
      case "?": return { min: 0, max: 1, size: 1 };
      case "{": break;
      default: return undefined;
    }
    const match = /^\{(\d+)(,?)(\d*)\}/.exec(this.#source.slice(this.#at, this.#at + 32));
    if (match === null || (match[2] === "" && match[3] !== "")) return undefined;
    const min = Number(match[1]);
    const max = match[2] === "" ? min : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (min > REPEAT_MAX || (max > REPEAT_MAX && max !== Number.POSITIVE_INFINITY)) {
      this.#fail(`number too big in {} quantifier (at most ${REPEAT_MAX})`);
    }
    if (min > max) this.#fail("numbers out of order in {} quantifier");
    return { min, max, size: match[0].length };
  }

  #group(options: Options): PcreNode {
    const start = this.#at;
    const opening = /^\((?:\?(?:P?<(?![=!])|'|P[=>]|<?[=!]|[:>|&(]|R|C|[-+]?\d|\^?[imsxUnJ]*(?:-[imsxUnJ]*)?:)|\*)?/
      .exec(this.#source.slice(start, start + 24))?.[0] ?? "(";
    this.#at += opening.length;
    switch (opening) {
      case "(": return this.#capture(options, start);
      case "(?<": case "(?P<": return this.#named(options, start, ">");
      case "(?'": return this.#named(options, start, "'");
      case "(?P=": return this.#nameReference(")", options);
      case "(?:": return this.#closedBy(this.#choice(options), start);
      case "(?>": return { kind: "atomic", node: this.#closedBy(this.#choice(options), start) };
      case "(?=": case "(?!": case "(?<=": case "(?<!":
        return { kind: "look", opening, node: this.#closedBy(this.#choice(options), start) };
    }
    if (/^\(\?\^?[imsxUnJ-]*:$/.test(opening)) {
      return this.#closedBy(this.#choice(this.#changed(options, opening.slice(2, -1))), start);
    }
    this.#fail(`${refusals.get(opening) ?? (/\d/.test(opening) ? "a subroutine call" : "the construct")} ${
      this.#source.slice(start, Math.max(this.#source.indexOf(")", start) + 1, start + 3))} is not supported`, start);
  }

  #closedBy(node: PcreNode, start: number): PcreNode {
    if (this.#peek() !== ")") this.#fail("missing closing parenthesis for the one", start);
    this.#at++;
    return node;
  }

  #capture(options: Options, start: number): PcreNode {
    const group = ++this.#groupCount;
    const node = this.#closedBy(this.#choice(options), start);
    this.#closed.add(group);
    return { kind: "group", group, node };
  }

  #named(options: Options, start: number, end: string): PcreNode {
    const name = this.#name(end);
    if (this.#names.has(name)) this.#fail(`two named groups have the same name "${name}"`, start);
    this.#names.set(name, this.#groupCount + 1);
    return this.#capture(options, start);
  }

  #name(end: string): string {
    const close = this.#source.indexOf(end, this.#at);
    const name = close < 0 ? "" : this.#source.slice(this.#at, close);
    if (!/^[A-Za-z_]\w{0,31}$/.test(name)) this.#fail("a group's name needs 1 to 32 letters, digits or _");
    this.#at = close + 1;
    return name;
  }

  #nameReference(end: string, options: Options): PcreNode {
    const start = this.#at;
    const name = this.#name(end);
    return this.#reference(this.#names.get(name) ?? 0, options, start);
  }

  #reference(group: number, options: Options, start: number): PcreNode {
    if (!this.#closed.has(group)) this.#fail("a backreference to no group before it is not supported", start);
    return { kind: "backreference", group, caseless: options.caseless };
  }

  #escape(options: Options): PcreNode {
    const start = this.#at;
    const letter = this.#peek(1);
    const set = setEscapes.get(letter);
    if (set !== undefined && !(letter === "N" && this.#peek(2) === "{")) {
      this.#at += 2;
      return { kind: "set", set };
    }
    const assertion = Object.hasOwn(assertionEscapes, letter) ? assertionEscapes[letter] : undefined;
    if (assertion !== undefined) {
      this.#at += 2;
      return { kind: "assertion", assertion };
    }
    const property = readProperty(this.#source, start);
    if (property !== undefined) {
      this.#at = property.end;
      return { kind: "set", set: property.set };
    }
    switch (letter) {
      case "R": this.#at += 2; return anyNewline;
      // \K moves the start of the whole match, which nothing in a configuration can see.
      case "K": this.#at += 2; return empty;
      case "k": case "g": return this.#escapedReference(options, letter);
    }
    if (letter >= "1" && letter <= "9") {
      const digits = readDigits(this.#source, start + 1);
      const group = Number(digits);
      // pcre2pattern, "Backslash": below 10, or as many groups before it; else up to three octal digits.
      if (group < 10 || group <= this.#groupCount || !isOctal(letter)) {
        this.#at += 1 + digits.length;
        return this.#reference(group, options, start);
      }
    }
    const { byte, end } = readCharacterEscape(this.#source, start);
    this.#at = end;
    return this.#letter(byte, options);
  }

  /** \k<name>, \k'name', \k{name}, \g{name}, \g{2}, \g{-1}, \g2; \g<…> and \g'…' call a subroutine. */
  #escapedReference(options: Options, letter: string): PcreNode {
    const start = this.#at;
    const rest = this.#source.slice(start + 2, start + 40);
    const number = letter === "g" ? /^(?:\{([-+]?\d{1,5})\}|([-+]?\d{1,5}))/.exec(rest) : null;
    if (number !== null) {
      this.#at += 2 + number[0].length;
      const text = number[1] ?? number[2] ?? "";
      return this.#reference(text.startsWith("-") ? this.#groupCount + 1 + Number(text) : Number(text), options, start);
    }
    const end = ({ "{": "}", "<": letter === "k" ? ">" : "", "'": letter === "k" ? "'" : "" })[rest.charAt(0)];
    if (end === undefined || end === "") {
      this.#fail(`the subroutine call \\${letter}${rest.charAt(0)} is not supported`);
    }
    this.#at += 3;
    return this.#nameReference(end, options);
  }
}

const refusals: ReadonlyMap<string, string> = new Map([
  ["(?|", "the branch reset"],
  ["(?(", "the condition"],
  ["(?R", "the recursion"],
  ["(?C", "the callout"],
  ["(?&", "the subroutine call"],
  ["(?P>", "the subroutine call"],
  ["(*", "the verb"],
]);

function sequence(nodes: readonly PcreNode[]): PcreNode {
  return nodes.length === 1 ? nodes[0] ?? empty : { kind: "sequence", nodes };
}
