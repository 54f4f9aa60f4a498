/**
 * Response heads as workers write them: `status, headers` at the end of a frame (docs/wire.md).
 *
 * An application gives few different heads, again and again. A head is therefore known by its bytes: seen
 * before, nothing is decoded, checked or formatted, the same `ResponseHead` is used again.
 * Bounded: HEADS_MAX heads of at most HEAD_KEY_SIZE_MAX bytes; when full, all are forgotten.
 */
import { reasonPhrase } from "../http/status.ts";
import { ResponseHead, findFault } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";
import { MalformedFrame } from "../protocol/wire/index.ts";
import type { MarshalReader } from "../protocol/wire/index.ts";

const HEADS_MAX = 1024;
const HEAD_KEY_SIZE_MAX = 1024;
/** More fields than any honest response has. */
const FIELDS_MAX = 4096;

/** An application's head that may not leave: the request fails with 500 and the log names the field. */
export interface RefusedHead {
  readonly refused: string;
}

export class ResponseDecoder {
  readonly #heads = new Map<string, ResponseHead>();

  /** Reads the rest of a frame. Errors: MalformedFrame for what no worker of ours writes. */
  decode(reader: MarshalReader): ResponseHead | RefusedHead {
    const key = reader.restAsKey();
    const known = this.#heads.get(key);
    if (known !== undefined) return known;
    const [status, reason] = reader.peekInt() ? codeOnly(reader.int()) : splitStatus(reader.text());
    const fields = readFields(reader);
    if (!reader.atEnd) throw new MalformedFrame("bytes behind the head");
    const fault = findFault(status, reason, fields);
    if (fault !== undefined) return { refused: fault };
    const head = new ResponseHead(status, reason, fields);
    if (key.length <= HEAD_KEY_SIZE_MAX) {
      if (this.#heads.size >= HEADS_MAX) this.#heads.clear();
      this.#heads.set(key, head);
    }
    return head;
  }
}

/** A list of pairs of text. Errors: MalformedFrame. */
export function readFields(reader: MarshalReader): FieldLine[] {
  const count = reader.sequence();
  if (count > FIELDS_MAX) throw new MalformedFrame(`${count} fields`);
  const fields: FieldLine[] = [];
  for (let i = 0; i < count; i++) {
    if (reader.sequence() !== 2) throw new MalformedFrame("a field is not a pair");
    fields.push([reader.text(), reader.text()]);
  }
  return fields;
}

function codeOnly(status: number): [number, string] {
  return [status, reasonPhrase(status)];
}

/** PEP 3333: a status is "200 OK"; the reason is kept as the application gave it. */
function splitStatus(status: string): [number, string] {
  const match = /^(\d{3})(?: (.*))?$/s.exec(status);
  if (match === null) return [0, ""];
  const code = Number(match[1]);
  return [code, match[2] ?? reasonPhrase(code)];
}
