// Answers in a form that can be compared: what must differ between two servers is made equal, and nothing else. The
// list of what is made equal is the first chapter of docs/differences.md.

export interface Answer {
  readonly statusLine: string;
  /** Sorted by name; those of one name keep their order. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

export interface Heard {
  readonly answers: readonly Answer[];
  /** Bytes that are no answer, as HTTP/0.9 has them. */
  readonly rest: string;
  readonly end: "closed" | "open";
}

interface Raw {
  /** Of an answer to HEAD, which shows only the fields of a body. */
  readonly isHead: boolean;
  readonly statusLine: string;
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
}

/**
 * Cuts what a server said into answers.
 * @param text one character a byte
 * @param methods of the requests, in their order: an answer to HEAD has no body
 */
export function cut(text: string, methods: readonly string[]): { answers: readonly Raw[]; rest: string } {
  const answers: Raw[] = [];
  let rest = text;
  let final = 0;
  while (/^HTTP\/\d\.\d \d{3}/.test(rest)) {
    const headEnd = rest.indexOf("\r\n\r\n");
    if (headEnd < 0) break;
    const [statusLine = "", ...fields] = rest.slice(0, headEnd).split("\r\n");
    rest = rest.slice(headEnd + 4);
    const status = Number(statusLine.slice(9, 12));
    const isHead = (methods[final] ?? methods.at(-1)) === "HEAD";
    if (status >= 200) final += 1;
    let body = "";
    let trailers: readonly string[] = [];
    const value = (name: string): string | undefined =>
      fields.find((field) => field.toLowerCase().startsWith(`${name}: `))?.slice(name.length + 2);
    if (isHead || status < 200 || status === 204 || status === 304) {
      body = "";
    } else if (value("transfer-encoding") === "chunked") {
      ({ body, trailers, rest } = cutChunks(rest));
    } else {
      const length = value("content-length");
      body = length === undefined ? rest : rest.slice(0, Number(length));
      rest = rest.slice(body.length);
    }
    answers.push({ isHead, statusLine, fields, body, trailers });
  }
  return { answers, rest };
}

function cutChunks(text: string): { body: string; trailers: readonly string[]; rest: string } {
  let body = "";
  let at = 0;
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(text.slice(at, lineEnd), 16);
    // A chunk that is not whole is shown as it is, and so differs from one that is.
    if (Number.isNaN(size)) return { body: body + text.slice(at), trailers: ["(the last chunk is missing)"], rest: "" };
    at = lineEnd + 2;
    if (size === 0) break;
    body += text.slice(at, at + size);
    at += size + 2;
  }
  const trailerEnd = text.startsWith("\r\n", at) ? at : text.indexOf("\r\n\r\n", at) + 2;
  const trailers = text.slice(at, trailerEnd).split("\r\n").filter((line) => line !== "");
  return { body, trailers, rest: text.slice(trailerEnd + 2) };
}

/** What of a server's own stands in its answers. */
export interface Own {
  readonly ports: readonly number[];
  readonly prefix: string;
  /** Further texts that differ by nature in this case. */
  readonly masks: readonly RegExp[];
}

const nginxPage = new RegExp([
  "<html>", "<head><title>[^<]*</title></head>", "<body>", "<center><h1>[^<]*</h1></center>",
  "(?:<center>[^<]*</center>\r\n)?<hr><center>nginx[^<]*</center>", "</body>", "</html>",
  "(?:<!-- a padding [^>]*-->\r\n)*$",
].join("\r\n").replace(/^/, "^"));
const ourPage = /^<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>[^<]*<\/title><\/head>\n/;
const datePattern = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** @returns the text without what is each server's own: folders, ports, and what a case says */
export function masked(text: string, { ports, prefix, masks }: Own): string {
  let result = text.replaceAll(prefix, "<prefix>");
  for (const [index, port] of ports.entries()) result = result.replaceAll(String(port), `<port ${index + 1}>`);
  for (const mask of masks) result = result.replaceAll(mask, "<masked>");
  return result;
}

/** @returns the answer with everything made equal that must differ */
export function comparable(raw: Raw, own: Own): Answer {
  const { statusLine, fields, body, trailers } = raw;
  const isOwnPage = nginxPage.test(body) || ourPage.test(body) || mayBeOwnPage(raw);
  const changed = fields.flatMap((field): string | readonly string[] => {
    const colon = field.indexOf(": ");
    const name = field.slice(0, colon).toLowerCase();
    const value = field.slice(colon + 2);
    if (name === "date") return datePattern.test(value) ? "date: <now>" : field;
    if (name === "server") return "server: <its name>";
    if (name === "allow" && statusLine.startsWith("HTTP/1.1 405")) return [];
    if (isOwnPage && (name === "content-type" || name === "content-length")) return `${name}: <of an own page>`;
    if (name === "content-length" && masked(body, own) !== body) return `${name}: <masked>`;
    return masked(field, own);
  });
  return {
    statusLine,
    fields: changed.sort((a, b) => compare(nameOf(a), nameOf(b))),
    body: isOwnPage && body !== "" ? "<an own page>" : masked(body, own),
    trailers: trailers.map((trailer) => masked(trailer, own)),
  };
}

/** Reason phrases of nginx that are those of older RFCs. */
const olderPhrases: Readonly<Record<string, string>> = {
  "302 Moved Temporarily": "302 Found", "405 Not Allowed": "405 Method Not Allowed",
  "408 Request Time-out": "408 Request Timeout", "413 Request Entity Too Large": "413 Content Too Large",
  "414 Request-URI Too Large": "414 URI Too Long", "416 Requested Range Not Satisfiable": "416 Range Not Satisfiable",
  "503 Service Temporarily Unavailable": "503 Service Unavailable", "504 Gateway Time-out": "504 Gateway Timeout",
};

/**
 * What nginx said as if it had said it in our way, where it is the same: with a length where Tricorn knows one, without
 * the field that says what HTTP/1.1 means anyway, and with the newer reason phrases.
 */
export function inOurWay(theirs: Heard, ours: Heard): Heard {
  const answers = theirs.answers.map((answer, index): Answer => {
    const other = ours.answers[index];
    if (other === undefined) return answer;
    const newer = `HTTP/1.1 ${olderPhrases[answer.statusLine.slice(9)]}`;
    let { fields } = answer;
    if (!other.fields.some((field) => nameOf(field) === "connection")) {
      fields = fields.filter((field) => field !== "Connection: keep-alive");
    }
    const length = other.fields.find((field) => nameOf(field) === "content-length");
    if (fields.includes("Transfer-Encoding: chunked") && answer.trailers.length === 0 && length !== undefined) {
      const known = length.endsWith(">") ? length : `Content-Length: ${Buffer.byteLength(answer.body, "latin1")}`;
      fields = [...fields.filter((field) => field !== "Transfer-Encoding: chunked"), known];
    }
    return {
      ...answer, fields: [...fields].sort((a, b) => compare(nameOf(a), nameOf(b))),
      statusLine: newer === other.statusLine ? newer : answer.statusLine,
    };
  });
  return { ...theirs, answers };
}

/** The answer to a HEAD that is refused or sent elsewhere: by its type. */
function mayBeOwnPage({ isHead, statusLine, fields }: Raw): boolean {
  return isHead && /^.{9}[345]/.test(statusLine) && fields.some((field) => /^content-type: text\/html\b/i.test(field));
}

function nameOf(field: string): string {
  return field.slice(0, field.indexOf(":")).toLowerCase();
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
