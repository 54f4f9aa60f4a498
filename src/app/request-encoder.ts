/** What the two kinds of application want to see of a request; one implementation each. */
import type { Bytes } from "../std/bytes.ts";
import type { FieldSection } from "../http/field-section.ts";
import type { MarshalWriter } from "../protocol/wire/index.ts";
import type { AppRequest } from "./app-request.ts";
import type { WorkerBase } from "./worker-bases.ts";

/** What an application is told about a listener and the program, once for each connection to a worker. */
export interface EncoderSettings {
  readonly listeners: readonly (
    | { readonly kind: "tcp"; readonly host: string; readonly port: number }
    | { readonly kind: "unix"; readonly path: string }
  )[];
  readonly rootPath: string;
  readonly underscoresInHeaders: boolean;
  readonly software: string;
}

export interface RequestEncoder {
  /** How many bases it writes. */
  readonly listenerCount: number;
  /** Writes the list of constant dicts, one for each listener, for the hello frame. */
  writeBases(writer: MarshalWriter): void;
  /** What every request has, so that the worker is told the names once. Those that a request may lack are the last. */
  readonly keys: readonly string[];
  /** Writes the dict of what such connections have besides their listener's. */
  writeBase(writer: MarshalWriter, base: WorkerBase): void;
  /**
   * Writes the tuple of the values of `keys`, then the dict of what else is this request's own. Both complete base and
   * fields, and win over them.
   */
  writeHead(writer: MarshalWriter, request: AppRequest): void;
  /** An upper bound of what `writeHead` writes, in bytes. */
  headSizeMax(request: AppRequest): number;
  /** Makes the marshal object of a section's fields, as a sender of this kind may give them. */
  encodeFields(section: FieldSection, trusted: boolean): Bytes;
}

/** A section's fields as `encoder` writes them: made once for each section and kind of sender. */
export function encodedFields(encoder: RequestEncoder, section: FieldSection, trusted: boolean): Bytes {
  if (section.encodedBy !== encoder) {
    section.encodedBy = encoder;
    section.encodedTrusted = section.encodedUntrusted = undefined;
  }
  if (trusted) return (section.encodedTrusted ??= encoder.encodeFields(section, true));
  return (section.encodedUntrusted ??= encoder.encodeFields(section, false));
}

/** Replaces %XX by its byte, as latin-1 text; a "%" without two digits stays (RFC 3986 §2.1). */
export function percentDecode(path: string): string {
  if (!path.includes("%")) return path;
  return path.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
