// For the tests of rooms' rows: text as it stands in a block, and what must hold for every row.
import { knownDirectives } from "../../src/config/nginx/known-directives.ts";
import type { Block } from "../../src/config/nginx/block.ts";
import type { AnyDirectiveRow, Context } from "../../src/config/nginx/directive-row.ts";
import { readConfiguration, type ReadConfiguration } from "../../src/config/nginx/read-configuration.ts";
import { err, ok, type Result } from "../../src/std/result.ts";
import { testRows } from "./rows.ts";

/** Directives with braces, which the rows of a test stand in. */
const blocks: readonly AnyDirectiveRow[] = [
  ...testRows.filter(({ content }) => content?.kind === "directives"),
  {
    name: "app", contexts: ["main", "http"], arguments: { label: "name", countMin: 1, countMax: 1, parse: ok },
    content: { kind: "directives", context: "app" }, mayRepeat: true, merge: "none", module: "test", doc: "",
    example: "",
  },
];

/** Reads a whole configuration. @param files what it may include, by absolute path; it is in /etc/nginx itself */
export function readText(
  text: string, rows: readonly AnyDirectiveRow[], files: Readonly<Record<string, string>> = {},
): ReadConfiguration {
  const texts: Readonly<Record<string, string>> = { ...files, "/etc/nginx/nginx.conf": text };
  const readOne = (path: string): Result<string, string> => {
    const found = texts[path];
    return found === undefined ? err("2: No such file or directory") : ok(found);
  };
  // `server` in an upstream is another one than that of http.
  const around = blocks.filter(({ name, contexts }) =>
    !rows.some((row) => row.name === name && row.contexts.some((context) => contexts.includes(context))));
  const input = { path: "/etc/nginx/nginx.conf", parameter: undefined, files: { readText: readOne, glob: () => [] } };
  return readConfiguration(input, [...rows, ...around]);
}

/** Text around what stands in a block of this kind. */
export function textIn(context: Context, text: string): string {
  switch (context) {
    case "main": return text;
    case "events": return `events { ${text} }`;
    case "http": return `http { ${text} }`;
    case "server": return `http { server { ${text} } }`;
    case "location": return `http { server { location / { ${text} } } }`;
    case "upstream": return `http { upstream u { ${text} } }`;
    case "if": return `http { server { if ($a) { ${text} } } }`;
    case "if in location": return `http { server { location / { if ($a) { ${text} } } } }`;
    case "limit_except": return `http { server { location / { limit_except GET { ${text} } } } }`;
    case "acme_issuer": return `http { acme_issuer letsencrypt { ${text} } }`;
    case "app": return `app a { ${text} }`;
  }
}

/** The innermost block of a text that has no mistakes. Errors: throws with all of them. */
export function innermost(text: string, rows: readonly AnyDirectiveRow[]): Block {
  const { block, mistakes } = readText(text, rows);
  if (mistakes.length > 0) throw new Error(mistakes.map(({ message }) => message).join("\n"));
  let inner = block;
  for (;;) {
    const last = inner.directives.findLast((directive) => directive.block !== undefined)?.block;
    if (last === undefined) return inner;
    inner = last;
  }
}

/** nginx's words for what is wrong with a text. */
export function refusals(text: string, rows: readonly AnyDirectiveRow[]): readonly string[] {
  return readText(text, rows).mistakes.map(({ nginx }) => nginx);
}

/** What is wrong with the examples and defaults of rows, in each of their contexts; nothing, if all is well. */
export function exampleMistakes(rows: readonly AnyDirectiveRow[]): readonly string[] {
  return rows.flatMap((row) =>
    row.contexts.flatMap((context) => {
      const texts = [row.example, ...(row.default === undefined ? [] : [`${row.name} ${row.default};`])];
      const wrong = texts.flatMap((text) => refusals(textIn(context, text), rows));
      const named = row.example.startsWith(row.name) ? [] : [`it is no example: ${row.example}`];
      return [...wrong, ...named].map((what) => `${row.name} in ${context}: ${what}`);
    }));
}

/** Where rows say something else than nginx's reference about where a directive may stand; nothing, if all is well. */
export function contextMistakes(rows: readonly AnyDirectiveRow[]): readonly string[] {
  const known = knownDirectives();
  return rows.filter(({ module }) => module !== "tricorn").flatMap(({ name, module, contexts }) => {
    const wanted = known.get(name)?.find((candidate) => candidate.module === module)?.contexts ?? [];
    const both = [[...wanted].sort().join(", "), [...contexts].sort().join(", ")];
    return both[0] === both[1] ? [] : [`${name} of ${module}: ${both.join(" is not ")}`];
  });
}
