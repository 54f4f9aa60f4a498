/** The head of a response as a server sent it (RFC 9112 §4), and what its fields say about framing. */
import type { FieldLine, ResponseHead } from "../../http/response-head.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { FieldRole, ResponseSemantics } from "./field-parser.ts";
import type { HeadLimits } from "./limits.ts";

/**
 * Shared by all responses with the same bytes, so nothing in it may depend on the request: see ResponseMemory.
 */
export class ReceivedHead {
  readonly kind = "response";
  readonly status: number;
  readonly reason: string;
  /** Of HTTP/1.x; of a script that wrote no status line: 1. */
  readonly minorVersion: number;
  /** As received, in their order; a script's Status is among them. */
  readonly lines: readonly FieldLine[];
  /** RFC 9112 §6.3: from Content-Length, -1 without one. */
  readonly contentLength: number;
  readonly chunked: boolean;
  /** Connection options (RFC 9110 §7.6.1). */
  readonly close: boolean;
  readonly keepAlive: boolean;
  /** The Upgrade field's value in lower case, if Connection names it (RFC 9110 §7.8). */
  readonly upgrade: string | undefined;
  /** All of Connection's options in lower case: these fields are of this hop only. */
  readonly connectionOptions: readonly string[];
  /** Bytes of the head, its empty line included. */
  readonly size: number;
  readonly role: FieldRole;
  /** Room for what the handler of one location (`by`) made of it. */
  passed: { readonly by: object; readonly head: ResponseHead } | undefined = undefined;
  /** Its bytes, while it is remembered. */
  bytes: Bytes | undefined = undefined;

  constructor(
    line: { readonly status: number; readonly reason: string; readonly minorVersion: number },
    lines: readonly FieldLine[], semantics: ResponseSemantics, size: number, role: FieldRole,
  ) {
    this.status = line.status;
    this.reason = line.reason;
    this.minorVersion = line.minorVersion;
    this.lines = lines;
    this.contentLength = semantics.contentLength;
    this.chunked = semantics.chunked;
    this.close = semantics.close;
    this.keepAlive = semantics.keepAlive;
    this.upgrade = semantics.upgrade;
    this.connectionOptions = semantics.connectionOptions;
    this.size = size;
    this.role = role;
  }

  /** Would a reader with these bounds surely have accepted it? No line is longer than the head. */
  fits(limits: HeadLimits, role: FieldRole): boolean {
    return this.role === role && this.size <= limits.headSizeMax && this.size <= limits.fieldSizeMax &&
      this.lines.length <= limits.fieldCountMax;
  }
}
