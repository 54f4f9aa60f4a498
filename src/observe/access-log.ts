/**
 * One line for each response, written off the request path: lines gather in memory and leave together.
 *
 * Formats are gunicorn's: text with atoms such as `%(h)s`, `%({referer}i)s`; the word `combined` stands for
 * gunicorn's default, which is Apache's combined format.
 */
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { reasonPhrase } from "../http/status.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { ResponseHead } from "../http/response-head.ts";

/** What a line is made of. */
export interface LoggedExchange {
  readonly head: RequestHead;
  readonly peer: { readonly address: string };
  readonly status: number;
  readonly bytesSent: number;
  /** Monotonic milliseconds. */
  readonly startMs: number;
  readonly responseHead: ResponseHead | undefined;
}

export const COMBINED = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"';
/** Lines wait at most so long. */
const FLUSH_MS = 200;
/** Text that gathers before it is written at once. */
const BATCH_SIZE_MAX = 32_768;
/** When whoever reads the log does not keep up, lines beyond this are counted and dropped. */
const QUEUED_SIZE_MAX = 4_194_304;

type Atom = (exchange: LoggedExchange, endMs: number) => string;

export class AccessLog {
  readonly #path: string;
  readonly #atoms: readonly (string | Atom)[];
  #out: Writable;
  #batch = "";
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** @param path "-" for standard output; @param format gunicorn's atoms or "combined" */
  constructor(path: string, format: string) {
    this.#path = path;
    this.#atoms = compileFormat(format === "combined" ? COMBINED : format);
    this.#out = openLog(path);
  }

  record(exchange: LoggedExchange): void {
    if (exchange.status === 0) return;
    const endMs = performance.now();
    let line = "";
    for (const atom of this.#atoms) line += typeof atom === "string" ? atom : atom(exchange, endMs);
    this.#batch += `${line}\n`;
    if (this.#batch.length > BATCH_SIZE_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Writes what has gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batch === "") return;
    if (this.#out.writableLength > QUEUED_SIZE_MAX) {
      this.#dropped += this.#batch.split("\n").length - 1;
    } else {
      if (this.#dropped > 0) {
        this.#out.write(`# ${this.#dropped} lines were dropped: the log was not taken fast enough\n`);
        this.#dropped = 0;
      }
      this.#out.write(this.#batch);
    }
    this.#batch = "";
  }

  /** Opens the file again, under its name: what log rotation asks for. */
  reopen(): void {
    this.flush();
    if (this.#path === "-") return;
    this.#out.end();
    this.#out = openLog(this.#path);
  }

  /** Writes the rest. */
  async close(): Promise<void> {
    this.flush();
    if (this.#path === "-") return;
    await new Promise<void>((resolve) => {
      this.#out.end(resolve);
    });
  }
}

function openLog(path: string): Writable {
  if (path === "-") {
    // A reader that is gone must not end the server: the lines are lost, the answers are not.
    process.stdout.on("error", () => undefined);
    return process.stdout;
  }
  const out = createWriteStream(path, { flags: "a" });
  out.on("error", (error) => {
    process.stderr.write(`tricorn: the access log ${path} cannot be written: ${error.message}\n`);
  });
  return out;
}

/** Cuts a format into text and atoms. An unknown atom is "-", as in gunicorn. */
function compileFormat(format: string): (string | Atom)[] {
  const parts: (string | Atom)[] = [];
  let at = 0;
  for (const match of format.matchAll(/%\(([^)]*)\)s|%%/g)) {
    parts.push(format.slice(at, match.index));
    parts.push(match[1] === undefined ? "%" : atom(match[1]));
    at = match.index + match[0].length;
  }
  parts.push(format.slice(at));
  return parts.filter((part) => part !== "");
}

function responseField(head: ResponseHead | undefined, key: string): string | undefined {
  return head?.fields.find(([name]) => name.toLowerCase() === key)?.[1];
}

function atom(name: string): Atom {
  const field = /^\{([^}]+)\}([ioe])$/.exec(name);
  if (field !== null) {
    const key = (field[1] ?? "").toLowerCase();
    if (field[2] === "i") return ({ head }) => escapeText(head.fields.get(key) ?? "-");
    if (field[2] === "o") return ({ responseHead }) => escapeText(responseField(responseHead, key) ?? "-");
    return () => escapeText(process.env[field[1] ?? ""] ?? "-");
  }
  return ATOMS[name] ?? (() => "-");
}

/** gunicorn's atoms; times are those of the whole exchange. */
const ATOMS: Readonly<Record<string, Atom>> = {
  h: ({ peer }) => peer.address || "-",
  l: () => "-",
  u: ({ head }) => basicUser(head.fields.get("authorization")),
  t: () => `[${logTime(new Date())}]`,
  r: ({ head }) => escapeText(`${head.method} ${head.target} HTTP/1.${head.minorVersion}`),
  m: ({ head }) => escapeText(head.method),
  U: ({ head }) => escapeText(head.path),
  q: ({ head }) => escapeText(head.query),
  H: ({ head }) => `HTTP/1.${head.minorVersion}`,
  s: ({ status }) => String(status),
  st: ({ status }) => reasonPhrase(status),
  B: ({ bytesSent }) => String(bytesSent),
  b: ({ bytesSent }) => (bytesSent === 0 ? "-" : String(bytesSent)),
  f: ({ head }) => escapeText(head.fields.get("referer") ?? "-"),
  a: ({ head }) => escapeText(head.fields.get("user-agent") ?? "-"),
  T: ({ startMs }, endMs) => String(Math.floor((endMs - startMs) / 1000)),
  D: ({ startMs }, endMs) => String(Math.round((endMs - startMs) * 1000)),
  M: ({ startMs }, endMs) => String(Math.round(endMs - startMs)),
  L: ({ startMs }, endMs) => ((endMs - startMs) / 1000).toFixed(6),
  p: () => `<${process.pid}>`,
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** 21/Nov/2026:05:31:53 +0000 */
function logTime(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const offset = -now.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  return `${two(now.getDate())}/${MONTHS[now.getMonth()]}/${now.getFullYear()}:` +
    `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())} ${zone}`;
}

function basicUser(authorization: string | undefined): string {
  const match = /^basic\s+(\S+)$/i.exec(authorization ?? "");
  if (match === null) return "-";
  const [user = ""] = Buffer.from(match[1] ?? "", "base64").toString("latin1").split(":");
  return user === "" ? "-" : escapeText(user);
}

/** A client cannot forge a line or move a terminal: quotes and what is not plain ASCII become \xHH, as in nginx. */
function escapeText(text: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) return text;
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, (character) =>
    `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
