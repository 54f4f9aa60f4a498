/** `resolver` and resolver_timeout: who is asked for the addresses of names (ngx_http_core_module). */
import { onOff, time } from "../config/nginx/argument-types.ts";
import { isIpAddress, parseAddress } from "../config/nginx/address.ts";
import type { Block } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type DefaultedDirectiveRow, type DirectiveRow, one,
} from "../config/nginx/directive-row.ts";
import { err, ok } from "../std/result.ts";
import type { ResolverSettings } from "./settings.ts";

type ResolverArgument = Omit<ResolverSettings, "timeoutMs">;

const PARAMETER = /^(valid|ipv4|ipv6|status_zone)=(.*)$/;
/** Bounded by nobody in nginx; resolv.conf(5) has three. */
const SERVER_COUNT_MAX = 32;

const resolverArguments: Arguments<ResolverArgument> = {
  label: "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] [status_zone=zone]",
  countMin: 1,
  countMax: SERVER_COUNT_MAX,
  parse: (words, directive) => {
    const servers: string[] = [];
    const parameters: Omit<{ -readonly [Name in keyof ResolverArgument]: ResolverArgument[Name] }, "servers"> = {
      validMs: undefined, ipv4: true, ipv6: true,
    };
    for (const [index, word] of words.entries()) {
      const [, name, value = ""] = PARAMETER.exec(word) ?? [];
      if (name === undefined) {
        const address = serverAddress(word);
        const refusal = serverRefusal(address);
        if (refusal !== undefined) return err({ ...refusal, index });
        servers.push(address);
      } else if (name === "valid") {
        const valid = time("seconds").parse(value, directive);
        if (!valid.ok) return err({ nginx: `invalid parameter: ${word}`, expected: "valid= and a time", index });
        parameters.validMs = valid.value;
      } else if (name === "ipv4" || name === "ipv6") {
        const switched = onOff().parse(value, directive);
        if (!switched.ok) {
          return err({ nginx: `invalid parameter: ${word}`, expected: `${name}= and on or off`, index });
        }
        parameters[name] = switched.value;
      }
    }
    if (!parameters.ipv4 && !parameters.ipv6) {
      return err({ nginx: '"ipv4" and "ipv6" cannot both be "off"', expected: undefined, index: 0 });
    }
    if (servers.length > 0) return ok({ servers, ...parameters });
    return err({ nginx: "no name servers defined", expected: "a name server", index: 0 });
  },
};

/** Deviates: nginx looks up a name server's own name when it starts. */
function serverRefusal(word: string): Omit<ArgumentRefusal, "index"> | undefined {
  if (isIpAddress(word)) return undefined;
  const parsed = parseAddress(word);
  const reason = parsed.ok ? "host not found" : parsed.error;
  return { nginx: `${reason} in resolver "${word}"`, expected: "the IP address of a name server" };
}

/** The one name that stands in files. */
function serverAddress(word: string): string {
  return word.replace(/^localhost(?=$|:)/i, "127.0.0.1");
}

const shared = { merge: "nearest", module: "ngx_http_core_module", contexts: ["http", "server", "location"] } as const;
const ofUpstreams = { merge: "none", module: "ngx_http_upstream_module", contexts: ["upstream"] } as const;

const resolverRow: DirectiveRow<ResolverArgument> = {
  ...shared,
  name: "resolver",
  arguments: resolverArguments,
  doc: "Name servers that are asked for names with variables in them, and for servers that say resolve; valid=: for "
    + "how long an answer counts, whatever it says itself. status_zone= does nothing.",
  example: "resolver 127.0.0.53 valid=30s;",
};

const timeoutRow: DefaultedDirectiveRow<number> = {
  ...shared,
  name: "resolver_timeout",
  arguments: one(time()),
  default: "30s",
  doc: "How long name servers may take for an answer.",
  example: "resolver_timeout 5s;",
};

const ownResolverRow: DirectiveRow<ResolverArgument> = {
  ...resolverRow, ...ofUpstreams, doc: "Name servers for this upstream alone.",
};
const ownTimeoutRow: DefaultedDirectiveRow<number> = { ...timeoutRow, ...ofUpstreams };

/** What resolverSettings() depends on. */
export const resolverRows: readonly AnyDirectiveRow[] = [resolverRow, timeoutRow];

export const resolverDirectives: readonly AnyDirectiveRow[] = [...resolverRows, ownResolverRow, ownTimeoutRow];

/** What is in force in a block: http, server or location; undefined where no resolver is. */
export function resolverSettings(block: Block): ResolverSettings | undefined {
  const resolver = block.optional(resolverRow);
  return resolver && { ...resolver, timeoutMs: block.one(timeoutRow) };
}

/** The same for an upstream, which has its own, or that of the block around it. */
export function upstreamResolver(block: Block, http: Block): ResolverSettings | undefined {
  const own = block.optional(ownResolverRow);
  return own === undefined ? resolverSettings(http) : { ...own, timeoutMs: block.one(ownTimeoutRow) };
}
