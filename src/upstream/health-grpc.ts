/**
 * The health protocol of gRPC (grpc.health.v1.Health/Check), as a check asks it and reads the answer:
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md. Of Protocol Buffers it needs one field each way.
 */
import type { FieldLine } from "../http/response-head.ts";
import { NO_BYTES, concatBytes, fromLatin1, fromUtf8 } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { HealthAnswer, HealthJudge } from "./health-match.ts";
import type { GrpcCheckSettings } from "./settings.ts";

export const GRPC_CHECK_PATH = "/grpc.health.v1.Health/Check";

/** ServingStatus of HealthCheckResponse, its field 1; a field that is not there is 0, UNKNOWN. */
const SERVING = 1, STATUS_FIELD = 1;
const OK = 0;
/** Wire types of Protocol Buffers: a varint, eight bytes, a size and so many bytes, four bytes. */
const VARINT = 0, FIXED64 = 1, SIZED = 2, FIXED32 = 5;
/** gRPC's frame of a message: its flag, which says that it is compressed, and its size. */
const MESSAGE_HEAD_SIZE = 5;
/** 64 bits in groups of seven. */
const VARINT_SIZE_MAX = 10;

/** The message that asks for a service, "" for the server as a whole. */
export function grpcCheckRequest(service: string): Bytes {
  const name = fromUtf8(service);
  // HealthCheckRequest: its field 1, which is left out when it is empty.
  const field = name.length === 0 ? NO_BYTES : concatBytes([fromLatin1(`\x0a${varint(name.length)}`), name]);
  const size = field.length;
  const head = String.fromCharCode(0, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255);
  return concatBytes([fromLatin1(head), field]);
}

/** Is a server of gRPC well? A status that the check names is as good as SERVING. */
export class GrpcHealth implements HealthJudge {
  readonly name = "grpc";
  readonly wantsBody = true;
  readonly #wanted: number;

  constructor({ status }: GrpcCheckSettings) {
    this.#wanted = status;
  }

  head(status: number): string | undefined {
    return status === 200 ? undefined : "status code";
  }

  whole({ lines, body, trailers }: HealthAnswer): string | undefined {
    // An answer of trailers only has them in its head.
    const text = fieldOf(trailers) ?? fieldOf(lines);
    if (text === undefined) return "grpc-status, which is not there";
    const status = /^\d{1,3}$/.test(text) ? Number(text) : undefined;
    if (status === this.#wanted && status !== OK) return undefined;
    if (status !== OK) return `grpc-status ${JSON.stringify(text.slice(0, 20))}`;
    const serving = servingStatus(body);
    return serving === SERVING ? undefined : `serving status ${serving ?? "unreadable"}`;
  }
}

function fieldOf(lines: readonly FieldLine[]): string | undefined {
  return lines.find(([name]) => name.toLowerCase() === "grpc-status")?.[1];
}

/** @param body of one message @returns undefined for what is none, or is compressed, which nobody has offered */
function servingStatus(body: string): number | undefined {
  const size = body.length - MESSAGE_HEAD_SIZE;
  if (size < 0 || body.charCodeAt(0) !== 0) return undefined;
  let said = 0;
  for (let at = 1; at < MESSAGE_HEAD_SIZE; at++) said = said * 256 + body.charCodeAt(at);
  if (said !== size) return undefined;
  let status = 0;
  let at = MESSAGE_HEAD_SIZE;
  while (at < body.length) {
    const tag = readVarint(body, at);
    if (tag === undefined) return undefined;
    const value = tag.value % 8 === VARINT || tag.value % 8 === SIZED ? readVarint(body, tag.end) : undefined;
    switch (tag.value % 8) {
      case VARINT:
        if (value === undefined) return undefined;
        if (Math.floor(tag.value / 8) === STATUS_FIELD) status = value.value;
        at = value.end;
        break;
      case SIZED:
        if (value === undefined) return undefined;
        at = value.end + value.value;
        break;
      case FIXED64: at = tag.end + 8; break;
      case FIXED32: at = tag.end + 4; break;
      default: return undefined;
    }
  }
  return at === body.length ? status : undefined;
}

function readVarint(text: string, start: number): { readonly value: number; readonly end: number } | undefined {
  let value = 0;
  for (let at = start; at < text.length && at < start + VARINT_SIZE_MAX; at++) {
    const byte = text.charCodeAt(at);
    value += (byte & 127) * 2 ** (7 * (at - start));
    if (byte < 128) return { value, end: at + 1 };
  }
  return undefined;
}

function varint(value: number): string {
  let text = "";
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) text += String.fromCharCode((rest & 127) | 128);
  return text + String.fromCharCode(rest);
}
