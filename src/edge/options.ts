/**
 * The edge's options: threads, HTTP's limits and timeouts, what proxies in front may say, what responses carry.
 */
import { count, countOrAuto, duration, network, onOff, pair, size, sizeOrUnlimited } from "../config/arguments.ts";
import type { AnyRow, Argument, DefaultedRow, OptionRow } from "../config/directive.ts";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues } from "../config/option-values.ts";
import { directive, onOffWord, sizeWord, timeWord, withoutVariables } from "../config/statements.ts";
import { err, ok } from "../std/result.ts";
import { parseSize } from "../std/units.ts";

export const workerProcessesRow: DefaultedRow<number | "auto"> = {
  name: "worker-processes",
  // The number of an edge thread has six bits on the wire: docs/wire.md.
  argument: countOrAuto({ min: 1, max: 64 }),
  default: "1",
  group: "Edge",
  doc: "Threads that talk to clients; auto: one for each processor. One is enough for most Python applications.",
  example: "tricorn shop.wsgi -w 16 --worker-processes 4",
  nginx: "worker_processes",
};

const requestLineRow: DefaultedRow<number> = {
  name: "limit-request-line",
  argument: size({ min: 256, max: 65_536 }),
  // nginx: one of large_client_header_buffers, 8k; gunicorn 4094. Apache's number, which many URLs were cut to fit.
  default: "8190",
  group: "Limits",
  doc: "Bytes of a request line; longer ones get 414.",
  example: "tricorn shop.wsgi --limit-request-line 16k",
};

const fieldCountRow: DefaultedRow<number> = {
  name: "limit-request-fields",
  aliases: ["max-headers"],
  argument: count({ min: 1, max: 1000 }),
  // gunicorn 100, nginx (max_headers) 1000. Browsers send some 20, chains of proxies double them.
  default: "128",
  group: "Limits",
  doc: "Fields of a request's head; more get 431.",
  example: "tricorn shop.wsgi --limit-request-fields 200",
  nginx: "max_headers",
};

const fieldSizeRow: DefaultedRow<number> = {
  name: "limit-request-field-size",
  aliases: ["limit-request-field_size"],
  argument: size({ min: 64, max: 65_536 }),
  default: "8190",
  group: "Limits",
  doc: "Bytes of one field, name and value; longer ones get 431.",
  example: "tricorn shop.wsgi --limit-request-field-size 16k",
};

const headSizeRow: DefaultedRow<number> = {
  name: "large-client-header-buffers",
  argument: headSize(),
  default: "4x8k",
  group: "Limits",
  doc: "Bytes of the whole head of a request, as nginx's NUMBERxSIZE or as their product; more get 431.",
  example: "tricorn shop.wsgi --large-client-header-buffers 4x16k",
  nginx: "large_client_header_buffers",
};

const clientMaxBodySizeRow: DefaultedRow<number> = {
  name: "client-max-body-size",
  argument: sizeOrUnlimited(),
  // Deviates: nginx has 1m, gunicorn and uvicorn no limit. Applications that run today must go on accepting their
  // uploads; this one only keeps a single request from filling the disk that bodies are spooled to.
  default: "10g",
  group: "Limits",
  doc: "Bytes of a request's body, large ones being spooled to the temporary directory; more get 413. 0: no limit.",
  example: "tricorn shop.wsgi --client-max-body-size 50m",
  nginx: "client_max_body_size",
};

const clientBodyBufferSizeRow: DefaultedRow<number> = {
  name: "client-body-buffer-size",
  argument: size({ min: 1024, max: 1_048_576 }),
  // nginx: two pages, 16k. Forms and JSON are mostly below 64k, and one frame on the wire carries that much at once.
  default: "64k",
  group: "Limits",
  doc: "Bodies up to this size stay in memory, larger ones go to a file.",
  example: "tricorn shop.wsgi --client-body-buffer-size 256k",
  nginx: "client_body_buffer_size",
};

const keepaliveRequestsRow: DefaultedRow<number> = {
  name: "keepalive-requests",
  argument: count({ min: 1, max: 2 ** 31 - 1 }),
  // nginx: 1000, for memory that its connections keep. gunicorn and uvicorn have no limit, and a page over HTTP/2 may
  // ask for hundreds of things on one connection.
  default: "100000",
  group: "Limits",
  doc: "Requests that one connection may carry before it is closed.",
  example: "tricorn shop.wsgi --keepalive-requests 1000",
  nginx: "keepalive_requests",
};

