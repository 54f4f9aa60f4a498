// `npm run docs`: writes docs/options.md from the rows of options, and docs/directives from those of directives.
// tools/gen-docs.test.ts fails while a page is not current.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { foreignOptions } from "../src/cli/options.ts";
import { type AnyRow, optionGroups } from "../src/config/directive.ts";
import { environmentName } from "../src/config/environment.ts";
import { optionRows } from "../src/options.ts";
import { directivePages, directivesFolder, writtenPages } from "./gen-docs-directives.ts";
import { root } from "./venv.ts";

/** Where the page lies, from the root. */
export const optionsPath = "docs/options.md";

/** @returns the reference of all options, as Markdown */
export function optionsPage(): string {
  const groups = optionGroups.map((group) => {
    const rows = optionRows.filter((row) => row.group === group);
    return `## ${group}\n\n${rows.map(section).join("\n")}`;
  });
  return `${introduction}\n${groups.join("\n")}\n${foreign()}`;
}

const introduction = `# Options

<!-- Written by \`npm run docs\` from the rows in src/*/options.ts: change them there. -->

\`tricorn [APP] [options]\`. What each is set to, and by whom, is printed by \`tricorn … --print-config\`; what all of
them say as directives of a file, by \`tricorn … -T\`. With a file (\`tricorn -c FILE\`, docs/nginx.md) there are none.

- **Names** are gunicorn's, uvicorn's or nginx's. A long option may be written \`--name value\` or \`--name=value\`, a
  switch \`--name\` or \`--no-name\`. Names are never abbreviated; an option given twice is an error, except those that
  say that they may be given several times.
- **Environment**: every option can be set there, \`--max-requests 100\` as \`TRICORN_MAX_REQUESTS=100\`; an empty
  variable counts as not set, a switch takes \`on\` or \`off\`. The command line wins over \`TRICORN_*\`, and that
  over the platforms' own variables (\`PORT\`, \`WEB_CONCURRENCY\`, \`FORWARDED_ALLOW_IPS\`).
- **Sizes** are \`4096\`, \`64k\`, \`10m\` or \`1g\`.
- **Times** are \`30\` (seconds), \`500ms\`, \`30s\`, \`5m\`, \`1h\` or \`1h30m\`.
- A value that makes no sense, or an unknown name, ends the start with exit status 2 and a hint.
`;

function section(row: AnyRow): string {
  const { kind, label } = row.argument;
  const short = row.short === undefined ? [] : [`-${row.short}`];
  const spellings = [...short, ...(row.aliases ?? []).map((name) => `--${name}`)];
  const facts = [
    kind === "switch" ? "switch" : `takes \`${label}\``,
    row.default === undefined || row.default === "" ? undefined : `default \`${row.default}\``,
    listed("also", spellings),
    row.group === "Information" ? undefined : listed("environment", [environmentName(row), ...(row.environment ?? [])]),
    row.nginx === undefined ? undefined : `nginx \`${row.nginx}\``,
  ];
  const line = facts.filter((fact) => fact !== undefined).join(" · ");
  return `### --${row.name}\n\n${row.doc}\n\n${line}\n\n\`\`\`sh\n${row.example}\n\`\`\`\n`;
}

function listed(what: string, words: readonly string[]): string | undefined {
  return words.length === 0 ? undefined : `${what} ${words.map((word) => `\`${word}\``).join(", ")}`;
}

function foreign(): string {
  const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(", ");
  const rows = foreignOptions.map(({ names, hint }) => `| ${quoted(names)} | ${hint} |\n`);
  return `## Options of others

These are known and refused, with this advice.

| option | instead |
| --- | --- |
${rows.join("")}`;
}

if (import.meta.main) {
  writeFileSync(join(root, optionsPath), optionsPage());
  mkdirSync(join(root, directivesFolder), { recursive: true });
  const pages = directivePages();
  for (const path of writtenPages().keys()) if (!pages.has(path)) rmSync(join(root, path));
  for (const [path, text] of pages) writeFileSync(join(root, path), text);
}
