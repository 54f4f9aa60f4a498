/** Texts of file names in what is sent: URIs, HTML, JSON. All texts are one character a byte. */

/** As nginx escapes paths: what a browser would take for something else, controls and all that is not ASCII. */
const PATH_UNSAFE = /[\x00-\x20"#%<>?\\^`{|}\x7f-\xff]/g;
/** The same for one segment: everything but RFC 3986's unreserved characters. */
const SEGMENT_UNSAFE = /[^A-Za-z0-9\-._~]/g;

const HTML: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A path as it may stand in a Location field. */
export function escapePath(path: string): string {
  return path.replace(PATH_UNSAFE, percentEncoded);
}

/** A file's name as it may stand in a link, where it is one segment and no scheme. */
export function escapeSegment(name: string): string {
  return name.replace(SEGMENT_UNSAFE, percentEncoded);
}

/** Text between tags and in attributes of double quotes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => HTML[character] ?? character);
}

/** What stands between the quotes of a JSON string (RFC 8259 §7). */
export function escapeJson(text: string): string {
  return text.replace(/[\x00-\x1f"\\]/g, (character) => {
    if (character === '"' || character === "\\") return `\\${character}`;
    return JSON.stringify(character).slice(1, -1);
  });
}

function percentEncoded(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}
