/** What the handler is told about a request, and what it answers: data, which the edge makes a response of. */
import type { Validators } from "../../http/conditional.ts";
import type { FieldSection } from "../../http/field-section.ts";
import type { FieldLine, ResponseHead } from "../../http/response-head.ts";
import type { BodyPart, OpenFile, RateSettings } from "../../net/index.ts";
import type { ReadyText } from "../../protocol/h1/index.ts";
import type { Bytes } from "../../std/bytes.ts";

/** Facts of a request; those that only a redirect needs are asked only then. */
export interface StaticRequest {
  readonly method: string;
  /** Decoded and normalised, one character a byte. */
  readonly path: string;
  /** Query without "?", as received. */
  readonly args: string;
  readonly fields: FieldSection;
  /** May it be compressed, as far as gzip_http_version, gzip_proxied and gzip_disable say? */
  readonly mayCompress: boolean;
  /** Instead of the directory of the settings, where that has variables. */
  readonly directory?: string | undefined;
  /** Instead of the names of the settings, where those have variables. */
  readonly index?: readonly string[] | undefined;
  /** What limit_rate, `$limit_rate` and X-Accel-Limit-Rate say; without it, as fast as it goes. */
  readonly rate?: RateSettings | undefined;
  /** How many parts of content of this type may be sent: fewer than any where filters change it. */
  readonly rangesOf?: (type: string) => "any" | "one" | "none";
  /** What filters make of a file's validators. */
  readonly validators?: (own: Validators) => Validators;
  readonly scheme: "http" | "https";
  /** Of target or Host field, in lower case and without port; "" without. */
  readonly host: string;
  /** The first server_name; "" without. */
  readonly serverName: string;
  /** Where the connection was accepted. */
  readonly localAddress: string;
  readonly localPort: number;
}

/** A page of the edge's own, or what error_page says. */
export interface StatusAnswer {
  readonly kind: "status";
  readonly status: number;
  /** To be added to the page: Content-Range of 416. */
  readonly fields: readonly FieldLine[];
  /** For the error log, in nginx's words without the request; undefined when there is nothing to say. */
  readonly notice: string | undefined;
}

export interface RedirectAnswer {
  readonly kind: "redirect";
  readonly status: 301;
  readonly location: string;
}

/** An index file was found: route again, with this path and the same query. */
export interface InternalRedirectAnswer {
  readonly kind: "internal";
  readonly path: string;
}

/** Head and body are in memory, and come again for the next request: neither ever changes. */
export interface ReadyAnswer {
  readonly kind: "ready";
  readonly head: ResponseHead;
  /** May be written without a copy. Not for a client that asked with HEAD, though `head` has its Content-Length. */
  readonly body: Bytes;
  /** Room for the whole response as text; undefined for one that is made for this request, or large. */
  readonly text: ReadyText | undefined;
}

/** A body that must be sent by `FileBody` of src/net. */
export interface FileAnswer {
  readonly kind: "file";
  readonly head: ResponseHead;
  /** Bytes of the body. */
  readonly size: number;
  readonly parts: readonly BodyPart[];
  /** Whoever gets the answer gives it to a FileBody, or releases it. */
  readonly file: OpenFile | undefined;
  readonly rate: RateSettings | undefined;
  /** May the body go from file to socket by sendfile(2), where nothing encrypts or frames it? */
  readonly sendfile: boolean;
}

export type StaticAnswer = StatusAnswer | RedirectAnswer | InternalRedirectAnswer | ReadyAnswer | FileAnswer;

/** A status without more. */
export function statusAnswer(status: number, notice?: string, fields: readonly FieldLine[] = []): StatusAnswer {
  return { kind: "status", status, fields, notice };
}
