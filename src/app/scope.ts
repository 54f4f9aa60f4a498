/** A request as ASGI's scope (ASGI, "HTTP Connection Scope" 2.3 and "WebSocket Connection Scope" 2.5). */
import type { Bytes } from "../std/bytes.ts";
import { fromLatin1 } from "../std/bytes.ts";
import type { FieldSection } from "../http/field-section.ts";
import { MarshalWriter, encodeBlock } from "../protocol/wire/index.ts";
import type { AppRequest, AppWebSocket } from "./app-request.ts";
import { FieldNames } from "./field-names.ts";
import { percentDecode } from "./request-encoder.ts";
import type { EncoderSettings, RequestEncoder } from "./request-encoder.ts";
import { writeScopeTls } from "./tls-encoder.ts";
import type { WorkerBase } from "./worker-bases.ts";

/** Type codes, lengths and keys of everything but the fields and the target. */
const FIXED_SIZE_MAX = 512;
/** Methods of RFC 9110 §9 and RFC 5789: ASGI wants them in upper case, others pass as they are. */
const KNOWN_METHODS = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);

export class ScopeEncoder implements RequestEncoder {
  readonly keys: readonly string[] = ["path", "raw_path", "query_string", "client", "method"];
  readonly #settings: EncoderSettings;
  readonly #names: FieldNames;
  /** As it is in a request-target. */
  readonly #rawRootPath: string;
  readonly #scratch = new MarshalWriter();

  constructor(settings: EncoderSettings) {
    this.#settings = settings;
    this.#rawRootPath = encodeURI(settings.rootPath);
    this.#names = new FieldNames(settings.underscoresInHeaders);
  }

  get listenerCount(): number {
    return this.#settings.listeners.length;
  }

  writeBases(writer: MarshalWriter): void {
    const { listeners, rootPath } = this.#settings;
    writer.list(listeners.length);
    for (const listener of listeners) {
      writer.beginDict();
      pair(writer, "type", "http");
      pair(writer, "http_version", "1.1");
      pair(writer, "scheme", "http");
      writer.interned("root_path");
      writer.unicode(rootPath);
      writer.interned("server");
      writer.smallTuple(2);
      if (listener.kind === "tcp") {
        writer.latin1(listener.host);
        writer.int(listener.port);
      } else {
        writer.unicode(listener.path);
        writer.none();
      }
      writer.endDict();
    }
  }

  writeBase(writer: MarshalWriter, { tls, isHttp2 }: WorkerBase): void {
    writer.beginDict();
    if (tls !== undefined) writeScopeTls(writer, tls);
    if (isHttp2) pair(writer, "http_version", "2");
    writer.endDict();
  }

  headSizeMax(request: AppRequest): number {
    const { head } = request;
    // With an absolute-form target the headers are written here too.
    const { authority, fields } = head;
    const section = authority === undefined ? 0 : fields.bytes.length + fields.count * 16 + authority.length;
    // A decoded byte that is no UTF-8 becomes U+FFFD, three bytes.
    // Subprotocols are parts of fields, each with a type and a length.
    const subprotocols = request.webSocket === undefined ? 0 : fields.bytes.length * 3;
    return FIXED_SIZE_MAX + section + subprotocols + head.target.length * 5 + this.#rawRootPath.length * 2;
  }

  writeHead(writer: MarshalWriter, request: AppRequest): void {
    const { head, peer } = request;
    writer.smallTuple(request.webSocket === undefined ? 5 : 4);
    const decoded = head.path.includes("%") ? fromLatin1(percentDecode(head.path)).utf8Slice() : head.path;
    const isWhole = this.#isWhole(decoded);
    if (decoded === head.path && isWhole) writer.latin1(decoded);
    else writer.unicode(isWhole ? decoded : this.#settings.rootPath + decoded);
    writer.bytesOfLatin1(isWhole ? head.path : this.#rawRootPath + head.path);
    writer.bytesOfLatin1(head.query);
    if (peer.address === "") {
      writer.none();
    } else {
      writer.smallTuple(2);
      writer.latin1(peer.address);
      writer.int(peer.port);
    }
    if (request.webSocket === undefined) writer.latin1(methodOf(head.method));
    writer.beginDict();
    if (request.webSocket !== undefined) this.#writeWebSocket(writer, request.webSocket, peer.scheme);
    if (head.authority !== undefined) {
      writer.interned("headers");
      this.#writeHeaders(writer, head.fields, peer.trusted, head.authority);
    }
    if (head.minorVersion === 0) pair(writer, "http_version", "1.0");
    // A proxy in front knows better than the listener.
    const isOther = (peer.scheme === "https") !== (request.tls !== undefined);
    if (isOther && request.webSocket === undefined) pair(writer, "scheme", peer.scheme);
    writer.endDict();
  }

  /**
   * ASGI: path begins with root_path. A proxy in front may have taken it off, or not; nothing is ever doubled.
   * @param path decoded
   */
  #isWhole(path: string): boolean {
    const { rootPath } = this.#settings;
    if (rootPath === "" || path === rootPath || path === "*") return true;
    return path.startsWith(rootPath) && path[rootPath.length] === "/";
  }

  /** What a "websocket" scope has of its own (ASGI, "WebSocket Connection Scope", version 2.5). */
  #writeWebSocket(writer: MarshalWriter, webSocket: AppWebSocket, scheme: "http" | "https"): void {
    const { subprotocols } = webSocket;
    pair(writer, "type", "websocket");
    pair(writer, "scheme", scheme === "https" ? "wss" : "ws");
    writer.interned("subprotocols");
    writer.list(subprotocols.length);
    for (const subprotocol of subprotocols) writer.latin1(subprotocol);
  }

  encodeFields(section: FieldSection, trusted: boolean): Bytes {
    // Each line gains a tuple, two types and two lengths in place of ": " and CRLF.
    const sizeMax = section.bytes.length + section.count * 16 + 64;
    return encodeBlock(this.#scratch, sizeMax, (writer) => this.#writeHeaders(writer, section, trusted, undefined));
  }

  /**
   * The list of (name, value): order kept, names in lower case, cookies in one (RFC 9113 §8.2.3).
   * @param authority replaces the Host field
   */
  #writeHeaders(writer: MarshalWriter, section: FieldSection, trusted: boolean, authority: string | undefined): void {
    const names: string[] = [];
    const values: string[] = [];
    let cookie = -1;
    for (let index = 0; index < section.count; index++) {
      const { lowerCase, isForwarding, isDropped } = this.#names.get(section.name(index));
      if (isDropped || (isForwarding && !trusted)) continue;
      const value = lowerCase === "host" && authority !== undefined ? authority : section.value(index);
      if (lowerCase === "cookie" && cookie >= 0) {
        values[cookie] += `; ${value}`;
        continue;
      }
      if (lowerCase === "cookie") cookie = names.length;
      names.push(lowerCase);
      values.push(value);
    }
    writer.list(names.length);
    for (const [index, name] of names.entries()) {
      writer.smallTuple(2);
      writer.bytesOfLatin1(name);
      writer.bytesOfLatin1(values[index] ?? "");
    }
  }
}

function pair(writer: MarshalWriter, key: string, value: string): void {
  writer.interned(key);
  writer.latin1(value);
}

function methodOf(method: string): string {
  if (KNOWN_METHODS.has(method)) return method;
  const upper = method.toUpperCase();
  return KNOWN_METHODS.has(upper) ? upper : method;
}
