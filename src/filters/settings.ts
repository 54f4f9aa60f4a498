/** What a block says about responses on their way out: plain data, texts as they are written. */
import type { ComplexValue } from "../config/nginx/complex-value.ts";

/** add_header, add_trailer */
export interface AddedField {
  readonly name: string;
  readonly value: ComplexValue;
  /** Whatever the status. */
  readonly always: boolean;
  /** Where the client came by HTTPS. */
  readonly onlyHttps?: boolean;
}

/** expires; times are seconds. */
export type ExpiresSettings =
  | { readonly kind: "off" }
  | { readonly kind: "epoch" }
  | { readonly kind: "max" }
  /** From now on, or from Last-Modified on. */
  | { readonly kind: "after"; readonly modified: boolean; readonly seconds: number }
  /** At this second of the day, local time. */
  | { readonly kind: "daily"; readonly second: number }
  /** Of a request. */
  | { readonly kind: "variable"; readonly modified: boolean; readonly value: ComplexValue };

/** A charset_map: bytes of `from`, and what they are in `to`, one character of text a byte. */
export interface CharsetMap {
  readonly from: string;
  readonly to: string;
  readonly pairs: readonly (readonly [from: number, to: string])[];
}

export interface CharsetSettings {
  readonly charset: ComplexValue;
  /** In lower case; "*" is all. */
  readonly types: readonly string[];
  readonly source: ComplexValue | undefined;
  /** Responses that name a charset themselves are recoded, too. */
  readonly override: boolean;
  /** All of `http { }`. */
  readonly maps: readonly CharsetMap[];
}

/** sub_filter and its companions. */
export interface SubstitutionSettings {
  readonly pairs: readonly { readonly search: ComplexValue; readonly replacement: ComplexValue }[];
  /** Each is replaced once. */
  readonly once: boolean;
  readonly lastModified: boolean;
  readonly types: readonly string[];
}

/** add_before_body and add_after_body: URIs, "" for none. */
export interface AdditionSettings {
  readonly before: string;
  readonly after: string;
  readonly types: readonly string[];
}

export interface UserIdSettings {
  /** "log" only reads cookies. */
  readonly mode: "on" | "v1" | "log";
  readonly name: string;
  readonly domain: string | undefined;
  readonly path: string;
  /** Seconds; undefined ends with the browser's session. */
  readonly expires: number | "max" | undefined;
  readonly p3p: string | undefined;
  /** One character. */
  readonly mark: string | undefined;
  /** undefined: the address of this end of the connection. */
  readonly service: number | undefined;
  /** "secure", "httponly", "samesite=lax" … */
  readonly flags: readonly string[];
}

/** Groups of which nothing is in force are undefined. */
export interface ResponseSettings {
  readonly headers: readonly AddedField[];
  readonly trailers: readonly AddedField[];
  readonly expires: ExpiresSettings | undefined;
  readonly charset: CharsetSettings | undefined;
  readonly substitution: SubstitutionSettings | undefined;
  readonly addition: AdditionSettings | undefined;
  readonly userId: UserIdSettings | undefined;
}
