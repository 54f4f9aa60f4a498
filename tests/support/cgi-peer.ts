// uwsgi's protocol and FastCGI as their other side sees them: by themselves, so that they share no mistake with ours.
// Texts have one character a byte.
import { record } from "../protocol/fastcgi.ts";
import type { SizeOf } from "./scripted-upstream.ts";

const headSize = 4;
const recordHeadSize = 8;
/** Types of FastCGI's records. */
const types = { begin: 1, end: 3, params: 4, stdin: 5, stdout: 6, stderr: 7 } as const;
const recordSizeMax = 65_535;

/** A request in uwsgi's protocol: its block of parameters, and a body of CONTENT_LENGTH. */
export const uwsgiSize: SizeOf = (text, of) => {
  const size = headSize + uint16(text, 1);
  if (text.length < headSize || text.length < size) return 0;
  const length = Number(uwsgiParams(text).find(([name]) => name === "CONTENT_LENGTH")?.[1] ?? 0);
  if (of === "head") return size;
  return text.length >= size + length ? size + length : 0;
};

/** A request in FastCGI: records to the end of its body. */
export const fastCgiSize: SizeOf = (text, of) => {
  for (const { type, content, end } of records(text)) {
    if (content === "" && type === (of === "head" ? types.params : types.stdin)) return end;
  }
  return 0;
};

/** What a request in uwsgi's protocol says, a line for each parameter, sorted since their order means nothing. */
export function describeUwsgi(text: string): string {
  if (uwsgiSize(text, "head") === 0) return `(not whole) ${text}`;
  const modifiers = `modifiers ${text.charCodeAt(0)} ${text.charCodeAt(3)}`;
  return [modifiers, ...sorted(uwsgiParams(text)), "", text.slice(headSize + uint16(text, 1))].join("\n");
}

/** The same of FastCGI; how its streams are cut into records means nothing. */
export function describeFastCgi(text: string): string {
  const all = [...records(text)];
  const stream = (type: number): string => all.filter((each) => each.type === type).map(({ content }) =>
    content).join("");
  const begin = all.find(({ type }) => type === types.begin)?.content ?? "";
  const isEnded = all.some(({ type, content }) => type === types.stdin && content === "");
  return [`role ${uint16(begin, 0, true)} flags ${begin.charCodeAt(2)}`,
    ...sorted(fastCgiParams(stream(types.params))), "",
    `${stream(types.stdin)}${isEnded ? "" : " (not whole)"}`].join("\n");
}

/** An answer in FastCGI, with what is said on the error stream before it. */
export function fastCgiAnswer(text: string, { stderr = "", status = 0 }: FastCgiEnd = {}): string {
  const parts: string[] = [];
  if (stderr !== "") parts.push(padded(types.stderr, stderr));
  for (let at = 0; at < text.length; at += recordSizeMax) {
    parts.push(padded(types.stdout, text.slice(at, at + recordSizeMax)));
  }
  const end = padded(types.end, `\0\0\0${String.fromCharCode(status)}\0\0\0\0`);
  return [...parts, padded(types.stdout, ""), end].join("");
}

interface FastCgiEnd {
  readonly stderr?: string;
  /** Of the application. */
  readonly status?: number;
}

/** A record of the first request, padded to eight bytes as many servers do. */
function padded(type: number, content: string): string {
  return record(type, content, { padding: (8 - (content.length % 8)) % 8 });
}

interface FastCgiRecord {
  readonly type: number;
  readonly content: string;
  /** Where the next one begins. */
  readonly end: number;
}

function* records(text: string): Generator<FastCgiRecord> {
  for (let at = 0; at + recordHeadSize <= text.length;) {
    const size = uint16(text, at + 4, true);
    const contentAt = at + recordHeadSize;
    const end = contentAt + size + text.charCodeAt(at + 6);
    if (end > text.length) return;
    yield { type: text.charCodeAt(at + 1), content: text.slice(contentAt, contentAt + size), end };
    at = end;
  }
}

function uwsgiParams(text: string): readonly (readonly [name: string, value: string])[] {
  const end = headSize + uint16(text, 1);
  const texts: string[] = [];
  for (let at = headSize; at < end;) {
    const size = uint16(text, at);
    texts.push(text.slice(at + 2, at + 2 + size));
    at += 2 + size;
  }
  return pairs(texts);
}

function fastCgiParams(text: string): readonly (readonly [name: string, value: string])[] {
  const texts: string[] = [];
  for (let at = 0; at < text.length;) {
    const sizes = [0, 0].map(() => {
      const first = text.charCodeAt(at);
      const isLong = first > 127;
      const size = isLong ? ((first & 127) << 24) | (text.charCodeAt(at + 1) << 16) | uint16(text, at + 2, true)
        : first;
      at += isLong ? 4 : 1;
      return size;
    });
    for (const size of sizes) {
      texts.push(text.slice(at, at + size));
      at += size;
    }
  }
  return pairs(texts);
}

function pairs(texts: readonly string[]): readonly (readonly [name: string, value: string])[] {
  return Array.from({ length: texts.length / 2 }, (_, index) => [texts[2 * index] ?? "", texts[2 * index + 1] ?? ""]);
}

function sorted(params: readonly (readonly [name: string, value: string])[]): readonly string[] {
  return params.map(([name, value]) => `${name}=${value}`).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** @param isBig the high byte comes first, as in FastCGI */
function uint16(text: string, at: number, isBig: boolean = false): number {
  const [first, second] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
  return isBig ? (first << 8) | second : first | (second << 8);
}
