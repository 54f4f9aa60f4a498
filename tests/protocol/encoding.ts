// Requests as the edge reads them, encoded for applications, and read again by CPython.
import assert from "node:assert/strict";
import type { AppBody, AppRequest, Peer } from "../../src/app/app-request.ts";
import { type EncoderSettings, type RequestEncoder, encodedFields } from "../../src/app/request-encoder.ts";
import { tlsSizeMax } from "../../src/app/tls-encoder.ts";
import type { TlsFacts } from "../../src/http/tls-facts.ts";
import type { RequestHead } from "../../src/http/request-head.ts";
import { RequestReader, SectionMemory } from "../../src/protocol/h1/index.ts";
import { MarshalWriter } from "../../src/protocol/wire/index.ts";
import { type Bytes, NO_BYTES, copyBytes, fromLatin1 } from "../../src/std/bytes.ts";
import { limits } from "./engine.ts";
import { type WireValue, askPython } from "./python.ts";

export const settings: EncoderSettings = {
  listeners: [{ kind: "tcp", host: "127.0.0.1", port: 8000 }, { kind: "unix", path: "/run/\u00e4.sock" }],
  rootPath: "",
  underscoresInHeaders: false,
  software: "tricorn/test",
};

export const stranger: Peer = { address: "192.0.2.1", port: 4711, scheme: "http", trusted: false };
export const proxy: Peer = { address: "192.0.2.7", port: 0, scheme: "https", trusted: true };

/** What a request differs in from a stranger's GET through the first listener. */
export interface Given {
  readonly peer?: Peer;
  readonly listener?: number;
  readonly tls?: TlsFacts;
  readonly body?: AppBody;
}

/** Reads a head whose characters are bytes. */
export function headOf(text: string): RequestHead {
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(text));
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "request", JSON.stringify(event));
  return event;
}

/** The request that an encoder sees; nobody answers it. */
export function requestOf(text: string, given: Given = {}): AppRequest {
  const ignore = (): void => undefined;
  return {
    head: headOf(text), peer: given.peer ?? stranger, listener: given.listener ?? 0, tls: given.tls,
    body: given.body ?? { kind: "whole", bytes: NO_BYTES },
    webSocket: undefined, link: undefined, id: 1, queuedMs: 0, abandoned: false,
    onGiven: ignore, onResponse: ignore, onStart: ignore, onChunk: ignore, onEnd: ignore, onFile: ignore,
    onFailure: ignore, onBodyCredit: ignore, onInformational: ignore,
  };
}

/** The marshal bytes of the frame that is open. */
function objectOf(writer: MarshalWriter): Bytes {
  writer.end();
  return copyBytes(writer.take() ?? NO_BYTES, 4);
}

/** Marshal bytes of the head, a pair of values and what else there is; asserts that the encoder's own bound holds. */
export function encodeHead(encoder: RequestEncoder, request: AppRequest): Uint8Array {
  const writer = new MarshalWriter();
  const sizeMax = encoder.headSizeMax(request);
  writer.begin(sizeMax);
  writer.smallTuple(2);
  encoder.writeHead(writer, request);
  const bytes = objectOf(writer);
  assert.ok(bytes.length - 2 <= sizeMax, `${bytes.length} bytes, ${sizeMax} promised`);
  return bytes;
}

/** The dicts that Python makes of fields and heads, joined as the worker joins them. */
export function loadHeads(encoder: RequestEncoder, requests: readonly AppRequest[]): readonly Record<string,
  WireValue>[] {
  const heads = requests.map((request) => encodeHead(encoder, request));
  const sections = requests.map(({ head, peer }) => encodedFields(encoder, head.fields, peer.trusted));
  const loaded = askPython({ loads: [...heads, ...sections] }).loads;
  return requests.map((_, index) => ({
    ...fieldsOf(loaded[requests.length + index] ?? null),
    ...headDictOf(encoder, loaded[index] ?? null),
  }));
}

function headDictOf({ keys }: RequestEncoder, head: WireValue): Record<string, WireValue> {
  const [values = null, own = null] = tupleOf(head);
  const pairs = tupleOf(values).map((value, index): [string, WireValue] => [keys[index] ?? "", value]);
  return { ...Object.fromEntries(pairs), ...dictOf(own) };
}

/** A dict of keys for WSGI, a list of headers for ASGI. */
function fieldsOf(value: WireValue): Record<string, WireValue> {
  return Array.isArray(value) ? { headers: value } : dictOf(value);
}

/** The constant dicts of the hello, one for each listener. */
export function loadBases(encoder: RequestEncoder): readonly Record<string, WireValue>[] {
  const writer = new MarshalWriter();
  writer.begin(65_536);
  encoder.writeBases(writer);
  const [bases] = askPython({ loads: [objectOf(writer)] }).loads;
  assert.ok(Array.isArray(bases));
  return (bases as readonly WireValue[]).map(dictOf);
}

/** The dict of a TLS connection's own. */
export function loadTls(encoder: RequestEncoder, tls: TlsFacts): Record<string, WireValue> {
  const writer = new MarshalWriter();
  const sizeMax = tlsSizeMax(tls);
  writer.begin(sizeMax);
  encoder.writeBase(writer, { number: 1, listener: 0, tls, isHttp2: false });
  const bytes = objectOf(writer);
  assert.ok(bytes.length <= sizeMax, `${bytes.length} bytes, ${sizeMax} promised`);
  return dictOf(askPython({ loads: [bytes] }).loads[0] ?? null);
}

function tupleOf(value: WireValue): readonly WireValue[] {
  assert.ok(typeof value === "object" && value !== null && "tuple" in value);
  return value.tuple;
}

function dictOf(value: WireValue): Record<string, WireValue> {
  assert.ok(typeof value === "object" && value !== null && "dict" in value);
  return Object.fromEntries(value.dict);
}
