/**
 * A file of variables, `.env`: NAME=VALUE lines, `#` comments, an optional `export`, single or double quotes.
 * As python-dotenv reads it, without interpolation: `$` stands for itself.
 */
import { err, ok, type Result } from "../std/result.ts";

export interface EnvFileProblem {
  /** The first line of the variable, from 1. */
  readonly line: number;
  readonly message: string;
}

/** The variables of `text` in order, or the first line that is none. */
export function parseEnvFile(
  text: string,
): Result<readonly (readonly [name: string, value: string])[], EnvFileProblem> {
  const variables: (readonly [string, string])[] = [];
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const start = lines[index] ?? "";
    if (/^\s*(#|$)/.test(start)) continue;
    const [, name, first = ""] = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(start) ?? [];
    if (name === undefined) return err({ line, message: "NAME=VALUE was expected" });
    let text = first;
    let value = read(text);
    // A quoted value may hold line ends.
    while (value === "open" && index + 1 < lines.length) {
      text += `\n${lines[++index] ?? ""}`;
      value = read(text);
    }
    if (value === "open") return err({ line, message: `the quoted value of ${name} has no end` });
    if (value === "trailing") return err({ line, message: `there is text after the quoted value of ${name}` });
    variables.push([name, value.text]);
  }
  return ok(variables);
}

function read(text: string): { readonly text: string } | "open" | "trailing" {
  const quote = text[0];
  if (quote !== "'" && quote !== '"') return { text: text.replace(/(^|\s)#.*$/, "").trim() };
  let value = "";
  for (let at = 1; at < text.length; at++) {
    const letter = text[at] ?? "";
    if (letter === quote) return /^\s*(#|$)/.test(text.slice(at + 1)) ? { text: value } : "trailing";
    if (letter === "\\" && quote === '"') {
      const next = text[++at] ?? "";
      value += escapes[next] ?? next;
    } else {
      value += letter;
    }
  }
  return "open";
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
