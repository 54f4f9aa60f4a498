/** What an application is called: by `app NAME { }`, by app_pass, and by `server app:NAME` in an upstream. */
import { err, ok } from "../../std/result.ts";
import type { ArgumentType } from "./argument-types.ts";

/** Longer names help nobody in a log. */
const NAME_SIZE_MAX = 64;

/** The name of an application. */
export function appName(): ArgumentType<string> {
  return {
    label: "name",
    parse: (word) =>
      /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(word) && word.length <= NAME_SIZE_MAX
        ? ok(word)
        : err({
          nginx: `invalid app name "${word}"`,
          expected: `a name of at most ${NAME_SIZE_MAX} letters, digits, "_", "." and "-"`,
        }),
  };
}
