// `node tools/gen-mime-types.ts`: writes src/handlers/static/mime-types.ts from the package mime-db, so that the
// program itself needs no package and no half megabyte of objects. To be run again when mime-db gets a new version.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

interface MimeDbEntry {
  readonly source?: "iana" | "apache" | "nginx";
  readonly extensions?: readonly string[];
}

const target = join(dirname(import.meta.dirname), "src/handlers/static/mime-types.ts");
const columnsMax = 116;

/** Where several types claim an extension: what nginx's mime.types says, or what browsers take the file for. */
const preferred: Readonly<Record<string, string>> = {
  "3gpp": "video/3gpp", asc: "application/pgp-signature", ico: "image/x-icon", key: "application/vnd.apple.keynote",
  m4a: "audio/x-m4a", mp4: "video/mp4", mpg4: "video/mp4", mts: "video/mp2t", ra: "audio/x-realaudio",
  rtf: "application/rtf", sub: "text/vnd.dvb.subtitle", wmz: "application/x-ms-wmz", xml: "text/xml",
};
const rank = { iana: 3, apache: 2, nginx: 1 } as const;

/** @returns the whole file */
export function formatMimeTypes(): string {
  const require = createRequire(import.meta.url);
  const database = require("mime-db/db.json") as Readonly<Record<string, MimeDbEntry>>;
  const { version } = require("mime-db/package.json") as { readonly version: string };
  const byExtension = new Map<string, { readonly type: string; readonly rank: number }>();
  for (const [type, { source, extensions = [] }] of Object.entries(database)) {
    for (const extension of extensions) {
      const own = preferred[extension] === type ? 4 : source === undefined ? 0 : rank[source];
      if (own > (byExtension.get(extension)?.rank ?? -1)) byExtension.set(extension, { type, rank: own });
    }
  }
  const byType = Map.groupBy(byExtension, ([, { type }]) => type);
  const entries = [...byType].sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([type, extensions]) => `${type} ${extensions.map(([extension]) => extension).sort().join(" ")};`);
  const lines = [""];
  for (const word of entries.join(" ").split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + word.length >= columnsMax) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return `/**
 * Media types by extension: the usual database, mime-db ${version} (MIT), in the words of nginx's \`types\`.
 * Made by tools/gen-mime-types.ts; do not edit.
 */
const TYPES = \`
${lines.join("\n")}
\`;

/** The database as settings want it. */
export function usualTypes(): Readonly<Record<string, string>> {
  const types: Record<string, string> = {};
  for (const entry of TYPES.split(";")) {
    const [type = "", ...extensions] = entry.trim().split(/\\s+/);
    for (const extension of extensions) types[extension] = type;
  }
  return types;
}
`;
}

if (import.meta.main) writeFileSync(target, formatMimeTypes());
