/** Arguments that only the directives of applications have. */
import { type ArgumentType, either, number, time } from "../config/nginx/argument-types.ts";
import { err, ok } from "../std/result.ts";

/** Text that is not empty, without control characters, which no name or path needs. */
export function plainText(label: string): ArgumentType<string> {
  return {
    label,
    parse: (word) =>
      // oxlint-disable-next-line no-control-regex
      word === "" || /[\0-\x1f\x7f]/.test(word)
        ? err({ nginx: `invalid value "${word}"`, expected: `a ${label} without control characters` })
        : ok(word),
  };
}

/** A whole number, or "auto" for as many as there are processors. */
export function numberOrAuto(bounds: { readonly min: number; readonly max: number }): ArgumentType<number | "auto"> {
  const auto: ArgumentType<"auto"> = {
    label: "auto",
    parse: (word) => (word === "auto" ? ok("auto") : err({ nginx: "", expected: "auto" })),
  };
  return either(auto, number(bounds));
}

/** 24 days: more milliseconds do not fit the 32 bits that Node's timers have. */
const TIME_MAX_MS = 24 * 86_400_000;

/** Milliseconds that a timer can wait. */
export function timerTime(): ArgumentType<number> {
  const any = time();
  return {
    ...any,
    parse: (word, directive) => {
      const ms = any.parse(word, directive);
      if (!ms.ok || ms.value <= TIME_MAX_MS) return ms;
      return err({ nginx: `"${directive}" directive invalid value`, expected: "a time of at most 24d" });
    },
  };
}

/** A variable of the environment with its value: nginx's `variable=value`. */
export function assignment(): ArgumentType<readonly [name: string, value: string]> {
  return {
    label: "variable=value",
    parse: (word, directive) => {
      const at = word.indexOf("=");
      if (at > 0 && !word.includes("\0")) return ok([word.slice(0, at), word.slice(at + 1)]);
      const nginx = `invalid value "${word}" in "${directive}" directive`;
      return err({ nginx, expected: "a variable as NAME=VALUE" });
    },
  };
}

/** SCRIPT_NAME begins with a slash and does not end in one (PEP 3333: it may be empty). */
export function rootPath(): ArgumentType<string> {
  return {
    label: "path",
    parse: (word, directive) => {
      const path = word.replace(/\/+$/, "");
      const nginx = `invalid value "${word}" in "${directive}" directive`;
      if (path !== "" && !path.startsWith("/")) {
        return err({ nginx, expected: `a path that begins with a slash, such as /${path}` });
      }
      // oxlint-disable-next-line no-control-regex
      return /[\0-\x1f\x7f]/.test(path) ? err({ nginx, expected: "a path without control characters" }) : ok(path);
    },
  };
}