const underscoresRow: DefaultedRow<boolean> = {
  name: "underscores-in-headers",
  argument: onOff(),
  default: "off",
  group: "Limits",
  doc: "Pass on fields with underscores in their names, which WSGI cannot tell from dashes. Off: drop them.",
  example: "tricorn shop.wsgi --underscores-in-headers",
  nginx: "underscores_in_headers",
};

const clientHeaderTimeoutRow: DefaultedRow<number> = {
  name: "client-header-timeout",
  argument: duration({ minMs: 1 }),
  default: "60s",
  group: "Timeouts",
  doc: "A request's head must be complete so long after its first byte, else 408.",
  example: "tricorn shop.wsgi --client-header-timeout 10s",
  nginx: "client_header_timeout",
};

const clientBodyTimeoutRow: DefaultedRow<number> = {
  name: "client-body-timeout",
  argument: duration({ minMs: 1 }),
  default: "60s",
  group: "Timeouts",
  doc: "Longest silence between two pieces of a body, else 408.",
  example: "tricorn shop.wsgi --client-body-timeout 20s",
  nginx: "client_body_timeout",
};

const sendTimeoutRow: DefaultedRow<number> = {
  name: "send-timeout",
  argument: duration({ minMs: 1 }),
  default: "60s",
  group: "Timeouts",
  doc: "A client that takes nothing of its response for so long is cut off.",
  example: "tricorn shop.wsgi --send-timeout 20s",
  nginx: "send_timeout",
};

const keepAliveRow: DefaultedRow<number> = {
  name: "keep-alive",
  aliases: ["keepalive-timeout", "timeout-keep-alive"],
  argument: duration({ minMs: 0 }),
  // nginx. gunicorn's 2 s and uvicorn's 5 s are shorter than what balancers in front hold connections for, hence 502s.
  default: "75s",
  group: "Timeouts",
  doc: "How long an idle connection is kept for the next request; 0: not at all.",
  example: "tricorn shop.wsgi --keep-alive 5",
  nginx: "keepalive_timeout",
};

const keepaliveTimeRow: DefaultedRow<number> = {
  name: "keepalive-time",
  argument: duration({ minMs: 1 }),
  default: "1h",
  group: "Timeouts",
  doc: "A connection older than this is closed after its next response.",
  example: "tricorn shop.wsgi --keepalive-time 10m",
  nginx: "keepalive_time",
};

const proxyHeadersRow: DefaultedRow<boolean> = {
  name: "proxy-headers",
  argument: onOff(),
  default: "on",
  group: "Proxies in front",
  doc: "Believe X-Forwarded-For and X-Forwarded-Proto from the peers named next.",
  example: "tricorn shop.wsgi --no-proxy-headers",
};

const forwardedAllowIpsRow: OptionRow<string> = {
  name: "forwarded-allow-ips",
  environment: ["FORWARDED_ALLOW_IPS"],
  argument: network(),
  separator: ",",
  default: "127.0.0.1,::1",
  group: "Proxies in front",
  doc: "Addresses and networks of those peers, with commas; *: everybody.",
  example: "tricorn shop.wsgi --forwarded-allow-ips 10.0.0.0/8,127.0.0.1",
  nginx: "set_real_ip_from",
};

const serverHeaderRow: DefaultedRow<boolean> = {
  name: "server-header",
  argument: onOff(),
  default: "on",
  group: "Responses",
  doc: "Send `Server: tricorn` unless the application sends its own.",
  example: "tricorn shop.wsgi --no-server-header",
  nginx: "server_tokens",
};

const dateHeaderRow: DefaultedRow<boolean> = {
  name: "date-header",
  argument: onOff(),
  default: "on",
  group: "Responses",
  doc: "Send `Date` unless the application sends its own.",
  example: "tricorn shop.wsgi --no-date-header",
};

const headerRow: OptionRow<readonly [name: string, value: string]> = {
  name: "header",
  argument: field(),
  separator: "\n",
  group: "Responses",
  doc: "Add a field to every response; may be given several times.",
  example: "tricorn shop.wsgi --header 'X-Frame-Options: DENY'",
  nginx: "add_header",
};

