/**
 * From a file and a request's conditions to an answer: 200, 206, 304, 412 or 416, with the fields that nginx sends, in
 * its order.
 */
import { randomInt } from "node:crypto";
import { evaluateConditions, ifRangeHolds } from "../../http/conditional.ts";
import type { Validators } from "../../http/conditional.ts";
import { formatHttpDate } from "../../http/date.ts";
import { fileEtag } from "../../http/etag.ts";
import { contentRange, formatMultipart, parseRange, unsatisfiedRange } from "../../http/range.ts";
import type { ByteRange, RangeOutcome } from "../../http/range.ts";
import type { RequestConditions } from "../../http/request-conditions.ts";
import { ResponseHead } from "../../http/response-head.ts";
import type { FieldLine } from "../../http/response-head.ts";
import { reasonPhrase } from "../../http/status.ts";
import type { BodyPart, FileIdentity, OpenFile, RateSettings } from "../../net/index.ts";
import { READY_SIZE_MAX, ReadyText } from "../../protocol/h1/index.ts";
import { NO_BYTES, concatBytes, fromLatin1 } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { statusAnswer } from "./answer.ts";
import type { FileAnswer, ReadyAnswer, StaticAnswer, StaticRequest } from "./answer.ts";
import type { StaticSettings } from "./settings.ts";

/** nginx's boundaries have 20 digits; it counts, we draw, so that nobody can put the next one into a file. */
const BOUNDARY_HALF = 10 ** 10, BOUNDARY_DIGITS = 10;

/** A file as it is to be sent, whoever asks. */
export interface Representation {
  readonly identity: FileIdentity;
  /** All of it, or else `file`. */
  readonly bytes: Bytes | undefined;
  readonly file: OpenFile | undefined;
  readonly contentType: string | undefined;
  /** gzip, br or zstd: made beforehand. */
  readonly contentEncoding: string | undefined;
  /** Would another client get something else? */
  readonly varies: boolean;
  /** No faster than so. */
  readonly rate: RateSettings | undefined;
}

/** What a response says of its content. */
interface Content {
  readonly status: 200 | 206;
  readonly type: string | undefined;
  readonly size: number;
  readonly range: string | undefined;
}

export class FileAnswers {
  readonly #settings: StaticSettings;

  constructor(settings: StaticSettings) {
    this.#settings = settings;
  }

  /** @param conditions undefined when the request has none */
  of(shown: Representation, conditions: RequestConditions | undefined, request: StaticRequest): StaticAnswer {
    const hasBody = request.method !== "HEAD";
    if (conditions === undefined) return this.whole(shown, hasBody);
    const { identity } = shown;
    const validators = this.#validators(identity);
    const outcome = evaluateConditions(conditions, validators, this.#settings.ifModifiedSince);
    if (outcome === "failed") return statusAnswer(412);
    if (outcome === "not-modified") return this.#notModified(shown, validators);
    const ranges = this.#ranges(shown, conditions, request);
    if (ranges === "whole") return this.whole(shown, hasBody);
    if (ranges === "unsatisfiable") {
      return statusAnswer(416, undefined, [["Content-Range", unsatisfiedRange(identity.size)]]);
    }
    const [first] = ranges;
    if (ranges.length === 1 && first !== undefined) return this.#part(shown, validators, first, hasBody);
    return this.#parts(shown, validators, ranges, hasBody);
  }

  /** The whole file. In memory, its answer may be kept. */
  whole(shown: Representation, hasBody: boolean): ReadyAnswer | FileAnswer {
    const { size } = shown.identity;
    const content: Content = { status: 200, type: shown.contentType, size, range: undefined };
    const head = this.#head(shown, this.#validators(shown.identity), content);
    const { bytes } = shown;
    if (bytes === undefined || shown.rate !== undefined) {
      return this.#answer(shown, head, size, [{ kind: "file", start: 0, end: size }], hasBody);
    }
    const text = bytes.length <= READY_SIZE_MAX ? new ReadyText() : undefined;
    return { kind: "ready", head, body: bytes, text };
  }

  #part(shown: Representation, validators: Validators, range: ByteRange, hasBody: boolean): StaticAnswer {
    const size = range.end - range.start;
    const described = contentRange(range, shown.identity.size);
    const head = this.#head(shown, validators, { status: 206, type: shown.contentType, size, range: described });
    return this.#answer(shown, head, size, [{ kind: "file", ...range }], hasBody);
  }

