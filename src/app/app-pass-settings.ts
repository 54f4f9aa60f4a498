/** What a location says about the responses of its application; names are nginx's of proxying. */

/** Fields of an application's response that Tricorn obeys, unless app_ignore_headers names them. */
export type ObeyedField =
  | "x-accel-redirect"
  | "x-accel-expires"
  | "expires"
  | "cache-control"
  | "set-cookie"
  | "vary"
  | "x-accel-limit-rate"
  | "x-accel-buffering"
  | "x-accel-charset";

export interface AppPassSettings {
  /** Responses of 300 and more are replaced by what error_page says, where it says something. */
  readonly interceptErrors: boolean;
  /** Fields that do not reach the client, in lower case: all of them, those hidden by default included. */
  readonly hideHeaders: readonly string[];
  /** Are there others among them than those that speak to Tricorn? */
  readonly hidesMore: boolean;
  readonly ignoreHeaders: readonly ObeyedField[];
  /** False: what the application sends leaves at once, and waits for the client. */
  readonly buffering: boolean;
  /** Is the body gathered before the application gets the request? undefined: for WSGI it is, for ASGI it is not. */
  readonly requestBuffering: boolean | undefined;
  /** Bytes of a response that may wait for a slow client in a file; 0 for none. */
  readonly maxTempFileSize: number;
}
