/**
 * `tricorn -c FILE`: is that what was typed, and does anything stand beside it that only an application without a file
 * has?
 */
import { type Diagnostic, error, warning } from "../config/diagnostic.ts";
import type { AnyRow, World } from "../config/directive.ts";
import { environmentName, readEnvironment } from "../config/environment.ts";

/** `-c FILE`, `-tcFILE`, `--config FILE`; and `-V`, which needs no file. */
export function namesFile(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  const words = end < 0 ? argv : argv.slice(0, end);
  return (words.length === 1 && words[0] === "-V") || words.some((word) => /^-[?hvVtTq]*c|^--config(=|$)/.test(word));
}

/** `-c` for `--config`, which nginx's command line does not have. */
export function withShortNames(argv: readonly string[]): readonly string[] {
  const long = "--config=";
  return argv.flatMap((word) => {
    if (word === "--config") return ["-c"];
    return word.startsWith(long) ? ["-c", word.slice(long.length)] : [word];
  });
}

/** Letters of nginx's command line that take a value, and those that take none. */
const valuedLetters = "cpegs";
const flagLetters = "?hvVtTq";

/** The first word that is an option's or an application's, or undefined. @param argv with short names */
export function strangerIn(argv: readonly string[], rows: readonly AnyRow[]): Diagnostic | undefined {
  const words = argv.values();
  for (const word of words) {
    if (word === "--explain") continue;
    if (word.startsWith("--")) return refuseOption(word.replace(/=.*/s, ""), rows);
    if (!word.startsWith("-")) {
      return error(
        `"${word}" and -c exclude each other: with a file, all applications stand in it`,
        `write \`app shop { module ${word}; }\` and \`app_pass shop;\` into the file, or leave out -c`,
      );
    }
    for (let index = 1; index < word.length; index++) {
      const letter = word[index] ?? "";
      if (flagLetters.includes(letter)) continue;
      if (!valuedLetters.includes(letter)) return refuseOption(`-${letter}`, rows);
      if (index === word.length - 1) words.next();
      break;
    }
  }
  return undefined;
}

function refuseOption(spelling: string, rows: readonly AnyRow[]): Diagnostic {
  const name = spelling.replace(/^--?(no-(?=.))?/, "");
  const row = rows.find((each) => each.short === name || each.name === name || (each.aliases ?? []).includes(name));
  if (row === undefined) return error(`unknown option ${spelling}`, "with -c there are: -p -e -g -t -T -q -s -v -V");
  const hint = row.group === "Information"
    ? "ask without -c"
    : "say it in the file; `tricorn APP [options] -T` prints options as directives";
  return error(`${spelling} and -c exclude each other: ${spelling} is for an application without a file`, hint);
}

/** Variables that would be options. They are not used, which whoever set them should know. */
export function unusedVariables(rows: readonly AnyRow[], world: World, path: string): readonly Diagnostic[] {
  const { given } = readEnvironment(world.environment, rows);
  return rows
    .filter((row) => given.get(row.name)?.spelling === environmentName(row))
    .map((row) => warning(`${environmentName(row)} is not used: ${path} says all`, "say it in the file, or unset it"));
}
