/** Escapes of a PCRE pattern that stand for one byte, inside and outside of a class (pcre2pattern, "Backslash"). */
import { PcreError } from "./pcre-syntax.ts";

const controls: Readonly<Record<string, number>> = { a: 0x07, e: 0x1b, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09 };

export function isOctal(digit: string): boolean {
  return digit >= "0" && digit <= "7" && digit.length === 1;
}

/** The decimal digits that stand at `at`, five at most. */
export function readDigits(source: string, at: number): string {
  return /^\d{1,5}/.exec(source.slice(at, at + 5))?.[0] ?? "";
}

/**
 * Reads the escape whose backslash stands at `at`.
 * @throws PcreError when it is no byte
 */
export function readCharacterEscape(source: string, at: number): { readonly byte: number; readonly end: number } {
  const letter = source.charAt(at + 1);
  if (letter === "") throw new PcreError("\\ at end of pattern");
  const control = Object.hasOwn(controls, letter) ? controls[letter] : undefined;
  if (control !== undefined) return { byte: control, end: at + 2 };
  if (isOctal(letter)) {
    const digits = /^[0-7]{1,3}/.exec(source.slice(at + 1, at + 4))?.[0] ?? "0";
    return { byte: asByte(Number.parseInt(digits, 8), source, at), end: at + 1 + digits.length };
  }
  switch (letter) {
    case "c": return controlEscape(source, at);
    case "o": case "x": return numberEscape(source, at, letter);
  }
  if (/[A-Za-z0-9]/.test(letter)) throw new PcreError(`the escape \\${letter} is not supported at ${at + 1}`);
  return { byte: letter.charCodeAt(0), end: at + 2 };
}

/** \cX: the letter in upper case, with bit 6 turned over. */
function controlEscape(source: string, at: number): { readonly byte: number; readonly end: number } {
  const letter = source.charAt(at + 2).toUpperCase();
  if (letter < " " || letter > "~" || letter === "") throw new PcreError(`\\c needs a printing letter at ${at + 1}`);
  return { byte: letter.charCodeAt(0) ^ 0x40, end: at + 3 };
}

/** \x, \xh, \xhh, \x{h…}, \o{…} */
function numberEscape(source: string, at: number, letter: "o" | "x"): { readonly byte: number; readonly end: number } {
  const rest = source.slice(at + 2, at + 16);
  const braced = (letter === "x" ? /^\{([0-9A-Fa-f]{1,8})\}/ : /^\{([0-7]{1,8})\}/).exec(rest);
  if (braced !== null) {
    const value = Number.parseInt(braced[1] ?? "", letter === "x" ? 16 : 8);
    return { byte: asByte(value, source, at), end: at + 2 + braced[0].length };
  }
  if (letter === "o" || rest.startsWith("{")) throw new PcreError(`\\${letter}{} needs digits at ${at + 1}`);
  const digits = /^[0-9A-Fa-f]{0,2}/.exec(rest)?.[0] ?? "";
  return { byte: Number.parseInt(`0${digits}`, 16), end: at + 2 + digits.length };
}

function asByte(value: number, source: string, at: number): number {
  if (value <= 0xff) return value;
  throw new PcreError(`${source.slice(at, at + 10)} is larger than a byte at ${at + 1}`);
}
