/** How a connection of HTTP/1.1 ends, as the settings say that are in force for it (nginx: lingering_close …). */
import type { HttpSettings } from "../config/model.ts";
import type { ByteStream } from "../net/index.ts";

/** A connection lingers no longer when the program is about to end: enough for a response on its way. */
const DRAIN_LINGER_MS = 250;

/** How long the client has to close its side, milliseconds. @param draining is the program about to end? */
export function lingerMs({ lingeringTimeoutMs }: HttpSettings, draining: boolean): number {
  return draining ? Math.min(lingeringTimeoutMs, DRAIN_LINGER_MS) : lingeringTimeoutMs;
}

/** Sends what is queued and says that nothing follows; without lingering_close that is all. */
export function endStream(stream: ByteStream, { lingeringClose }: HttpSettings): void {
  if (lingeringClose === "off") stream.close();
  else stream.end();
}

/** Drops a connection whose client takes nothing, or that gets no answer (nginx: return 444). */
export function abortStream(stream: ByteStream, { resetTimedoutConnection }: HttpSettings): void {
  if (resetTimedoutConnection) stream.reset();
  else stream.destroy();
}
