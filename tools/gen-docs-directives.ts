// The reference pages of directives, from their rows: one page for each of nginx's modules, and an index.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AnyDirectiveRow } from "../src/config/nginx/directive-row.ts";
import { siteDirectives } from "../src/site/index.ts";
import { root } from "./venv.ts";

/** Where the pages lie, from the root. */
export const directivesFolder = "docs/directives";

const note = "<!-- Written by `npm run docs` from the rows in src/*/directives*.ts: change them there. -->";

/** Every page by its path from the root. */
export function directivePages(rows: readonly AnyDirectiveRow[] = siteDirectives): ReadonlyMap<string, string> {
  const modules = Map.groupBy(rows, ({ module }) => module);
  const names = [...modules.keys()].sort();
  const pages = new Map([[`${directivesFolder}/README.md`, indexPage(rows, names)]]);
  for (const name of names) pages.set(`${directivesFolder}/${name}.md`, modulePage(name, modules.get(name) ?? []));
  return pages;
}

/** What is in the folder now, by its path from the root. */
export function writtenPages(): ReadonlyMap<string, string> {
  const paths = readdirSync(join(root, directivesFolder)).map((name) => `${directivesFolder}/${name}`);
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

const sorted = (rows: readonly AnyDirectiveRow[]): readonly AnyDirectiveRow[] =>
  rows.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));

function modulePage(module: string, rows: readonly AnyDirectiveRow[]): string {
  const title = module === "tricorn" ? "Directives of Tricorn's own" : module;
  const intro = module === "tricorn"
    ? "What nginx does not have: applications, and what is said about them and their clients.\n"
    : "";
  return `# ${title}\n\n${note}\n\n${intro === "" ? "" : `${intro}\n`}${sorted(rows).map(section).join("\n")}`;
}

function section(row: AnyDirectiveRow): string {
  const { name, contexts, content, arguments: { label } } = row;
  const end = content === undefined ? ";" : " { … }";
  const facts = [
    `\`${name}${label === "" ? "" : ` ${label}`}${end}\``,
    row.default === undefined ? undefined : `default \`${row.default}\``,
    `in ${contexts.join(", ")}`,
    row.mayRepeat === true ? "several times" : undefined,
    inheritance(row),
  ];
  const effect = row.withoutEffect === undefined ? "" : `\n**Without effect here**: ${sentence(row.withoutEffect)}\n`;
  const line = facts.filter((fact) => fact !== undefined).join(" · ");
  return `## ${name}\n\n${row.doc}\n${effect}\n${line}\n\n\`\`\`nginx\n${row.example}\n\`\`\`\n`;
}

/** Said only where blocks within its contexts could take it from those around. */
function inheritance({ merge, contexts }: AnyDirectiveRow): string | undefined {
  const nests = contexts.filter((context) => ["main", "http", "server", "location"].includes(context)).length > 1;
  if (merge === "nearest") return nests ? "taken from the nearest block around" : undefined;
  return nests ? "not taken from blocks around" : undefined;
}

function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}

function indexPage(rows: readonly AnyDirectiveRow[], modules: readonly string[]): string {
  const link = ({ name, module }: AnyDirectiveRow): string => `[${name}](${module}.md#${name})`;
  const quiet = sorted(rows).filter(({ withoutEffect }) => withoutEffect !== undefined);
  const byModule = modules.map((module) => {
    const own = sorted(rows.filter((row) => row.module === module));
    return `| [${module}](${module}.md) | ${[...new Set(own.map(link))].join(", ")} |\n`;
  });
  return `# Directives

${note}

What may stand in a configuration file (docs/nginx.md). Names, arguments and defaults are nginx's; where one is not, its
sentence says so. A directive of nginx that is not listed is refused by name, with advice. \`tricorn -c FILE --explain\`
lists what of a file has no effect here.

| module | directives |
| --- | --- |
${byModule.join("")}
## Accepted without effect

| directive | why |
| --- | --- |
${quiet.map((row) => `| ${link(row)} | ${row.withoutEffect ?? ""} |\n`).join("")}`;
}
