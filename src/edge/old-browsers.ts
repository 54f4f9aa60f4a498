/** Browsers whose connections are not kept, since they get confused by it: nginx's `keepalive_disable`. */
import type { HttpSettings } from "../config/model.ts";
import type { RequestHead } from "../http/request-head.ts";

export type OldBrowser = HttpSettings["keepaliveDisable"][number];

/** A location's settings as they are for this request: without keep-alive for a browser that does not bear it. */
export function settingsFor(http: HttpSettings, { method, fields }: RequestHead): HttpSettings {
  const { keepaliveDisable } = http;
  const asksMsie = method === "POST" && keepaliveDisable.includes("msie6");
  const asksSafari = keepaliveDisable.includes("safari");
  if (!asksMsie && !asksSafari) return http;
  const browser = oldBrowser(fields.get("user-agent") ?? "");
  const isDisabled = (asksMsie && browser === "msie6") || (asksSafari && browser === "safari");
  return isDisabled ? { ...http, keepaliveTimeoutMs: 0 } : http;
}

/**
 * As nginx 1.22 tells them, by what was observed.
 * @param agent the User-Agent field
 * @returns "msie6" for Internet Explorer 4 to 6 before its service pack ("SV1"); "safari" for those on Mac OS X
 */
export function oldBrowser(agent: string): OldBrowser | undefined {
  if (agent.includes("Opera")) return undefined;
  const msie = agent.indexOf("MSIE ");
  if (msie >= 0) {
    const version = agent.slice(msie);
    return /^MSIE [456]\../.test(version) && !/^MSIE 6.*SV1/.test(version) ? "msie6" : undefined;
  }
  const isSafari = agent.includes("Safari/") && agent.includes("Mac OS X");
  return isSafari && !agent.includes("Gecko/") && !agent.includes("Chrome/") ? "safari" : undefined;
}
