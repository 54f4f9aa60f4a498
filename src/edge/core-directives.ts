/**
 * nginx's http core, as far as it is about the conversation with the client: limits, timeouts, what is accepted as
 * HTTP, what responses say of the server. What has no meaning here is in core-directives-without-effect.ts.
 */
import type { HttpSettings } from "../config/model.ts";
import { choice, number, offset, onOff, size, time } from "../config/nginx/argument-types.ts";
import type { Block } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, many, one, oneOrTwo,
} from "../config/nginx/directive-row.ts";
import { type Buffers, buffers, sizeWithin } from "../config/nginx/bounded-arguments.ts";
import { serverTokens } from "./core-directives-server-tokens.ts";
import { coreDirectivesWithoutEffect } from "./core-directives-without-effect.ts";
import { http2Rows, http2RowsWithoutEffect, http2Settings } from "./http2-directives.ts";
import type { OldBrowser } from "./old-browsers.ts";

const core = { module: "ngx_http_core_module", merge: "nearest" } as const;
/** What is asked for before the location is known. */
const ofServers = { ...core, contexts: ["http", "server"] } as const;
const ofLocations = { ...core, contexts: ["http", "server", "location"] } as const;

/** A head is held in memory as a whole, and goes to the application in one frame (docs/wire.md). */
const HEAD_SIZE_MAX = 1_048_576;
/** Apache's and gunicorn's are 65,536 bytes for a line, nginx has no bound; here it is that of the head. */
const lineSize = { min: 64, max: HEAD_SIZE_MAX } as const;
/** A body in memory goes to the application in one frame with the head. */
const BODY_BUFFER_SIZE_MAX = 524_288;
/** nginx has no bound; a head of one megabyte has no more fields than so many. */
const FIELD_COUNT_MAX = 65_536;

const headerBufferSizeRow: DefaultedDirectiveRow<number> = {
  ...ofServers,
  name: "client_header_buffer_size",
  arguments: one(sizeWithin({ min: 0, max: HEAD_SIZE_MAX })),
  default: "1k",
  doc: "A line of a request's head may be as long as this, or as one of large_client_header_buffers.",
  example: "client_header_buffer_size 4k;",
};

const headerBuffersRow: DefaultedDirectiveRow<Buffers> = {
  ...ofServers,
  name: "large_client_header_buffers",
  arguments: buffers(HEAD_SIZE_MAX),
  default: "4 8k",
  doc: "Bytes of one line of a request's head (a longer request line gets 414, a longer field 431), and how many " +
    "times as many the whole head may have.",
  example: "large_client_header_buffers 4 16k;",
};

const requestLineRow: DirectiveRow<number> = {
  ...ofServers,
  module: "tricorn",
  name: "limit_request_line",
  arguments: one(sizeWithin(lineSize)),
  doc: "Bytes of a request line, where that differs from large_client_header_buffers; longer ones get 414.",
  example: "limit_request_line 4094;",
};

const fieldSizeRow: DirectiveRow<number> = {
  ...ofServers,
  module: "tricorn",
  name: "limit_request_field_size",
  arguments: one(sizeWithin(lineSize)),
  doc: "Bytes of one field, name and value, where that differs from large_client_header_buffers; longer ones get 431.",
  example: "limit_request_field_size 16k;",
};

const maxHeadersRow: DefaultedDirectiveRow<number> = {
  ...ofServers,
  name: "max_headers",
  arguments: one(number({ min: 1, max: FIELD_COUNT_MAX })),
  default: "1000",
  doc: "Fields of a request's head; more get 431.",
  example: "max_headers 100;",
};

const maxBodySizeRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "client_max_body_size",
  arguments: one(offset()),
  default: "1m",
  doc: "Bytes of a request's body; more get 413. 0: no limit.",
  example: "client_max_body_size 10m;",
};

const bodyBufferSizeRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "client_body_buffer_size",
  arguments: one(size()),
  default: "16k",
  doc: "Bodies up to this size, 512k at most, stay in memory, larger ones go to a file.",
  example: "client_body_buffer_size 128k;",
};

const bodyInFileRow: DefaultedDirectiveRow<"off" | "on" | "clean"> = {
  ...ofLocations,
  name: "client_body_in_file_only",
  arguments: one(choice(["off", "on", "clean"])),
  default: "off",
  doc: "Every body that is gathered goes to a file, which $request_body_file names; with `on` it stays behind the " +
    "request until the server ends, in a private directory in TMPDIR. Bodies for ASGI are gathered then, unless " +
    "app_request_buffering is off.",
  example: "client_body_in_file_only clean;",
};

