// HTTP/2 as a test says it: frames in and out, in the words of RFC 9113.
import { PREFACE, encodeBlock } from "../../src/protocol/h2/index.ts";
import { concatBytes, copyBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";

export const DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7,
  WINDOW_UPDATE = 8, CONTINUATION = 9, PRIORITY_UPDATE = 16;
const names = [
  "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
  "CONTINUATION",
];
export const END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, HAS_PRIORITY = 32;

export type Fields = readonly (readonly [name: string, value: string])[];

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Bytes;
}

/** Any frame, of whatever sense. */
export function frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ""): Bytes {
  const body = typeof payload === "string" ? fromLatin1(payload) : payload;
  const head = Uint8Array.of(
    body.length >> 16, body.length >> 8, body.length, type, flags, stream >>> 24, stream >>> 16, stream >>> 8, stream,
  );
  return concatBytes([head, body]);
}

export function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** What a client begins with. */
export function preface(...settings: readonly (readonly [identifier: number, value: number])[]): Bytes {
  return concatBytes([fromLatin1(PREFACE), settingsFrame(...settings)]);
}

export function settingsFrame(...settings: readonly (readonly [identifier: number, value: number])[]): Bytes {
  const parts = settings.map(([identifier, value]) =>
    concatBytes([Uint8Array.of(identifier >> 8, identifier), uint32(value)]));
  return frame(SETTINGS, 0, 0, concatBytes(parts));
}

/** The four that every request has, then others. */
export function requestFields(method: string, path: string, more: Fields = []): Fields {
  return [[":method", method], [":scheme", "http"], [":path", path], [":authority", "example.com"], ...more];
}

/** HEADERS with these fields and all flags that a whole request has. */
export function headers(stream: number, fields: Fields, flags: number = END_HEADERS | END_STREAM): Bytes {
  return frame(HEADERS, flags, stream, encodeBlock(fields));
}

export const get = (stream: number, path: string = "/", more: Fields = []): Bytes =>
  headers(stream, requestFields("GET", path, more));

export const post = (stream: number, more: Fields = [], path: string = "/"): Bytes =>
  headers(stream, requestFields("POST", path, more), END_HEADERS);

export const data = (stream: number, payload: Uint8Array | string, flags: number = 0): Bytes =>
  frame(DATA, flags, stream, payload);

export const reset = (stream: number, code: number): Bytes => frame(RST_STREAM, 0, stream, uint32(code));

export const windowUpdate = (stream: number, increment: number): Bytes =>
  frame(WINDOW_UPDATE, 0, stream, uint32(increment));

/** Cuts bytes into frames. @returns them, and what is left of a last one */
export function framesOf(bytes: Bytes): { readonly frames: readonly Frame[]; readonly rest: Bytes } {
  const frames: Frame[] = [];
  let at = 0;
  while (at + 9 <= bytes.length) {
    const length = bytes.readUIntBE(at, 3);
    if (at + 9 + length > bytes.length) break;
    frames.push({
      type: bytes[at + 3] ?? 0, flags: bytes[at + 4] ?? 0, stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
      payload: copyBytes(bytes, at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return { frames, rest: copyBytes(bytes, at) };
}

/** A frame in one line: "RST_STREAM 1 PROTOCOL_ERROR", "DATA 1 5 end". */
export function say({ type, flags, stream, payload }: Frame): string {
  const name = names[type] ?? `type ${type}`;
  switch (type) {
    case DATA: return `DATA ${stream} ${payload.length}${(flags & END_STREAM) !== 0 ? " end" : ""}`;
    case HEADERS: return `HEADERS ${stream}${(flags & END_STREAM) !== 0 ? " end" : ""}`;
    case RST_STREAM: return `RST_STREAM ${stream} ${codeName(payload.readUInt32BE(0))}`;
    case GOAWAY: return `GOAWAY ${payload.readUInt32BE(0)} ${codeName(payload.readUInt32BE(4))}`;
    case WINDOW_UPDATE: return `WINDOW_UPDATE ${stream} ${payload.readUInt32BE(0)}`;
    case SETTINGS: case PING: return `${name}${(flags & ACK) !== 0 ? " ack" : ""}`;
    default: return `${name} ${stream}`;
  }
}

const codeNames = [
  "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
  "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
];

export function codeName(code: number): string {
  return codeNames[code] ?? String(code);
}
