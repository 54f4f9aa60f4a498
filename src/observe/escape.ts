/**
 * How values of variables are written into logs (ngx_http_log_module, "log_format"), so that no client can end a line,
 * close a quote or move a terminal. Texts are bytes, one character each.
 */
import type { LogEscape } from "./settings.ts";

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const notPlain = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/** `escape=default`: quotes, backslashes, and what is not plain ASCII become \xHH. */
export function escapeDefault(text: string): string {
  return plain.test(text) ? text : text.replace(notPlain, (character) => `\\x${hex(character)}`);
}

// oxlint-disable-next-line no-control-regex
const jsonSpecial = /["\\\0-\x1f]/;
// oxlint-disable-next-line no-control-regex
const jsonSpecials = /["\\\0-\x1f]/g;

const jsonShort: Readonly<Record<string, string>> = {
  '"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f",
};

/** `escape=json`: what JSON does not allow in strings; bytes that are no UTF-8 stay, as in nginx. */
function escapeJson(text: string): string {
  if (!jsonSpecial.test(text)) return text;
  return text.replace(jsonSpecials, (character) => jsonShort[character] ?? `\\u00${hex(character)}`);
}

function hex(character: string): string {
  return character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0");
}

/** One of nginx's three ways, and what stands for a variable without a value. */
export const escapings: Readonly<Record<LogEscape, {
  readonly escape: (text: string) => string;
  readonly absent: string;
}>> = {
  default: { escape: escapeDefault, absent: "-" },
  json: { escape: escapeJson, absent: "" },
  none: { escape: (text) => text, absent: "" },
};
