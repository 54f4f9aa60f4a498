/**
 * What every response head gets on its way out: Date and Server; and what it loses: the fields that speak of the
 * connection, which is ours (RFC 9110 §7.6.1).
 */
import type { HttpSettings } from "../config/model.ts";
import { splitList } from "../http/field-list.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";

export type HeaderSettings = Pick<HttpSettings, "serverHeader" | "dateHeader">;

/** The fields of a response as they leave, and whether the driver must add a Date. */
export interface FilteredFields {
  readonly fields: readonly FieldLine[];
  readonly needsDate: boolean;
}

/** RFC 9110 §7.6.1: an intermediary removes these; PEP 3333 forbids them to applications. */
const CONNECTION_FIELDS = new Set([
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
  // For us, not for the client.
  "x-accel-buffering",
]);
/** RFC 9110 §15.5.22: 426 MUST name the protocol that it wants. */
const UPGRADE_FIELDS = new Set(["connection", "upgrade"]);
/** Statuses whose responses never carry a length (RFC 9110 §8.6). */
const withoutLength = (status: number): boolean => status < 200 || status === 204;

/** RFC 9110 §6.5.1: fields that are needed before the content, or speak of its framing, MUST NOT come behind it. */
const NO_TRAILERS = new Set([
  "content-encoding", "content-length", "content-range", "content-type", "host", "set-cookie", "te", "trailer",
  "transfer-encoding",
]);

/**
 * The trailer section of a response as it may leave.
 * @param te value of the request's TE field: only a client that says `trailers` there takes any (RFC 9110 §10.1.4)
 */
export function filterTrailers(trailers: readonly FieldLine[], te: string | undefined): readonly FieldLine[] {
  const isWanted = te !== undefined && splitList(te.toLowerCase()).includes("trailers");
  return isWanted ? trailers.filter(([name]) => !NO_TRAILERS.has(name.toLowerCase())) : [];
}

/** Applies the settings to one head; pure, so that the result may be kept with the head. */
export function filterHeaders(head: ResponseHead, { serverHeader, dateHeader }: HeaderSettings): FilteredFields {
  const fields: FieldLine[] = [];
  let hasDate = false;
  let hasServer = false;
  let lengthSeen = false;
  for (const line of head.fields) {
    const name = line[0].toLowerCase();
    if (CONNECTION_FIELDS.has(name) && !(head.status === 426 && UPGRADE_FIELDS.has(name))) continue;
    if (name === "content-length") {
      if (lengthSeen || withoutLength(head.status)) continue;
      lengthSeen = true;
    }
    // Those of the application and of add_header win, one copy of each.
    if (name === "date") {
      if (hasDate) continue;
      hasDate = true;
    }
    if (name === "server") {
      if (hasServer) continue;
      hasServer = true;
    }
    fields.push(line);
  }
  if (!hasServer && serverHeader !== undefined) fields.push(["Server", serverHeader]);
  return { fields, needsDate: !hasDate && dateHeader };
}
