/**
 * glob(3) as `include` uses it: `*`, `?`, `[a-z]`, `[!a]`, `[[:alpha:]]`, a backslash before what is meant itself. A
 * name that begins with a dot is found only by a pattern that does, and no pattern goes beyond a slash.
 */

/** The file system, as far as patterns need it. */
export interface Names {
  /** What lies in a directory, without "." and ".."; nothing for what is none. */
  readonly list: (directory: string) => readonly string[];
  readonly exists: (path: string) => boolean;
}

/** @returns the paths that match, sorted by their bytes */
export function glob(pattern: string, names: Names): readonly string[] {
  let paths: readonly string[] = [""];
  let isSure = true;
  for (const [index, segment] of pattern.split("/").entries()) {
    const before = index === 0 ? "" : "/";
    const parts = partsOf(segment);
    const literal = literalOf(parts);
    if (literal !== undefined) {
      paths = paths.map((path) => path + before + literal);
      isSure = false;
      continue;
    }
    isSure = true;
    paths = paths.flatMap((path) => {
      const directory = path + before;
      const found = names.list(directory === "" ? "." : directory).filter((name) => matches(name, parts));
      return found.map((name) => directory + name);
    });
  }
  const found = isSure ? [...paths] : paths.filter(names.exists);
  return found.sort(byBytes);
}

type Part = string | typeof STAR | ((character: string) => boolean);

/** Any characters, or none. */
const STAR: unique symbol = Symbol("*");

/** One for each character of a name, or STAR; characters that stand for themselves are single. */
function partsOf(segment: string): readonly Part[] {
  const parts: Part[] = [];
  const characters = Array.from(segment);
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (character === "*") {
      if (parts.at(-1) !== STAR) parts.push(STAR);
    } else if (character === "?") {
      parts.push(() => true);
    } else if (character === "\\" && index + 1 < characters.length) {
      parts.push(characters[++index] ?? "");
    } else {
      const set = character === "[" ? setAt(characters, index) : undefined;
      parts.push(set?.has ?? character);
      index = set?.end ?? index;
    }
  }
  return parts;
}

/** The text of a segment in which nothing has a meaning of its own, or undefined. */
function literalOf(parts: readonly Part[]): string | undefined {
  return parts.every((part) => typeof part === "string") ? parts.join("") : undefined;
}

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[A-Za-z0-9]/, alpha: /[A-Za-z]/, blank: /[ \t]/, cntrl: /[\0-\x1f\x7f]/, digit: /[0-9]/, graph: /[!-~]/,
  lower: /[a-z]/, print: /[ -~]/, punct: /[!-/:-@[-`{-~]/, space: /[ \t\n\v\f\r]/, upper: /[A-Z]/,
  xdigit: /[0-9A-Fa-f]/,
};

interface CharacterSet {
  readonly has: (character: string) => boolean;
  /** Where its closing bracket stands. */
  readonly end: number;
}

/** The set whose `[` stands at `start`, or undefined when nothing closes it: then the bracket means itself. */
function setAt(characters: readonly string[], start: number): CharacterSet | undefined {
  let at = start + 1;
  const isNegated = characters[at] === "!" || characters[at] === "^";
  if (isNegated) at++;
  const tests: ((character: string) => boolean)[] = [];
  for (const first = at; at < characters.length; at++) {
    if (characters[at] === "]" && at > first) {
      return { has: (character) => tests.some((holds) => holds(character)) !== isNegated, end: at };
    }
    const [whole, name = ""] = /^\[:(\w+):\]/.exec(characters.slice(at, at + 12).join("")) ?? [];
    const known = classes[name];
    if (whole !== undefined && known !== undefined) {
      tests.push((character) => known.test(character));
      at += whole.length - 1;
      continue;
    }
    if (characters[at] === "\\") at++;
    const low = characters[at] ?? "";
    const isRange = characters[at + 1] === "-" && characters[at + 2] !== "]" && characters[at + 2] !== undefined;
    if (isRange) at += characters[at + 2] === "\\" ? 3 : 2;
    const high = isRange ? (characters[at] ?? "") : low;
    tests.push((character) => code(low) <= code(character) && code(character) <= code(high));
  }
  return undefined;
}

function code(character: string): number {
  return character.codePointAt(0) ?? -1;
}

/** Goes back to the last star only, so no pattern takes longer than its length times the name's. */
function matches(name: string, parts: readonly Part[]): boolean {
  if (name.startsWith(".") && parts[0] !== ".") return false;
  const characters = Array.from(name);
  let at = 0;
  let part = 0;
  let star = -1;
  let starAt = 0;
  while (at < characters.length) {
    const wanted = parts[part];
    const character = characters[at] ?? "";
    if (wanted === STAR) {
      star = part++;
      starAt = at;
    } else if (typeof wanted === "function" ? wanted(character) : wanted === character) {
      part++;
      at++;
    } else if (star >= 0) {
      part = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (parts[part] === STAR) part++;
  return part === parts.length;
}

/** UTF-8 sorts as its code points do, which UTF-16 does not. */
function byBytes(a: string, b: string): number {
  const left = Array.from(a);
  const right = Array.from(b);
  for (let index = 0; index < left.length && index < right.length; index++) {
    const difference = code(left[index] ?? "") - code(right[index] ?? "");
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
