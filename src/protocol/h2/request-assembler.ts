/**
 * What the fields of a header block are as a request (RFC 9113 §8.3.1): the same head, judged by the same rules, as if
 * it had come in HTTP/1.1. That is how it is done, too: the fields become lines, and the lines are read by the parser
 * of HTTP/1.1, so that nothing can be accepted here that is refused there.
 *
 * A client repeats most fields of its requests, and HPACK names them by index: if all entries are those of the request
 * before, so is the section.
 */
import { METHOD, REQUEST_TARGET } from "../../http/characters.ts";
import { FieldSection, NO_FIELDS } from "../../http/field-section.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { FieldParser, type HeadLimits, type SectionMemory, type Violation } from "../h1/index.ts";
import type { HpackField } from "./hpack-field.ts";

/** " HTTP/2.0" and the two blanks and line end of the line that nginx would count. */
const LINE_OVERHEAD = 12;
/** What is asked of a message; its answer is a status. */
type RefusalStatus = Violation["status"] | 405 | 501;

/** A request | one that is to be answered with a status, and is perhaps none at all (RFC 9113 §8.1.1: malformed). */
export type Assembled =
  | { readonly kind: "request"; readonly head: RequestHead; readonly isWebSocket: boolean }
  | {
    readonly kind: "refused"; readonly head: RequestHead; readonly status: RefusalStatus; readonly reason: string;
    readonly isMalformed: boolean;
  };

/** Of a request of which nothing is known. */
export const UNKNOWN_HEAD: RequestHead = {
  kind: "request", method: "", target: "", path: "", query: "", authority: undefined, minorVersion: 1, majorVersion: 2,
  fields: NO_FIELDS, hasBody: false, persistent: true,
};

interface Pseudo {
  method: string | undefined;
  scheme: string | undefined;
  path: string | undefined;
  authority: HpackField | undefined;
  protocol: string | undefined;
}

export class RequestAssembler {
  readonly #limits: HeadLimits;
  readonly #memory: SectionMemory;
  readonly #parser: FieldParser;
  /** Of the request before: its authority and fields, and what they are. */
  #before: readonly HpackField[] = [];
  #section: FieldSection | undefined = undefined;

  constructor(limits: HeadLimits, memory: SectionMemory) {
    this.#limits = limits;
    this.#memory = memory;
    // The host, which :authority becomes, is not one that the client has sent; those were counted.
    this.#parser = new FieldParser({ ...limits, fieldCountMax: limits.fieldCountMax + 1 }, "request");
  }

  /** @param fields of the whole block @param endStream does no body follow? */
  assemble(fields: readonly HpackField[], endStream: boolean): Assembled {
    const pseudo: Pseudo = {
      method: undefined, scheme: undefined, path: undefined, authority: undefined, protocol: undefined,
    };
    let count = 0;
    for (const field of fields) {
      if (!field.isPseudo) break;
      if (field.kind === "malformed") return malformed(quoted(field));
      count++;
      const fault = take(pseudo, field);
      if (fault !== undefined) return malformed(fault);
    }
    const { method, scheme, path = "", protocol } = pseudo;
    if (method === undefined) return malformed(":method missing");
    if (!isMethod(method)) return malformed(":method");
    if (method === "CONNECT" && protocol === undefined) return this.#connect(pseudo);
    // RFC 9113 §8.3.1 and RFC 8441 §4: all of these, and :protocol with CONNECT only.
    if (scheme === undefined || path === "") return malformed(`${scheme === undefined ? ":scheme" : ":path"} missing`);
    if (protocol !== undefined && method !== "CONNECT") return malformed(":protocol without CONNECT");
    const isTarget = path.charCodeAt(0) === 0x2f /* / */ || (path === "*" && method === "OPTIONS");
    if (!isTarget || !isRequestTarget(path)) return malformed(":path");
    const mark = path.indexOf("?");
    const target = {
      kind: "request" as const, method, target: path,
      path: mark < 0 ? path : path.slice(0, mark),
      query: mark < 0 ? "" : path.slice(mark + 1),
      authority: undefined, minorVersion: 1, majorVersion: 2 as const, persistent: true,
    };
    const known = { ...target, fields: NO_FIELDS, hasBody: false };
    const refuse = (status: RefusalStatus, reason: string): Assembled =>
      ({ kind: "refused", head: known, status, reason, isMalformed: false });
    if (method.length + path.length + LINE_OVERHEAD > this.#limits.requestLineSizeMax) {
      return refuse(414, "request_line_size");
    }
    const section = this.#sectionOf(pseudo.authority, fields, count);
    if (typeof section === "string") return malformed(section, known);
    if ("kind" in section) {
      // RFC 9113 §8.1.1: a Content-Length that is none is malformed, not only wrong.
      if (section.reason.startsWith("content_length")) return malformed(section.reason, known);
      return refuse(section.status, section.reason);
    }
    const { contentLength } = section.semantics;
    if (endStream && contentLength > 0) return malformed("content-length without content", known);
    if (protocol !== undefined) {
      if (protocol !== "websocket") return refuse(501, `:protocol ${protocol.slice(0, 40)}`);
      return { kind: "request", head: webSocketHead(target, section), isWebSocket: true };
    }
    const hasBody = !endStream;
    const framed = hasBody && contentLength < 0 ? withoutLength(section) : section;
    return { kind: "request", head: { ...target, fields: framed, hasBody }, isWebSocket: false };
  }

