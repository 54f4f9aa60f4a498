// A configuration for the tests of src/observe: a text, checked with the rows of logs and the blocks around them.
import type { Block } from "../../src/config/nginx/block.ts";
import { formatLanguageDiagnostics } from "../../src/config/nginx/language-diagnostic.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import { observeDirectives } from "../../src/observe/directives.ts";
import { err, ok } from "../../src/std/result.ts";
import { testRows } from "../conf/rows.ts";

const own = new Set(observeDirectives.map(({ name }) => name));
const rows = [...testRows.filter(({ name }) => !own.has(name)), ...observeDirectives];

/** The whole configuration, and what is wrong with it, as nginx and we say it. */
export function readLogs(text: string): { readonly block: Block; readonly mistakes: readonly string[] } {
  const files = {
    readText: (path: string) => (path === "/nginx.conf" ? ok(text) : err("2: No such file or directory")),
    glob: () => [],
  };
  const { block, mistakes } = readConfiguration({ path: "/nginx.conf", parameter: undefined, files }, rows);
  return { block, mistakes: mistakes.map((mistake) => formatLanguageDiagnostics([mistake])) };
}

/** The blocks inside, by the names of their directives: `http server location`. */
export function blockAt(block: Block, path: string): Block {
  let found = block;
  for (const name of path.split(" ").filter((word) => word !== "")) {
    const inner = found.directives.find(({ directive }) => directive.name.value === name)?.block;
    if (inner === undefined) throw new Error(`there is no ${name} in ${found.context}`);
    found = inner;
  }
  return found;
}
