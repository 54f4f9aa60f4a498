/**
 * A directory as a page, in exactly nginx's words and columns, because programs read them. Texts are one character a
 * byte, on the way in and out.
 */
import { formatHttpDate } from "../../http/date.ts";
import { fromLatin1, isUtf8 } from "../../std/bytes.ts";
import { MONTHS, twoDigits } from "../../std/date-parts.ts";
import { escapeHtml, escapeJson, escapeSegment } from "./escape.ts";
import type { AutoindexSettings } from "./settings.ts";

export interface DirectoryEntry {
  readonly name: string;
  readonly kind: "directory" | "file" | "other";
  readonly mtimeS: number;
  readonly size: number;
}

export interface DirectoryListing {
  /** Of the request. */
  readonly path: string;
  /** In any order. */
  readonly entries: readonly DirectoryEntry[];
  /** Count characters rather than bytes: the page is UTF-8. */
  readonly utf8: boolean;
  /** Of JSONP; "" makes plain JSON. */
  readonly callback: string;
}

/** Columns of a name; longer ones lose their end. */
const NAME_COLUMNS = 50;
const CUT = "..&gt;";
const SIZE_COLUMNS_EXACT = 19, SIZE_COLUMNS = 7;
/** From here on a size that is not exact has a unit. */
const PLAIN_SIZE_MAX = 9999;
const UNITS = [
  { size: 1024 ** 3, letter: "G" }, { size: 1024 ** 2, letter: "M" }, { size: 1024, letter: "K" },
] as const;

export function formatListing(listing: DirectoryListing, settings: AutoindexSettings): string {
  const entries = listing.entries.toSorted(compareEntries);
  switch (settings.format) {
    case "html": return htmlPage(listing, entries, settings);
    case "xml": return xmlPage(entries);
    case "json": return jsonPage(entries);
    case "jsonp":
      if (listing.callback === "") return jsonPage(entries);
      // The comment keeps the callback's name from being the first bytes of a Flash file.
      return `/* callback */\r\n${listing.callback}(${jsonPage(entries)});`;
  }
}

/** Directories first, then by bytes. */
function compareEntries(a: DirectoryEntry, b: DirectoryEntry): number {
  const order = Number(b.kind === "directory") - Number(a.kind === "directory");
  if (order !== 0) return order;
  return a.name < b.name ? -1 : 1;
}

function htmlPage(
  { path, utf8 }: DirectoryListing, entries: readonly DirectoryEntry[], settings: AutoindexSettings,
): string {
  const title = `Index of ${escapeHtml(path)}`;
  let page = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<h1>${title}</h1><hr><pre>` +
    `<a href="../">../</a>\r\n`;
  for (const entry of entries) page += htmlLine(entry, utf8, settings);
  return `${page}</pre><hr></body>\r\n</html>\r\n`;
}

function htmlLine(entry: DirectoryEntry, utf8: boolean, { exactSize, localtime }: AutoindexSettings): string {
  const slash = entry.kind === "directory" ? "/" : "";
  const { text, columns } = columnsOf(entry.name, slash, utf8);
  const blanks = " ".repeat(Math.max(0, NAME_COLUMNS - columns));
  const size = slash === "" ? sizeText(entry.size, exactSize) : "-";
  const width = exactSize ? SIZE_COLUMNS_EXACT : SIZE_COLUMNS;
  const date = dateText(entry.mtimeS, localtime);
  return `<a href="${escapeSegment(entry.name)}${slash}">${text}</a>${blanks} ${date} ${size.padStart(width)}\r\n`;
}

/** The name as it is shown, and how wide that is. */
function columnsOf(name: string, slash: string, utf8: boolean): { readonly text: string; readonly columns: number } {
  const characters = utf8 ? charactersOf(name) : undefined;
  const length = characters?.length ?? name.length;
  if (length > NAME_COLUMNS) {
    const kept = characters?.slice(0, NAME_COLUMNS - 3).join("") ?? name.slice(0, NAME_COLUMNS - 3);
    return { text: escapeHtml(kept) + CUT, columns: NAME_COLUMNS };
  }
  const shown = length < NAME_COLUMNS ? slash : "";
  return { text: escapeHtml(name) + shown, columns: length + shown.length };
}

/** The characters of UTF-8, each as its bytes; undefined when it is none. */
function charactersOf(name: string): readonly string[] | undefined {
  if (!/[\x80-\xff]/.test(name)) return undefined;
  const bytes = fromLatin1(name);
  return isUtf8(bytes, 0, bytes.length) ? name.match(/[^\x80-\xbf][\x80-\xbf]*/g) ?? undefined : undefined;
}

/** "21-Nov-2026 10:24". */
function dateText(seconds: number, local: boolean): string {
  const date = new Date(seconds * 1000);
  const [day, month, year, hour, minute] = local
    ? [date.getDate(), date.getMonth(), date.getFullYear(), date.getHours(), date.getMinutes()] as const
    : [date.getUTCDate(), date.getUTCMonth(), date.getUTCFullYear(), date.getUTCHours(), date.getUTCMinutes()] as const;
  return `${twoDigits(day)}-${MONTHS[month] ?? ""}-${year} ${twoDigits(hour)}:${twoDigits(minute)}`;
}

/** nginx rounds to the nearest unit, and shows the unit in the column that a plain number ends in. */
function sizeText(size: number, exact: boolean): string {
  if (exact) return String(size);
  for (const { size: unit, letter } of UNITS) {
    if (size >= unit && size > PLAIN_SIZE_MAX) return `${Math.floor(size / unit + 0.5)}${letter}`;
  }
  return String(size);
}

function jsonPage(entries: readonly DirectoryEntry[]): string {
  const lines = entries.map(({ name, kind, mtimeS, size }) => {
    const tail = kind === "file" ? `, "size":${size}` : "";
    return `{ "name":"${escapeJson(name)}", "type":"${kind}", "mtime":"${formatHttpDate(mtimeS)}"${tail} }`;
  });
  return `[\r\n${lines.join(",\r\n")}${lines.length === 0 ? "" : "\r\n"}]`;
}

function xmlPage(entries: readonly DirectoryEntry[]): string {
  let page = `<?xml version="1.0"?>\r\n<list>\r\n`;
  for (const { name, kind, mtimeS, size } of entries) {
    const time = new Date(mtimeS * 1000).toISOString().replace(/\.\d+Z$/, "Z");
    const tail = kind === "file" ? ` size="${size}"` : "";
    page += `<${kind} mtime="${time}"${tail}>${escapeHtml(name)}</${kind}>\r\n`;
  }
  return `${page}</list>\r\n`;
}
