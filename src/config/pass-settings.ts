/** What a location says about the responses of whoever answers for it; names are nginx's of proxying. */

/** Fields of a response that Tricorn obeys, unless …_ignore_headers names them. */
export const obeyedFields = [
  "x-accel-redirect", "x-accel-expires", "expires", "cache-control", "set-cookie", "vary", "x-accel-limit-rate",
  "x-accel-buffering", "x-accel-charset",
] as const;

export type ObeyedField = (typeof obeyedFields)[number];

/** Those that are for Tricorn alone. */
export const accelFields: readonly string[] = obeyedFields.filter((name) => name.startsWith("x-accel-"));

export interface PassSettings {
  /** Responses of 300 and more are replaced by what error_page says, where it says something. */
  readonly interceptErrors: boolean;
  /** Fields that do not reach the client, in lower case: all of them, those hidden by default included. */
  readonly hideHeaders: readonly string[];
  readonly ignoreHeaders: readonly ObeyedField[];
  /** False: what is sent leaves at once, and waits for the client; "force": even streams of events may be kept. */
  readonly buffering: boolean | "force";
  /** Is the body gathered before the request is passed on? undefined: as the application's interface wants it. */
  readonly requestBuffering: boolean | undefined;
  /** Bytes of a response that may wait for a slow client in a file; 0 for none. */
  readonly maxTempFileSize: number;
}

/** Of applications. */
export interface AppPassSettings extends PassSettings {
  /** Are there others among the hidden fields than those that speak to Tricorn? */
  readonly hidesMore: boolean;
}

/**
 * Fields that do not reach the client, in lower case. As in nginx, what is to be passed counts more than what is to be
 * hidden. @param byDefault in lower case
 */
export function hiddenFields(
  byDefault: readonly string[], hidden: readonly string[], passed: readonly string[],
): readonly string[] {
  const shown = new Set(passed.map((name) => name.toLowerCase()));
  const all = new Set([...byDefault, ...hidden.map((name) => name.toLowerCase())]);
  return [...all].filter((name) => !shown.has(name));
}
