/**
 * What proxying by HTTP, to uWSGI and to FastCGI have in common: the same directives, each family under its own prefix.
 * Names and defaults are nginx's (ngx_http_proxy_module and so on).
 */
import { choice, either, number, onOff, size, string, time } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type Arguments, type DefaultedDirectiveRow, type DirectiveRow, many, one,
} from "../../config/nginx/directive-row.ts";
import {
  type ObeyedField, type PassSettings, accelFields, hiddenFields, obeyedFields,
} from "../../config/pass-settings.ts";
import type { TransportSettings } from "../../upstream/index.ts";
import { rate } from "../static/directives-arguments.ts";
import { type BindArgument, bindArguments, nextUpstreamArguments, storeAccess } from "./directives-arguments.ts";
import { absolutePath, bufferingType, variablePath } from "./directives-values.ts";
import { type Family, everywhere } from "./directives-family.ts";
import type { TlsRows } from "./directives-of-tls.ts";
import { commonRowsWithoutEffect } from "./directives-without-effect.ts";

/** Larger heads of responses than this are no heads. */
const BUFFER_SIZE_MAX = 1_048_576;
const TRIES_MAX = 2 ** 31 - 1;

export interface CommonRows {
  /** What settings() depends on. */
  readonly rows: readonly AnyDirectiveRow[];
  readonly withoutEffect: readonly AnyDirectiveRow[];
  readonly bind: DirectiveRow<BindArgument>;
  /** Those whose words are a set. */
  readonly sets: readonly AnyDirectiveRow[];
  /** What is in force in a block. @param prefix what relative paths begin with, with its slash at the end */
  readonly settings: (block: Block, prefix: string) => PassSettings & TransportSettings;
}

/** Rows of a family that are judged together with others. */
export interface FamilyRows {
  readonly prefix: Family["prefix"];
  readonly bind: DirectiveRow<BindArgument>;
  /** Those whose words are a set. */
  readonly sets: readonly AnyDirectiveRow[];
  /** Undefined for one without TLS. */
  readonly tls: TlsRows | undefined;
}

