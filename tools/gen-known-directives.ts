// `node tools/gen-known-directives.ts FILE`: writes src/config/nginx/known-directives.json from a table of all of
// nginx's directives: an object from each name to its variants, { mod, syn, cx } for module, syntaxes and contexts, as
// they stand in the reference on nginx.org. Only these facts are taken, none of the prose.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./venv.ts";

interface Variant {
  readonly mod: string;
  readonly syn: readonly string[];
  readonly cx: readonly string[];
}

/** Where the result lies, from the root. */
const knownDirectivesPath = "src/config/nginx/known-directives.json";

/** @returns the lines that src/config/nginx/known-directives.ts reads, with their origin */
export function knownDirectivesText(table: Readonly<Record<string, readonly Variant[]>>): string {
  const byModule = new Map<string, string[]>();
  for (const [name, variants] of Object.entries(table)) {
    for (const { mod, syn, cx } of variants) {
      const lines = byModule.get(mod) ?? [];
      byModule.set(mod, lines);
      lines.push([name, cx.join(","), ...syn].join("\t"));
    }
  }
  const modules = [...byModule].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = modules.flatMap(([name, directives]) => [name, ...directives.sort()]);
  const origin = {
    source: "The reference on nginx.org (github.com/nginx/nginx.org): names, modules, contexts and syntax only.",
    licence: "BSD-2-Clause, Copyright (C) Nginx, Inc.; (C) Igor Sysoev",
    writtenBy: "tools/gen-known-directives.ts",
    format: "A line without tabs is a module; each line below it is a directive: name, contexts, syntaxes.",
  };
  return `${JSON.stringify({ ...origin, lines }, undefined, 1)}\n`;
}

if (import.meta.main) {
  const path = process.argv[2];
  if (path === undefined) {
    process.stderr.write("usage: node tools/gen-known-directives.ts directives.json\n");
    process.exitCode = 2;
  } else {
    const table = JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, readonly Variant[]>>;
    writeFileSync(join(root, knownDirectivesPath), knownDirectivesText(table));
  }
}