export const edgeRows: readonly AnyRow[] = [
  workerProcessesRow,
  requestLineRow,
  fieldCountRow,
  fieldSizeRow,
  headSizeRow,
  clientMaxBodySizeRow,
  clientBodyBufferSizeRow,
  keepaliveRequestsRow,
  underscoresRow,
  clientHeaderTimeoutRow,
  clientBodyTimeoutRow,
  sendTimeoutRow,
  keepAliveRow,
  keepaliveTimeRow,
  proxyHeadersRow,
  forwardedAllowIpsRow,
  serverHeaderRow,
  dateHeaderRow,
  headerRow,
];

/** What stands in `http` about HTTP, responses and proxies in front. */
export function httpStatements(values: OptionValues, report: (diagnostic: Diagnostic) => void): readonly Statement[] {
  const requestLineSizeMax = values.one(requestLineRow);
  const fieldSizeMax = values.one(fieldSizeRow);
  const headSize = values.one(headSizeRow);
  const lineSizeMax = Math.max(requestLineSizeMax, fieldSizeMax);
  if (headSize < lineSizeMax) {
    report(
      error(
        `--large-client-header-buffers allows ${headSize} bytes in all, but a line may have ${lineSizeMax}`,
        `raise it to ${lineSizeMax} at least, or lower --limit-request-line and --limit-request-field-size`,
      ),
    );
  }
  const bodySizeMax = values.one(clientMaxBodySizeRow);
  return [
    directive("limit_request_line", requestLineSizeMax),
    directive("max_headers", values.one(fieldCountRow)),
    directive("limit_request_field_size", fieldSizeMax),
    directive("large_client_header_buffers", ...bufferWords(headSize)),
    directive("client_max_body_size", bodySizeMax === Number.MAX_SAFE_INTEGER ? 0 : sizeWord(bodySizeMax, true)),
    directive("client_body_buffer_size", sizeWord(values.one(clientBodyBufferSizeRow))),
    directive("keepalive_requests", values.one(keepaliveRequestsRow)),
    directive("underscores_in_headers", onOffWord(values.one(underscoresRow))),
    directive("client_header_timeout", timeWord(values.one(clientHeaderTimeoutRow))),
    directive("client_body_timeout", timeWord(values.one(clientBodyTimeoutRow))),
    directive("send_timeout", timeWord(values.one(sendTimeoutRow))),
    directive("keepalive_timeout", timeWord(values.one(keepAliveRow))),
    directive("keepalive_time", timeWord(values.one(keepaliveTimeRow))),
    directive("forwarded_allow_ips", ...trustedWords(values)),
    directive("server_tokens", values.one(serverHeaderRow) ? "off" : "none"),
    directive("date_header", onOffWord(values.one(dateHeaderRow))),
    ...values.all(headerRow).map(([name, value]) => directive("add_header", name, withoutVariables(value), "always")),
  ];
}

/** A head's size as nginx writes it: four buffers where it can be divided so. */
function bufferWords(size: number): readonly [number: number, size: string] {
  return size % 4 === 0 ? [4, sizeWord(size / 4)] : [1, sizeWord(size)];
}

function trustedWords(values: OptionValues): readonly string[] {
  const peers = values.one(proxyHeadersRow) ? values.all(forwardedAllowIpsRow) : [];
  return peers.length === 0 ? ["off"] : peers;
}

/** A head is held in memory as a whole. */
const headSizeMax = 1_048_576;

function headSize(): Argument<number> {
  return {
    kind: "value",
    label: "NxSIZE",
    parse: (given) => {
      const [, number = "1", sizeText = ""] = /^(?:(\d{1,4})[x\s]+)?(\w+)$/i.exec(given) ?? [];
      const one = parseSize(sizeText);
      const bytes = one.ok ? one.value * Number(number) : 0;
      return bytes >= 1024 && bytes <= headSizeMax
        ? ok(bytes)
        : err("a size from 1k to 1m, or a number of buffers and their size such as 4x8k");
    },
  };
}

/** Name and value of a field (RFC 9110 §5.1 token, §5.5 field-value without obs-text). */
function field(): Argument<readonly [name: string, value: string]> {
  const split = pair(":", "NAME:VALUE");
  return {
    ...split,
    parse: (given) => {
      const parts = split.parse(given);
      if (!parts.ok) return parts;
      const [name, value] = parts.value;
      const legal = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e]*$/.test(value);
      return legal ? ok([name, value.trim()]) : err("a field: a name, a colon and a value of printable ASCII");
    },
  };
}
