/** Where a directory without its slash is: `absolute_redirect`, `server_name_in_redirect`, `port_in_redirect`. */
import type { StaticRequest } from "./answer.ts";
import type { StaticSettings } from "./settings.ts";

type RedirectSettings = Pick<StaticSettings, "absoluteRedirect" | "portInRedirect" | "serverNameInRedirect">;
type RedirectFacts = Pick<StaticRequest, "scheme" | "host" | "serverName" | "localAddress" | "localPort">;

const DEFAULT_PORTS: Readonly<Record<RedirectFacts["scheme"], number>> = { http: 80, https: 443 };

/** @param location a path, escaped, with its query. @returns the value of the Location field */
export function redirectLocation(settings: RedirectSettings, facts: RedirectFacts, location: string): string {
  // RFC 9110 §10.2.2 takes relative references, RFC 2616 did not; "//name" would be another host.
  if (!settings.absoluteRedirect && !location.startsWith("//")) return location;
  const { scheme, localPort } = facts;
  const named = settings.serverNameInRedirect ? facts.serverName : facts.host;
  const host = named === "" ? addressInUri(facts.localAddress) : named;
  const port = settings.portInRedirect && localPort !== DEFAULT_PORTS[scheme] ? `:${localPort}` : "";
  return `${scheme}://${host}${port}${location}`;
}

function addressInUri(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
