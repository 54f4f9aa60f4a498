/** Variables whose values other rooms have (`providedVariables` of src/route). */
import type { ConnectionCounts } from "./connection-counts.ts";
import type { CurrentRequest } from "./current-request.ts";

/** @returns undefined when it has no value */
export function provided(name: string, exchange: CurrentRequest, counts: ConnectionCounts): string | undefined {
  switch (name) {
    case "connections_active": return String(counts.active);
    case "connections_reading": return String(counts.reading);
    case "connections_writing": return String(counts.writing);
    case "connections_waiting": return String(counts.waiting);
    case "invalid_referer": return exchange.location.referers?.invalid(exchange.received.fields.get("referer"));
    case "uid_got": case "uid_set": case "uid_reset":
      return exchange.location.filters?.provided(name, exchange.evaluation);
    default: return undefined;
  }
}