const headerTimeoutRow: DefaultedDirectiveRow<number> = {
  ...ofServers,
  name: "client_header_timeout",
  arguments: one(time()),
  default: "60s",
  doc: "A request's head must be complete so long after its first byte, else 408.",
  example: "client_header_timeout 10s;",
};

const bodyTimeoutRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "client_body_timeout",
  arguments: one(time()),
  default: "60s",
  doc: "Longest silence between two pieces of a request's body, else 408.",
  example: "client_body_timeout 20s;",
};

const sendTimeoutRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "send_timeout",
  arguments: one(time()),
  default: "60s",
  doc: "A client that takes nothing of its response for so long is cut off.",
  example: "send_timeout 20s;",
};

const keepaliveTimeoutRow: DefaultedDirectiveRow<readonly [timeoutMs: number, headerMs: number | undefined]> = {
  ...ofLocations,
  name: "keepalive_timeout",
  arguments: oneOrTwo(time(), time("seconds")),
  default: "75s",
  doc: "How long an idle connection is kept for the next request, 0: not at all; and what a Keep-Alive field of " +
    "the response says about it.",
  example: "keepalive_timeout 65s 60s;",
};

const keepaliveRequestsRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "keepalive_requests",
  arguments: one(number({ min: 0, max: 2 ** 31 - 1 })),
  default: "1000",
  doc: "Requests that one connection may carry before it is closed.",
  example: "keepalive_requests 100000;",
};

const keepaliveTimeRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "keepalive_time",
  arguments: one(time()),
  default: "1h",
  doc: "A connection older than this is closed after its next response.",
  example: "keepalive_time 10m;",
};

const keepaliveDisableRow: DefaultedDirectiveRow<readonly ("none" | OldBrowser)[]> = {
  ...ofLocations,
  name: "keepalive_disable",
  // Each word once.
  arguments: { ...many(choice(["none", "msie6", "safari"])), countMax: 2 },
  default: "msie6",
  mayRepeat: true,
  doc: "Browsers whose connections are closed: Internet Explorer 4 to 6 behind a POST, Safari on Mac OS X always.",
  example: "keepalive_disable none;",
};

const underscoresRow: DefaultedDirectiveRow<boolean> = {
  ...ofServers,
  name: "underscores_in_headers",
  arguments: one(onOff()),
  default: "off",
  doc: "On: fields with underscores in their names are as good as others. Off: they are left out.",
  example: "underscores_in_headers on;",
};

const mergeSlashesRow: DefaultedDirectiveRow<boolean> = {
  ...ofServers,
  name: "merge_slashes",
  arguments: one(onOff()),
  default: "on",
  doc: "Several slashes in a row are one, before the location is chosen.",
  example: "merge_slashes off;",
};

const serverTokensRow: DefaultedDirectiveRow<string | undefined> = {
  ...ofLocations,
  name: "server_tokens",
  arguments: one(serverTokens()),
  // Deviates: nginx has on.
  default: "off",
  doc: "The Server field: with on or build it has the version, with off it has not, with none there is no such " +
    "field; any other text stands in it as it is.",
  example: "server_tokens on;",
};

const dateHeaderRow: DefaultedDirectiveRow<boolean> = {
  ...ofLocations,
  module: "tricorn",
  name: "date_header",
  arguments: one(onOff()),
  default: "on",
  doc: "Send a Date field with every response that has none.",
  example: "date_header off;",
};

const chunkedRow: DefaultedDirectiveRow<boolean> = {
  ...ofLocations,
  name: "chunked_transfer_encoding",
  arguments: one(onOff()),
  default: "on",
  doc: "Off: responses without a length end with the connection, also for clients that know chunks.",
  example: "chunked_transfer_encoding off;",
};

const lingeringCloseRow: DefaultedDirectiveRow<"off" | "on" | "always"> = {
  ...ofLocations,
  name: "lingering_close",
  arguments: one(choice(["off", "on", "always"])),
  default: "on",
  doc: "Before a connection is closed, read what the client still sends, lest it never sees the response; always is " +
    "the same as on. Off: close as soon as the response has left.",
  example: "lingering_close always;",
};

const lingeringTimeoutRow: DefaultedDirectiveRow<number> = {
  ...ofLocations,
  name: "lingering_timeout",
  arguments: one(time()),
  default: "5s",
  // Deviates: nginx means a silence, and has lingering_time for the whole.
  doc: "With lingering_close, how long a client has to close its side when the response has left.",
  example: "lingering_timeout 2s;",
};

const resetRow: DefaultedDirectiveRow<boolean> = {
  ...ofLocations,
  name: "reset_timedout_connection",
  arguments: one(onOff()),
  default: "off",
  doc: "A connection whose client takes nothing (send_timeout), or that gets no answer (return 444), is reset, so " +
    "that the kernel keeps nothing of it.",
  example: "reset_timedout_connection on;",
};

