/**
 * A request as WSGI's `environ` (PEP 3333, "environ Variables"; RFC 3875 for the names).
 * Text is latin-1: one character a byte ("Unicode Issues").
 */
import type { Bytes } from "../std/bytes.ts";
import { protocolOf } from "../http/request-head.ts";
import type { FieldSection } from "../http/field-section.ts";
import { MarshalWriter, encodeBlock } from "../protocol/wire/index.ts";
import type { AppRequest } from "./app-request.ts";
import { FieldNames } from "./field-names.ts";
import { percentDecode } from "./request-encoder.ts";
import type { EncoderSettings, RequestEncoder } from "./request-encoder.ts";
import { writeEnvironTls } from "./tls-encoder.ts";
import type { WorkerBase } from "./worker-bases.ts";

/** Type codes, lengths and keys of everything but the fields and the target. */
const FIXED_SIZE_MAX = 1024;

export class EnvironEncoder implements RequestEncoder {
  readonly keys: readonly string[] = [
    "REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "RAW_URI", "REQUEST_URI", "REMOTE_ADDR", "REMOTE_PORT",
  ];
  readonly #settings: EncoderSettings;
  readonly #names: FieldNames;
  readonly #scratch = new MarshalWriter();

  constructor(settings: EncoderSettings) {
    this.#settings = settings;
    this.#names = new FieldNames(settings.underscoresInHeaders);
  }

  get listenerCount(): number {
    return this.#settings.listeners.length;
  }

  writeBases(writer: MarshalWriter): void {
    const { listeners, rootPath, software } = this.#settings;
    writer.list(listeners.length);
    for (const listener of listeners) {
      writer.beginDict();
      pair(writer, "SERVER_SOFTWARE", software);
      pair(writer, "SERVER_PROTOCOL", "HTTP/1.1");
      pair(writer, "SERVER_NAME", listener.kind === "tcp" ? listener.host : "localhost");
      pair(writer, "SERVER_PORT", listener.kind === "tcp" ? String(listener.port) : "80");
      pair(writer, "SCRIPT_NAME", rootPath);
      pair(writer, "wsgi.url_scheme", "http");
      writer.endDict();
    }
  }

  writeBase(writer: MarshalWriter, { tls, isHttp2 }: WorkerBase): void {
    writer.beginDict();
    if (tls !== undefined) writeEnvironTls(writer, tls);
    if (isHttp2) pair(writer, "SERVER_PROTOCOL", "HTTP/2.0");
    writer.endDict();
  }

  headSizeMax(request: AppRequest): number {
    const { target, path, authority = "" } = request.head;
    const { receivedTarget = target } = request;
    return FIXED_SIZE_MAX + (target.length + receivedTarget.length) * 2 + path.length * 2 + authority.length;
  }

  writeHead(writer: MarshalWriter, request: AppRequest): void {
    const { head, peer, body } = request;
    const { rootPath } = this.#settings;
    writer.smallTuple(peer.port > 0 ? 7 : 6);
    writer.latin1(head.method);
    const path = percentDecode(head.path);
    writer.latin1(rootPath === "" ? path : belowMount(path, rootPath));
    writer.latin1(head.query);
    writer.latin1(head.target);
    // As nginx's uwsgi_params have it: $request_uri, which no rewriting changes.
    writer.latin1(request.receivedTarget ?? head.target);
    writer.latin1(peer.address);
    if (peer.port > 0) writer.latin1(String(peer.port));
    writer.beginDict();
    // What follows replaces what the base or the fields say.
    if (head.minorVersion === 0) pair(writer, "SERVER_PROTOCOL", protocolOf(head));
    if ((peer.scheme === "https") !== (request.tls !== undefined)) {
      // A proxy in front knows better.
      pair(writer, "wsgi.url_scheme", peer.scheme);
      pair(writer, "HTTPS", peer.scheme === "https" ? "on" : "off");
    }
    if (head.authority !== undefined) pair(writer, "HTTP_HOST", head.authority);
    // A chunked body was gathered: its length is known, and applications that look for it find it.
    if (head.fields.semantics.chunked && body.kind !== "stream") {
      pair(writer, "CONTENT_LENGTH", String(body.kind === "file" ? body.size : body.bytes.length));
    }
    this.#unixServerName(writer, request);
    writer.endDict();
  }

  /** A dict of HTTP_* keys and values, repeated fields joined as CGI wants it (RFC 3875 §4.1.18). */
  encodeFields(section: FieldSection, trusted: boolean): Bytes {
    const keys: string[] = [];
    const values: string[] = [];
    for (let index = 0; index < section.count; index++) {
      const { lowerCase, environKey, isForwarding, isDropped } = this.#names.get(section.name(index));
      // The edge took the transfer coding off; the application gets the length instead.
      if (isDropped || (isForwarding && !trusted) || lowerCase === "transfer-encoding") continue;
      const value = section.value(index);
      const before = keys.indexOf(environKey);
      if (before < 0) {
        keys.push(environKey);
        values.push(value);
      } else {
        // RFC 9113 §8.2.3: cookie crumbs join with "; ", everything else with ",".
        values[before] += `${environKey === "HTTP_COOKIE" ? "; " : ","}${value}`;
      }
    }
    // A byte above 127 becomes two, a key is at most as long as the name plus "HTTP_".
    return encodeBlock(this.#scratch, section.bytes.length * 2 + section.count * 24 + 64, (writer) => {
      writer.beginDict();
      for (const [index, key] of keys.entries()) {
        if (key.length < 256) writer.interned(key);
        else writer.latin1(key);
        writer.latin1(values[index] ?? "");
      }
      writer.endDict();
    });
  }

  /** PEP 3333 wants a SERVER_NAME; a Unix socket has none but what the client asked for. */
  #unixServerName(writer: MarshalWriter, request: AppRequest): void {
    if (this.#settings.listeners[request.listener]?.kind !== "unix") return;
    const { fields, authority } = request.head;
    const host = authority ?? (fields.semantics.hostIndex < 0 ? "" : fields.value(fields.semantics.hostIndex));
    const match = /^(\[[^\]]*\]|[^:]+)(?::(\d+))?$/.exec(host);
    if (match === null) return;
    pair(writer, "SERVER_NAME", match[1] ?? "");
    pair(writer, "SERVER_PORT", match[2] ?? (request.peer.scheme === "https" ? "443" : "80"));
  }
}

function pair(writer: MarshalWriter, key: string, value: string): void {
  writer.interned(key);
  writer.latin1(value);
}

/** PATH_INFO under SCRIPT_NAME: the prefix is taken off at a "/" boundary; a path without it stays whole. */
function belowMount(path: string, rootPath: string): string {
  const below = path.slice(rootPath.length);
  return path.startsWith(rootPath) && (below === "" || below.startsWith("/")) ? below : path;
}