  #parts(shown: Representation, validators: Validators, ranges: readonly ByteRange[], hasBody: boolean): StaticAnswer {
    const boundary = digits() + digits();
    const { size: fileSize } = shown.identity;
    const multipart = formatMultipart({ ranges, size: fileSize, contentType: shown.contentType, boundary });
    const { contentType, size } = multipart;
    const head = this.#head(shown, validators, { status: 206, type: contentType, size, range: undefined });
    const parts: BodyPart[] = [];
    for (const [index, range] of ranges.entries()) {
      parts.push({ kind: "bytes", bytes: fromLatin1(multipart.openings[index] ?? "") }, { kind: "file", ...range });
    }
    parts.push({ kind: "bytes", bytes: fromLatin1(multipart.closing) });
    return this.#answer(shown, head, size, parts, hasBody);
  }

  /** A body from memory goes out at once, unless it must be slow. */
  #answer(
    shown: Representation, head: ResponseHead, size: number, parts: readonly BodyPart[], hasBody: boolean,
  ): ReadyAnswer | FileAnswer {
    if (!hasBody) return { kind: "ready", head, body: NO_BYTES, text: undefined };
    const { bytes, file, rate } = shown;
    if (bytes === undefined) {
      const { sendfile } = this.#settings;
      return { kind: "file", head, size, parts, file: file?.retain(), rate, sendfile };
    }
    const inMemory = parts.map((part) => (part.kind === "bytes" ? part.bytes : bytes.subarray(part.start, part.end)));
    if (rate === undefined) {
      const [only] = inMemory;
      const body = inMemory.length === 1 && only !== undefined ? only : concatBytes(inMemory);
      return { kind: "ready", head, body, text: undefined };
    }
    const slow: readonly BodyPart[] = inMemory.map((part) => ({ kind: "bytes", bytes: part }));
    return { kind: "file", head, size, parts: slow, file: undefined, rate, sendfile: false };
  }

  /** RFC 9110 §15.4.5: what 200 would have said, without what describes content that is not sent. */
  #notModified(shown: Representation, { etag, lastModifiedS }: Validators): ReadyAnswer {
    const fields: FieldLine[] = [];
    if (lastModifiedS !== undefined) fields.push(["Last-Modified", formatHttpDate(lastModifiedS)]);
    if (shown.varies) fields.push(["Vary", "Accept-Encoding"]);
    if (etag !== undefined) fields.push(["ETag", etag]);
    const head = new ResponseHead(304, reasonPhrase(304), fields);
    return { kind: "ready", head, body: NO_BYTES, text: undefined };
  }

  /** nginx gives no ranges of what was compressed beforehand. */
  #ranges(shown: Representation, { range, ifRange }: RequestConditions, request: StaticRequest): RangeOutcome {
    if (range === undefined || shown.contentEncoding !== undefined) return "whole";
    const kind = request.rangesOf?.(shown.contentType ?? "") ?? "any";
    if (kind === "none") return "whole";
    if (ifRange !== undefined) {
      const own = this.#validators(shown.identity);
      if (!ifRangeHolds(ifRange, request.validators?.(own) ?? own)) return "whole";
    }
    const ranges = parseRange(range, shown.identity.size, this.#settings.maxRanges);
    return kind === "one" && typeof ranges !== "string" && ranges.length > 1 ? "whole" : ranges;
  }

  #validators({ mtimeMs, size }: FileIdentity): Validators {
    const lastModifiedS = Math.floor(mtimeMs / 1000);
    return { lastModifiedS, etag: this.#settings.etag ? fileEtag(lastModifiedS, size) : undefined };
  }

  #head(shown: Representation, { etag, lastModifiedS }: Validators, content: Content): ResponseHead {
    const { status, type, size, range } = content;
    const fields: FieldLine[] = [];
    if (type !== undefined) fields.push(["Content-Type", type]);
    fields.push(["Content-Length", String(size)]);
    if (lastModifiedS !== undefined) fields.push(["Last-Modified", formatHttpDate(lastModifiedS)]);
    if (shown.varies) fields.push(["Vary", "Accept-Encoding"]);
    if (etag !== undefined) fields.push(["ETag", etag]);
    if (range !== undefined) fields.push(["Content-Range", range]);
    if (shown.contentEncoding !== undefined) fields.push(["Content-Encoding", shown.contentEncoding]);
    else if (status === 200 && this.#settings.maxRanges !== 0) fields.push(["Accept-Ranges", "bytes"]);
    return new ResponseHead(status, reasonPhrase(status), fields);
  }
}

function digits(): string {
  return String(randomInt(BOUNDARY_HALF)).padStart(BOUNDARY_DIGITS, "0");
}
