/**
 * What of an upstream's response head reaches the client: without the fields that speak of the connection to the
 * upstream, or to us, and those that …_hide_header names; with redirects and cookies as the client knows them.
 *
 * An upstream says the same again and again, and its reader finds heads again that it has seen: what was made of one is
 * kept with it, so that the common case makes nothing.
 */
import type { ObeyedField, PassSettings } from "../../config/pass-settings.ts";
import { ResponseHead } from "../../http/response-head.ts";
import type { FieldLine } from "../../http/response-head.ts";
import type { ReceivedHead } from "../../protocol/h1/index.ts";
import type { Variables } from "../../route/index.ts";
import { PassedHead, readAccel, withCharset } from "../pass-head.ts";
import { type CookieSettings, Cookies } from "./cookie.ts";
import { type RedirectRequest, Redirects } from "./redirect.ts";
import type { ProxySettings } from "./settings.ts";

/** Only proxy_pass rewrites. */
export type ResponseHeadSettings =
  Pick<PassSettings, "hideHeaders" | "ignoreHeaders"> & Partial<CookieSettings & Pick<ProxySettings, "redirects">>;

/** What is asked of a head that was received. */
export type UpstreamHead = Pick<ReceivedHead, "status" | "reason" | "lines" | "connectionOptions" | "passed">;

/** What is asked of the request. */
export type PassRequest = RedirectRequest;

type Rewriting = (value: string, request: PassRequest) => string;

/** RFC 9110 §7.6.1: of the connection to the upstream, not of the response. */
const connectionFields: readonly string[] = [
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding",
];
/** Options that Connection may name without naming a field, and the field of framing, which is ours to say. */
const noFields: readonly string[] = ["close", "keep-alive", "upgrade", "content-length"];

/**
 * Fields that a response may have once (RFC 9110 §5.3). As nginx has it, the first one counts: whoever comes next could
 * take another one.
 */
const onceNames: ReadonlySet<string> = new Set([
  "content-type", "date", "etag", "expires", "last-modified", "location", "refresh", "server",
]);

export class ProxyResponseHeads {
  readonly #ignored: readonly ObeyedField[];
  /** In lower case. */
  readonly #hidden: ReadonlySet<string>;
  /** Of fields whose values are not passed as they are, by the name in lower case. */
  readonly #rewritings: ReadonlyMap<string, Rewriting>;

  constructor(settings: ResponseHeadSettings, variables: Variables) {
    this.#ignored = settings.ignoreHeaders;
    this.#hidden = new Set([...settings.hideHeaders, ...connectionFields]);
    this.#rewritings = rewritingsOf(settings, variables);
  }

  /**
   * What of a head leaves, and what it says to us. The Upgrade field stays in a 101, whose caller adds Connection, and
   * in a 426.
   * @returns for a head that comes again the same object as before, where nothing in it depends on the request
   */
  pass(received: UpstreamHead, request: PassRequest): PassedHead {
    const known = received.passed;
    if (known instanceof PassedHead && known.by === this) return known;
    const { status, reason, lines } = received;
    const accel = readAccel(lines, this.#ignored);
    const shown = withCharset(this.#shown(received), accel.charset);
    const written = this.#rewritten(shown, request);
    const passed = new PassedHead(this, new ResponseHead(status, reason, written ?? shown), accel);
    if (written === undefined) received.passed = passed;
    return passed;
  }

  #shown({ status, lines, connectionOptions }: UpstreamHead): FieldLine[] {
    const fields: FieldLine[] = [];
    const seen = new Set<string>();
    for (const line of lines) {
      const name = line[0].toLowerCase();
      if (this.#hidden.has(name) || seen.has(name)) continue;
      if (onceNames.has(name)) seen.add(name);
      if (name === "upgrade") {
        // RFC 9110 §15.5.22: a 426 MUST name what it wants.
        if (status === 426) fields.push(line, ["Connection", "Upgrade"]);
        else if (status === 101) fields.push(line);
      } else if (!connectionOptions.includes(name) || noFields.includes(name)) {
        fields.push(line);
      }
    }
    return fields;
  }

  /** @returns undefined where no field is one that may be rewritten */
  #rewritten(fields: readonly FieldLine[], request: PassRequest): readonly FieldLine[] | undefined {
    const rewritings = this.#rewritings;
    if (rewritings.size === 0 || !fields.some(([name]) => rewritings.has(name.toLowerCase()))) return undefined;
    return fields.map((line) => {
      const rewriting = rewritings.get(line[0].toLowerCase());
      return rewriting === undefined ? line : [line[0], rewriting(line[1], request)];
    });
  }
}

function rewritingsOf(settings: ResponseHeadSettings, variables: Variables): ReadonlyMap<string, Rewriting> {
  const { redirects: rules = [], cookieDomains = [], cookiePaths = [], cookieFlags = [] } = settings;
  const rewritings = new Map<string, Rewriting>();
  if (rules.length > 0) {
    const redirects = new Redirects(rules, variables);
    rewritings.set("location", (value, request) => redirects.location(value, request));
    rewritings.set("refresh", (value, request) => redirects.refresh(value, request));
  }
  if (cookieDomains.length + cookiePaths.length + cookieFlags.length > 0) {
    const cookies = new Cookies({ cookieDomains, cookiePaths, cookieFlags }, variables);
    rewritings.set("set-cookie", (value, { evaluation }) => cookies.rewrite(value, evaluation));
  }
  return rewritings;
}
