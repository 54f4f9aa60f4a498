/** The status of a script's response that begins without a status line (RFC 3875 §6.3.3). */
import type { FieldLine } from "../../http/response-head.ts";
import { reasonPhrase } from "../../http/status.ts";

/**
 * From `Status: 3DIGIT [SP reason]`; without it 302 when there is a Location (RFC 3875 §6.2.3), else 200.
 * Deviates: a Location without a host is redirected to by the client, as nginx does, not read again by ourselves
 * (RFC 3875 §6.2.2).
 * @returns undefined when there is a Status that cannot be read, or more than one, or no field at all (RFC 3875 §6.2)
 */
export function scriptStatus(
  lines: readonly FieldLine[],
): { readonly status: number; readonly reason: string } | undefined {
  let found: RegExpExecArray | undefined;
  let redirects = false;
  for (const [name, value] of lines) {
    if (name.length === 6 && name.toLowerCase() === "status") {
      const match = /^([1-9]\d\d)(?: (.*))?$/.exec(value);
      if (match === null || found !== undefined) return undefined;
      found = match;
    } else if (name.length === 8 && name.toLowerCase() === "location") {
      redirects = true;
    }
  }
  if (lines.length === 0) return undefined;
  if (found !== undefined) return { status: Number(found[1]), reason: found[2] ?? "" };
  const status = redirects ? 302 : 200;
  return { status, reason: reasonPhrase(status) };
}
