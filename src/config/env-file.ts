/**
 * A file of variables, `.env`: NAME=VALUE lines, `#` comments, an optional `export`, single or double quotes.
 * As python-dotenv reads it, without interpolation: `$` stands for itself.
 */
import { err, ok, type Result } from "../std/result.ts";

/** The variables of `text` in order, or the first line that is none. */
export function parseEnvFile(
  text: string,
): Result<readonly (readonly [name: string, value: string])[], { readonly line: number; readonly message: string }> {
  const variables: (readonly [string, string])[] = [];
  const pattern = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(?:'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^\r\n'"]*?[^\r\n]*?))\s*(?:#.*)?$/;
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const start = index;
    let line = lines[index] ?? "";
    if (/^\s*(#|$)/.test(line)) continue;
    while (isOpen(line) && index + 1 < lines.length) line += `\n${lines[++index] ?? ""}`;
    const match = pattern.exec(line);
    if (match === null) return err({ line: start + 1, message: "NAME=VALUE was expected" });
    const [, name = "", single, double, bare] = match;
    variables.push([name, single ?? (double === undefined ? bareValue(bare ?? "") : unescape(double))]);
  }
  return ok(variables);
}

/** Does a quoted value go on in the next line? */
function isOpen(line: string): boolean {
  const value = /^\s*(?:export\s+)?[\w.-]+\s*=\s*(['"][\s\S]*)$/.exec(line)?.[1];
  if (value === undefined) return false;
  return value.startsWith("'") ? !value.includes("'", 1) : !/^"(?:[^"\\]|\\[\s\S])*"/.test(value);
}

function bareValue(text: string): string {
  return text.replace(/\s+#.*$/, "").trim();
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };

function unescape(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, (_, letter: string) => escapes[letter] ?? letter);
}