  /** RFC 9113 §8.5: CONNECT has no :scheme and no :path. We are no tunnel. */
  #connect({ scheme, path, authority }: Pseudo): Assembled {
    if (scheme !== undefined || path !== undefined || authority === undefined) return malformed("CONNECT");
    const head: RequestHead = {
      kind: "request", method: "CONNECT", target: authority.value, path: "", query: "", authority: undefined,
      minorVersion: 1, majorVersion: 2, persistent: true, fields: NO_FIELDS, hasBody: false,
    };
    return { kind: "refused", head, status: 405, reason: "method", isMalformed: false };
  }

  /** @param count pseudo-header fields at the beginning @returns what is wrong with it as text, or as a violation */
  #sectionOf(
    authority: HpackField | undefined, fields: readonly HpackField[], count: number,
  ): FieldSection | Violation | string {
    if (this.#section !== undefined && this.#isAsBefore(authority, fields, count)) return this.#section;
    let text = authority === undefined ? "" : `host: ${authority.value}\r\n`;
    let cookies: string | undefined;
    for (let index = count; index < fields.length; index++) {
      const field = fields[index];
      if (field === undefined) break;
      switch (field.kind) {
        case "regular": text += field.line; break;
        case "host":
          if (authority === undefined) text += field.line;
          // nginx: they must not differ. The first of them is there already.
          else if (field.value.toLowerCase() !== authority.value.toLowerCase()) {
            return { kind: "violation", status: 400, reason: "host_invalid" };
          }
          break;
        case "cookie":
          cookies = cookies === undefined ? field.value : `${cookies}; ${field.value}`;
          break;
        default: return `${quoted(field)}${field.kind === "malformed" ? "" : " behind regular fields"}`;
      }
    }
    // RFC 9113 §8.2.3: crumbs become one field before anybody else sees them.
    if (cookies !== undefined) text += `cookie: ${cookies}\r\n`;
    const bytes = fromLatin1(`${text}\r\n`);
    this.#parser.reset(0);
    const parsed = this.#parser.parse(bytes, bytes.length);
    if (typeof parsed === "object") return parsed;
    const read = this.#parser.finish(bytes, 0, 1);
    if ("kind" in read) return read;
    this.#section = this.#memory.remember(read, 1);
    this.#before = [...(authority === undefined ? [] : [authority]), ...fields.slice(count)];
    return this.#section;
  }

  #isAsBefore(authority: HpackField | undefined, fields: readonly HpackField[], count: number): boolean {
    const before = this.#before;
    const shift = authority === undefined ? 0 : 1;
    if (before.length !== fields.length - count + shift) return false;
    if (authority !== undefined && !isSame(before[0], authority)) return false;
    for (let index = count; index < fields.length; index++) {
      if (!isSame(before[index - count + shift], fields[index])) return false;
    }
    return true;
  }
}

/** Mostly they are one entry of a table. */
function isSame(before: HpackField | undefined, field: HpackField | undefined): boolean {
  if (before === field) return true;
  return before !== undefined && field !== undefined && before.name === field.name && before.value === field.value;
}

/** RFC 9113 §8.3: each at most once, and those of requests only. */
function take(pseudo: Pseudo, field: HpackField): string | undefined {
  switch (field.kind) {
    case ":method": if (pseudo.method !== undefined) break; pseudo.method = field.value; return undefined;
    case ":scheme": if (pseudo.scheme !== undefined) break; pseudo.scheme = field.value; return undefined;
    case ":path": if (pseudo.path !== undefined) break; pseudo.path = field.value; return undefined;
    case ":authority": if (pseudo.authority !== undefined) break; pseudo.authority = field; return undefined;
    case ":protocol": if (pseudo.protocol !== undefined) break; pseudo.protocol = field.value; return undefined;
    default: return `${field.name} in a request`;
  }
  return `${field.name} repeated`;
}

/**
 * A WebSocket as RFC 8441 asks for it is to everybody else the GET of RFC 6455: what follows is no content. It has no
 * Connection and no Upgrade, but the meaning of both, and no key.
 */
function webSocketHead(target: Omit<RequestHead, "fields" | "hasBody">, section: FieldSection): RequestHead {
  const { bytes, offsets, semantics } = section;
  const fields = new FieldSection(bytes, offsets, { ...semantics, upgrade: "websocket", expectContinue: false });
  return { ...target, method: "GET", fields, hasBody: false };
}

/** A body whose length nobody has told: what Transfer-Encoding says in HTTP/1.1. */
function withoutLength({ bytes, offsets, semantics }: FieldSection): FieldSection {
  return new FieldSection(bytes, offsets, { ...semantics, chunked: true });
}

/** For the log, whatever its name is. */
function quoted({ name }: HpackField): string {
  return `field ${JSON.stringify(name.slice(0, 40))}`;
}

function isMethod(method: string): boolean {
  for (let i = 0; i < method.length; i++) if (METHOD[method.charCodeAt(i)] !== 1) return false;
  return method.length > 0;
}

function isRequestTarget(path: string): boolean {
  for (let i = 0; i < path.length; i++) if (REQUEST_TARGET[path.charCodeAt(i)] !== 1) return false;
  return true;
}

function malformed(reason: string, head: RequestHead = UNKNOWN_HEAD): Assembled {
  return { kind: "refused", head, status: 400, reason, isMalformed: true };
}
