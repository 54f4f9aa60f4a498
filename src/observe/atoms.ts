/**
 * gunicorn's formats (`access_log_format`): text with atoms such as `%(h)s` and `%({referer}i)s`.
 */
import { reasonPhrase } from "../http/status.ts";
import type { Evaluation, RequestFacts } from "../route/index.ts";
import { fromUtf8 } from "../std/bytes.ts";
import { escapeDefault } from "./escape.ts";
import type { LogTimes } from "./log-times.ts";

/** gunicorn's default, which is Apache's combined format: what the text "combined" stands for. */
export const COMBINED = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"';

type Atom = (facts: RequestFacts, times: LogTimes) => string;

/** @returns what makes a line of a request; undefined for one that was never answered */
export function compileAtoms(format: string, times: LogTimes): (evaluation: Evaluation) => string | undefined {
  const parts = cut(format === "combined" ? COMBINED : format);
  return ({ facts }) => {
    if (facts.status() === 0) return undefined;
    let line = "";
    for (const part of parts) line += typeof part === "string" ? part : part(facts, times);
    return line;
  };
}

/** Cuts a format into text and atoms. An unknown atom is "-", as in gunicorn. */
function cut(format: string): (string | Atom)[] {
  const parts: (string | Atom)[] = [];
  let at = 0;
  for (const match of format.matchAll(/%\(([^)]*)\)s|%%/g)) {
    parts.push(bytesOf(format.slice(at, match.index)));
    parts.push(match[1] === undefined ? "%" : atom(match[1]));
    at = match.index + match[0].length;
  }
  parts.push(bytesOf(format.slice(at)));
  return parts.filter((part) => part !== "");
}

function bytesOf(text: string): string {
  return fromUtf8(text).latin1Slice();
}

function atom(name: string): Atom {
  const field = /^\{([^}]+)\}([ioe])$/.exec(name);
  if (field !== null) {
    const key = (field[1] ?? "").toLowerCase();
    if (field[2] === "i") return (facts) => escapeDefault(facts.field(key) ?? "-");
    if (field[2] === "o") return (facts) => escapeDefault(facts.responseField(key) ?? "-");
    const value = escapeDefault(bytesOf(process.env[field[1] ?? ""] ?? "-"));
    return () => value;
  }
  return Object.hasOwn(atoms, name) ? (atoms[name] ?? absent) : absent;
}

function absent(): string {
  return "-";
}

/** gunicorn's atoms; times are those of the whole exchange. */
const atoms: Readonly<Record<string, Atom>> = {
  // gunicorn has no name for the peer of a Unix socket.
  h: ({ remote: { address } }) => (address === "" || address === "unix:" ? "-" : address),
  l: absent,
  u: (facts) => basicUser(facts.field("authorization")),
  t: (facts, times) => `[${times.local.at(facts.nowMs())}]`,
  r: ({ requestLine }) => escapeDefault(requestLine),
  m: ({ method }) => escapeDefault(method),
  U: ({ target }) => escapeDefault(pathOf(target)),
  q: ({ target }) => escapeDefault(target.slice(pathOf(target).length + 1)),
  H: ({ protocol }) => protocol,
  s: (facts) => String(facts.status()),
  st: (facts) => reasonPhrase(facts.status()),
  B: (facts) => String(facts.bodyBytesSent()),
  b: (facts) => (facts.bodyBytesSent() === 0 ? "-" : String(facts.bodyBytesSent())),
  f: (facts) => escapeDefault(facts.field("referer") ?? "-"),
  a: (facts) => escapeDefault(facts.field("user-agent") ?? "-"),
  T: (facts) => String(Math.floor(elapsedMs(facts) / 1000)),
  D: (facts) => String(Math.round(elapsedMs(facts) * 1000)),
  M: (facts) => String(Math.round(elapsedMs(facts))),
  L: (facts) => (elapsedMs(facts) / 1000).toFixed(6),
  p: (facts) => `<${facts.process.pid}>`,
};

/** Never below zero, for wall clocks go back. */
function elapsedMs(facts: RequestFacts): number {
  return Math.max(0, facts.nowMs() - facts.startMs);
}

function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}

/** Also of credentials without a password, which nginx's $remote_user does not name. */
function basicUser(authorization: string | undefined): string {
  const match = /^basic\s+(\S+)$/i.exec(authorization ?? "");
  if (match === null) return "-";
  const [user = ""] = Buffer.from(match[1] ?? "", "base64").toString("latin1").split(":");
  return user === "" ? "-" : escapeDefault(user);
}
