/** Reads a bracketed class of a PCRE pattern into the set of bytes it stands for (pcre2pattern, "Square brackets"). */
import { ByteSet, DIGIT, HORIZONTAL, POSIX_CLASSES, SPACE, VERTICAL, WORD } from "./byte-set.ts";
import { readCharacterEscape } from "./pcre-escape.ts";
import { readProperty } from "./pcre-property.ts";
import { PcreError } from "./pcre-syntax.ts";

const setEscapes: ReadonlyMap<string, ByteSet> = new Map([
  ["d", DIGIT], ["D", DIGIT.negated()], ["w", WORD], ["W", WORD.negated()], ["s", SPACE], ["S", SPACE.negated()],
  ["h", HORIZONTAL], ["H", HORIZONTAL.negated()], ["v", VERTICAL], ["V", VERTICAL.negated()],
]);

/** One byte, which may begin or end a range, or a set, which may not. */
type Member = { readonly end: number } & ({ readonly byte: number } | { readonly set: ByteSet });

interface State {
  /** Between \Q and \E. */
  quoted: boolean;
  readonly caseless: boolean;
}

/**
 * @param at where the opening bracket stands
 * @throws PcreError when it is no class
 */
export function readClass(
  source: string, at: number, caseless: boolean,
): { readonly set: ByteSet; readonly end: number } {
  if (/^\[([:.=])[^\]\\]*\1\]/.test(source.slice(at, at + 32))) {
    throw new PcreError(`POSIX named classes are supported only within a class, not at ${at + 1}`);
  }
  const set = new ByteSet();
  const negative = source.charAt(at + 1) === "^";
  const first = at + (negative ? 2 : 1);
  const state = { quoted: false, caseless };
  let next = first;
  for (;;) {
    next = skipQuotes(source, next, state);
    if (next >= source.length) throw new PcreError(`missing terminating ] for the class at ${at + 1}`);
    // A bracket that closes nothing yet is itself.
    if (source.charAt(next) === "]" && next !== first && !state.quoted) break;
    const member = readMember(source, next, state);
    next = addMember(set, member, source, state);
  }
  if (caseless) set.fold();
  return { set: negative ? set.negated() : set, end: next + 1 };
}

/** \Q and \E, which may stand between any two members. */
function skipQuotes(source: string, at: number, state: State): number {
  let next = at;
  for (;;) {
    if (source.startsWith("\\E", next)) state.quoted = false;
    else if (!state.quoted && source.startsWith("\\Q", next)) state.quoted = true;
    else return next;
    next += 2;
  }
}

function addMember(set: ByteSet, member: Member, source: string, state: State): number {
  if ("set" in member) {
    set.addSet(member.set);
    return member.end;
  }
  const { byte, end } = member;
  if (!state.quoted && source.charAt(end) === "-" && source.charAt(end + 1) !== "]" && end + 1 < source.length) {
    const last = readMember(source, skipQuotes(source, end + 1, state), state);
    // Deviates: a hyphen beside a set is itself, as in PCRE1 and Perl, from which old files are; PCRE2 refuses it.
    if ("byte" in last) {
      if (last.byte < byte) throw new PcreError(`range out of order in the class at ${end}`);
      set.addRange(byte, last.byte);
      return last.end;
    }
  }
  set.addRange(byte, byte);
  return end;
}

function readMember(source: string, at: number, { quoted, caseless }: State): Member {
  const character = source.charAt(at);
  if (!quoted && character === "[" && /[:.=]/.test(source.charAt(at + 1))) {
    const posix = /^\[([:.=])(\^?)([A-Za-z]*)\1\]/.exec(source.slice(at, at + 20));
    if (posix !== null) return posixClass(posix, at, caseless);
  }
  if (quoted || character !== "\\") return { byte: character.charCodeAt(0), end: at + 1 };
  const letter = source.charAt(at + 1);
  const set = setEscapes.get(letter);
  if (set !== undefined) return { set, end: at + 2 };
  const property = readProperty(source, at);
  if (property !== undefined) return property;
  // In a class, \b is a backspace.
  if (letter === "b") return { byte: 0x08, end: at + 2 };
  if (/[1-9]/.test(letter) && letter > "7") throw new PcreError(`the escape \\${letter} is not supported at ${at + 1}`);
  return readCharacterEscape(source, at);
}

function posixClass([whole, kind, negation, name = ""]: RegExpExecArray, at: number, caseless: boolean): Member {
  // Without case, upper and lower are alpha, negated or not.
  const meant = caseless && (name === "upper" || name === "lower") ? "alpha" : name;
  const set = kind === ":" ? POSIX_CLASSES.get(meant) : undefined;
  if (set === undefined) throw new PcreError(`the POSIX class ${whole} is not known at ${at + 1}`);
  return { set: negation === "" ? set : set.negated(), end: at + whole.length };
}
