/**
 * Arguments of the directives about processes, refused in nginx's words.
 */
import type { ArgumentType } from "../config/nginx/argument-types.ts";
import type { Arguments } from "../config/nginx/directive-row.ts";
import { err, ok } from "../std/result.ts";

/** A whole number, without a sign; nginx 1.22 says `invalid number "…"` of worker_connections. */
export function wholeNumber({ min, max }: { readonly min: number; readonly max: number }): ArgumentType<number> {
  return {
    label: "number",
    parse: (word) => {
      const value = /^\d{1,15}$/.test(word) ? Number(word) : -1;
      if (value >= min && value <= max) return ok(value);
      return err({ nginx: `invalid number "${word}"`, expected: `a number from ${min} to ${max}` });
    },
  };
}

/** `auto`, or how many; more than may be started are no mistake, as in nginx. */
export function workerCount(): ArgumentType<number | "auto"> {
  return {
    label: "number | auto",
    words: ["auto"],
    parse: (word, directive) => {
      if (word === "auto") return ok("auto");
      const value = /^\d{1,9}$/.test(word) ? Number(word) : 0;
      if (value > 0) return ok(value);
      return err({ nginx: `"${directive}" directive invalid value`, expected: "a number from 1, or auto" });
    },
  };
}

/** `user [group]`. */
export function account(): Arguments<readonly [user: string, group: string | undefined]> {
  return {
    label: "user [group]",
    countMin: 1,
    countMax: 2,
    parse: ([user = "", group]) => ok([user, group]),
  };
}

/** `variable[=value]`. */
export function assignment(): ArgumentType<readonly [name: string, value: string | undefined]> {
  return {
    label: "variable[=value]",
    parse: (word) => {
      const at = word.indexOf("=");
      if (at === 0 || word === "") return err({ nginx: `invalid value "${word}"`, expected: "NAME or NAME=VALUE" });
      return ok(at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)]);
    },
  };
}

/** Bits of a file's mode, in octal. */
export function mask(): ArgumentType<number> {
  return {
    label: "octal",
    parse: (word) => {
      if (/^0?[0-7]{3}$/.test(word)) return ok(Number.parseInt(word, 8));
      return err({ nginx: `invalid value "${word}"`, expected: "three octal digits such as 022 or 077" });
    },
  };
}