const logNotFoundRow: DefaultedDirectiveRow<boolean> = {
  ...ofLocations,
  name: "log_not_found",
  arguments: one(onOff()),
  default: "on",
  doc: "Note in the error log that a file was not found.",
  example: "log_not_found off;",
};

const recursiveErrorPagesRow: DefaultedDirectiveRow<boolean> = {
  ...ofLocations,
  name: "recursive_error_pages",
  arguments: one(onOff()),
  default: "off",
  doc: "An error page may have an error page.",
  example: "recursive_error_pages on;",
};

/** What httpSettings() depends on. */
export const httpRows: readonly AnyDirectiveRow[] = [
  headerBufferSizeRow,
  headerBuffersRow,
  requestLineRow,
  fieldSizeRow,
  maxHeadersRow,
  maxBodySizeRow,
  bodyBufferSizeRow,
  bodyInFileRow,
  headerTimeoutRow,
  bodyTimeoutRow,
  sendTimeoutRow,
  keepaliveTimeoutRow,
  keepaliveRequestsRow,
  keepaliveTimeRow,
  keepaliveDisableRow,
  underscoresRow,
  mergeSlashesRow,
  serverTokensRow,
  dateHeaderRow,
  chunkedRow,
  lingeringCloseRow,
  lingeringTimeoutRow,
  resetRow,
  logNotFoundRow,
  recursiveErrorPagesRow,
  ...http2Rows,
];

export const coreDirectives: readonly AnyDirectiveRow[] = [
  ...httpRows, ...http2RowsWithoutEffect, ...coreDirectivesWithoutEffect,
];

/** What is in force in a block: http, server, location, or one in a location. */
export function httpSettings(block: Block): HttpSettings {
  const [keepaliveTimeoutMs, keepaliveHeaderMs = 0] = block.one(keepaliveTimeoutRow);
  const maxBodySize = block.one(maxBodySizeRow);
  return {
    ...headLimits(block),
    clientMaxBodySize: maxBodySize === 0 ? Number.MAX_SAFE_INTEGER : maxBodySize,
    clientBodyBufferSize: Math.min(block.one(bodyBufferSizeRow), BODY_BUFFER_SIZE_MAX),
    clientBodyInFileOnly: block.one(bodyInFileRow),
    clientHeaderTimeoutMs: block.one(headerTimeoutRow),
    clientBodyTimeoutMs: block.one(bodyTimeoutRow),
    sendTimeoutMs: block.one(sendTimeoutRow),
    keepaliveTimeoutMs,
    keepaliveHeaderMs,
    keepaliveRequests: block.one(keepaliveRequestsRow),
    keepaliveTimeMs: block.one(keepaliveTimeRow),
    keepaliveDisable: keepaliveDisable(block),
    underscoresInHeaders: block.one(underscoresRow),
    mergeSlashes: block.one(mergeSlashesRow),
    serverHeader: block.one(serverTokensRow),
    dateHeader: block.one(dateHeaderRow),
    chunkedTransferEncoding: block.one(chunkedRow),
    lingeringClose: block.one(lingeringCloseRow),
    lingeringTimeoutMs: block.one(lingeringTimeoutRow),
    resetTimedoutConnection: block.one(resetRow),
    logNotFound: block.one(logNotFoundRow),
    recursiveErrorPages: block.one(recursiveErrorPagesRow),
    http2: http2Settings(block),
  };
}

/** What is written in one block is one list, in which `none` adds nothing; the default counts where none is. */
function keepaliveDisable(block: Block): readonly OldBrowser[] {
  const written = block.all(keepaliveDisableRow).flat();
  const words = written.length > 0 ? written : block.one(keepaliveDisableRow);
  return words.filter((word) => word !== "none");
}

type HeadLimits = Pick<HttpSettings, "requestLineSizeMax" | "fieldCountMax" | "fieldSizeMax" | "headSizeMax">;

/** A line must fit into one of nginx's buffers, of which the first is of another size; the head into all of them. */
function headLimits(block: Block): HeadLimits {
  const { count, size: each } = block.one(headerBuffersRow);
  const lineSizeMax = Math.max(block.one(headerBufferSizeRow), each);
  const requestLineSizeMax = block.optional(requestLineRow) ?? lineSizeMax;
  const fieldSizeMax = block.optional(fieldSizeRow) ?? lineSizeMax;
  return {
    requestLineSizeMax,
    fieldCountMax: block.one(maxHeadersRow),
    fieldSizeMax,
    headSizeMax: Math.max(count * each, requestLineSizeMax, fieldSizeMax),
  };
}
