/** Variables whose values other rooms have (`providedVariables` of src/route). */
import type { ConnectionCounts } from "./connection-counts.ts";
import type { CurrentRequest } from "./current-request.ts";

/** nginx's usual format, "%A, %d-%b-%Y %H:%M:%S %Z". @param timeZone undefined for the process's own */
function dateText(now: Date, timeZone: "UTC" | undefined): string {
  const options: Intl.DateTimeFormatOptions = {
    weekday: "long", day: "2-digit", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
    second: "2-digit", hourCycle: "h23", timeZoneName: "short", ...(timeZone !== undefined && { timeZone }),
  };
  const made = new Intl.DateTimeFormat("en-US", options).formatToParts(now);
  const parts = new Map(made.map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  const zone = timeZone === "UTC" ? "GMT" : part("timeZoneName");
  const day = `${part("weekday")}, ${part("day")}-${part("month")}-${part("year")}`;
  return `${day} ${part("hour")}:${part("minute")}:${part("second")} ${zone}`;
}

/** @returns undefined when it has no value */
export function provided(name: string, exchange: CurrentRequest, counts: ConnectionCounts): string | undefined {
  switch (name) {
    case "connections_active": return String(counts.active);
    case "connections_reading": return String(counts.reading);
    case "connections_writing": return String(counts.writing);
    case "connections_waiting": return String(counts.waiting);
    case "date_gmt": return dateText(new Date(), "UTC");
    case "date_local": return dateText(new Date(), undefined);
    case "invalid_referer": return exchange.location.referers?.invalid(exchange.received.fields.get("referer"));
    case "fastcgi_script_name": return exchange.location.fastCgiPaths.scriptName(exchange.evaluation.path);
    case "fastcgi_path_info": return exchange.location.fastCgiPaths.pathInfo(exchange.evaluation.path);
    case "proxy_host": return exchange.target?.host;
    case "proxy_port": return exchange.target?.port;
    case "uid_got": case "uid_set": case "uid_reset":
      return exchange.location.filters?.provided(name, exchange.evaluation);
    default: return name.startsWith("ssl_") ? exchange.connection.tls?.variable(name) : undefined;
  }
}
