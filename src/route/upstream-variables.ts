/** What is known of the upstreams that were tried (ngx_http_upstream_module, "Embedded Variables"). */
import type { Evaluation } from "./evaluation.ts";
import { cookieOf } from "./request-parts.ts";
import type { UpstreamFacts } from "./request-facts.ts";
import { seconds } from "./time-text.ts";
import type { PrefixDefinition, VariableDefinition } from "./variables.ts";

/** One value for each attempt: "a, b", and " : " where an internal redirect lies between; "-" for what is missing. */
function attempts(name: string, get: (upstream: UpstreamFacts) => string | undefined): VariableDefinition {
  return {
    name: `upstream_${name}`,
    isVolatile: true,
    get: ({ facts }) => {
      let text: string | undefined;
      for (const upstream of facts.upstreams()) {
        const value = get(upstream) ?? "-";
        text = text === undefined ? value : `${text}${upstream.redirected ? " : " : ", "}${value}`;
      }
      return text;
    },
  };
}

function optional<T>(value: T | undefined, text: (value: T) => string): string | undefined {
  return value === undefined ? undefined : text(value);
}

export const upstreamVariables: readonly VariableDefinition[] = [
  attempts("addr", ({ address }) => address),
  attempts("status", ({ status }) => optional(status, (code) => String(code).padStart(3, "0"))),
  attempts("connect_time", ({ connectMs }) => optional(connectMs, seconds)),
  attempts("header_time", ({ headerMs }) => optional(headerMs, seconds)),
  attempts("response_time", ({ responseMs }) => optional(responseMs, seconds)),
  attempts("response_length", ({ responseSize }) => optional(responseSize, String)),
  attempts("bytes_sent", ({ bytesSent }) => optional(bytesSent, String)),
  attempts("bytes_received", ({ bytesReceived }) => optional(bytesReceived, String)),
];

function hyphenated(rest: string): string {
  return rest.replaceAll("_", "-");
}

/** The cookie that the last upstream set. */
function upstreamCookie({ facts }: Evaluation, name: string): string | undefined {
  for (const field of facts.upstreamCookies()) {
    // Only name and value: attributes are no cookies.
    const value = cookieOf(field.split(";", 1)[0] ?? "", name);
    if (value !== undefined) return value;
  }
  return undefined;
}

export const upstreamPrefixes: readonly PrefixDefinition[] = [
  { prefix: "upstream_http_", get: ({ facts }, rest) => facts.upstreamField(hyphenated(rest)) },
  { prefix: "upstream_trailer_", get: ({ facts }, rest) => facts.upstreamTrailer(hyphenated(rest)) },
  { prefix: "upstream_cookie_", get: upstreamCookie },
];