/** The rows of a family. */
export function commonRows(family: Family): CommonRows {
  const { prefix, peer } = family;
  const common = { module: family.module, merge: "nearest", contexts: everywhere } as const;
  const row = <T>(
    name: string, takes: Arguments<T>, { fallback, example, doc }: {
      readonly fallback: string; readonly example: string; readonly doc: string;
    },
  ): DefaultedDirectiveRow<T> => ({
    ...common, name: `${prefix}_${name}`, arguments: takes, default: fallback, doc,
    example: `${prefix}_${name} ${example};`,
  });
  const connectTimeout = row("connect_timeout", one(time()), {
    fallback: "60s", example: "5s", doc: `How long a connection to ${peer} may take to be made.`,
  });
  const sendTimeout = row("send_timeout", one(time()), {
    fallback: "60s", example: "30s", doc: `Longest time in which ${peer} takes nothing of a request.`,
  });
  const readTimeout = row("read_timeout", one(time()), {
    fallback: "60s", example: "300s",
    doc: `Longest silence of ${peer} between two pieces of a response, also in a tunnel.`,
  });
  const bufferSize = row("buffer_size", one(size()), {
    fallback: "16k", example: "32k",
    doc: "Largest head of a response, 1m at most. (nginx's default is the size of a page, 4k or 8k.)",
  });
  const socketKeepalive = row("socket_keepalive", one(onOff()), {
    fallback: "off", example: "on", doc: "The kernel probes silent connections (SO_KEEPALIVE).",
  });
  const nextUpstream = row("next_upstream", nextUpstreamArguments(family.nextUpstream), {
    fallback: "error timeout", example: "error timeout http_503",
    doc: "After which of these another server of the upstream is asked, if nothing of a response was passed on; a "
      + "request that may not be repeated and was sent is not, unless non_idempotent is among them.",
  });
  const tries = row("next_upstream_tries", one(number({ min: 0, max: TRIES_MAX })), {
    fallback: "0", example: "3", doc: "How many servers are asked at most for one request; 0: all.",
  });
  const triesTimeout = row("next_upstream_timeout", one(time()), {
    fallback: "0", example: "10s", doc: "For how long another server may be asked; 0: no limit.",
  });
  const limitRate = row("limit_rate", one(rate("rate")), {
    fallback: "0", example: "1m", doc: "Bytes a second that are read of each response, which may have variables; 0: "
      + "as fast as they come.",
  });
  const ignoreClientAbort = row("ignore_client_abort", one(onOff()), {
    fallback: "off", example: "on", doc: `Though the client has gone, ${peer} may finish its response.`,
  });
  const forceRanges = row("force_ranges", one(onOff()), {
    fallback: "off", example: "on", doc: "Answer a Range of one part with that part of a response of known length, "
      + `which ${peer} has sent whole.`,
  });
  const passHeaders = row("pass_request_headers", one(onOff()), {
    fallback: "on", example: "off", doc: "Pass on the fields of the client's request.",
  });
  const passBody = row("pass_request_body", one(onOff()), {
    fallback: "on", example: "off", doc: "Pass on the body of the client's request.",
  });
  const store = row("store", one(either(choice(["off", "on"]), variablePath("string"))), {
    fallback: "off", example: "/srv/copies$uri",
    doc: "Keep a copy of each response: where the file of the request is, or at this path.",
  });
  const access = row("store_access", storeAccess, {
    fallback: "user:rw", example: "user:rw group:rw all:r", doc: "Who may read and write those copies.",
  });
  const buffering = row("buffering", one(bufferingType()), {
    fallback: "on", example: "off",
    doc: `Keep what a slow client has not taken yet, so that ${peer} is free; off: it waits for the client. Streams of `
      + "events are never kept, unless this says force, which is Tricorn's.",
  });
  const requestBuffering = row("request_buffering", one(onOff()), {
    fallback: "on", example: "off", doc: `Gather a request's body before ${peer} hears of the request.`,
  });
  const maxTempFileSize = row("max_temp_file_size", one(size()), {
    fallback: "1024m", example: "0",
    doc: "Bytes of one response that may wait for a slow client in a file; 0: only in memory.",
  });
  const interceptErrors = row("intercept_errors", one(onOff()), {
    fallback: "off", example: "on",
    doc: `Responses with a status of 300 or more are replaced by the page that error_page names for it.`,
  });
  const list = <T>(name: string, takes: Arguments<T>, example: string, doc: string): DirectiveRow<T> => ({
    ...common, name: `${prefix}_${name}`, arguments: takes, mayRepeat: true, doc,
    example: `${prefix}_${name} ${example};`,
  });
  const hidden = [...family.hidden, ...accelFields];
  const hideHeader = list("hide_header", one(string("field")), "X-Powered-By",
    `A field of responses that does not reach the client, besides ${family.hidden.join(", ")} and X-Accel-….`);
  const passHeader = list("pass_header", one(string("field")), family.prefix === "proxy" ? "Server" : "X-Accel-Expires",
    "A field of responses that reaches the client, though it is hidden by default.");
  const ignoreHeaders: DirectiveRow<readonly ObeyedField[]> = {
    ...list("ignore_headers", many(choice(obeyedFields)), "X-Accel-Redirect Expires",
      "Fields of responses that Tricorn does not obey."),
  };
  const bind: DirectiveRow<BindArgument> = {
    ...common, name: `${prefix}_bind`, arguments: bindArguments,
    doc: "The local address of connections. transparent, which would have the client's own address, does nothing here.",
    example: `${prefix}_bind 127.0.0.2;`,
  };
  return {
    rows: [
      connectTimeout, sendTimeout, readTimeout, bufferSize, socketKeepalive, bind, nextUpstream, tries, triesTimeout,
      limitRate, ignoreClientAbort, forceRanges, passHeaders, passBody, store, access, buffering, requestBuffering,
      maxTempFileSize, interceptErrors, hideHeader, passHeader, ignoreHeaders,
    ],
    withoutEffect: commonRowsWithoutEffect(family),
    bind,
    sets: [nextUpstream, ignoreHeaders],
    settings: (block, directory) => {
      const stored = block.one(store);
      const { address } = block.optional(bind) ?? { address: [] };
      return {
        interceptErrors: block.one(interceptErrors),
        hideHeaders: hiddenFields(hidden, block.all(hideHeader), block.all(passHeader)),
        ignoreHeaders: [...new Set(block.all(ignoreHeaders).flat())],
        buffering: block.one(buffering),
        requestBuffering: block.one(requestBuffering),
        maxTempFileSize: block.one(maxTempFileSize),
        connectTimeoutMs: block.one(connectTimeout),
        sendTimeoutMs: block.one(sendTimeout),
        readTimeoutMs: block.one(readTimeout),
        bufferSize: Math.min(block.one(bufferSize), BUFFER_SIZE_MAX),
        socketKeepalive: block.one(socketKeepalive),
        bind: address.length === 0 ? undefined : address,
        nextUpstream: block.one(nextUpstream),
        nextUpstreamTries: block.one(tries),
        nextUpstreamTimeoutMs: block.one(triesTimeout),
        limitRate: limitOf(block.one(limitRate)),
        ignoreClientAbort: block.one(ignoreClientAbort),
        forceRanges: block.one(forceRanges),
        passRequestHeaders: block.one(passHeaders),
        passRequestBody: block.one(passBody),
        store: typeof stored === "string" ? stored : absolutePath(stored, directory),
        storeAccess: block.one(access),
      };
    },
  };
}

function limitOf(value: ComplexValue): ComplexValue | undefined {
  return /^0*[km]?$/i.test(constantOf(value) ?? "x") ? undefined : value;
}
