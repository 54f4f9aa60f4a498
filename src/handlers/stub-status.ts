/** The page of `stub_status`: what nginx's monitors read. */
import { ResponseHead } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";
import { fromLatin1 } from "../std/bytes.ts";
import type { FixedResponse } from "./status.ts";

/** Of all edge threads together. */
export interface ConnectionCounters {
  /** Open connections, idle ones counted. */
  readonly active: number;
  readonly accepted: number;
  readonly handled: number;
  readonly requests: number;
  /** Connections whose request's head is being read, whose response is being made or sent, and that are idle. */
  readonly reading: number;
  readonly writing: number;
  readonly waiting: number;
}

/** The page; for GET and HEAD only, other methods get 405. */
export function stubStatusResponse(counters: ConnectionCounters): FixedResponse {
  const { active, accepted, handled, requests, reading, writing, waiting } = counters;
  const body = fromLatin1(
    `Active connections: ${active} \n` +
      `server accepts handled requests\n ${accepted} ${handled} ${requests} \n` +
      `Reading: ${reading} Writing: ${writing} Waiting: ${waiting} \n`,
  );
  const fields = [["Content-Type", "text/plain"], ["Content-Length", String(body.length)]] as const;
  return { head: new ResponseHead(200, reasonPhrase(200), fields), body };
}
