// Plays bytes to the HTTP/1.1 reader as a connection does, and tells what came out in comparable words.
import assert from "node:assert/strict";
import type { FieldSemantics } from "../../src/http/field-section.ts";
import type { RequestHead } from "../../src/http/request-head.ts";
import { RequestReader, SectionMemory } from "../../src/protocol/h1/index.ts";
import type { HeadLimits } from "../../src/protocol/h1/index.ts";
import { allocate, fromLatin1 } from "../../src/std/bytes.ts";

/** The defaults of the edge (nginx, gunicorn and Apache are their precedents). */
export const limits: HeadLimits = {
  requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 8190, headSizeMax: 32_768,
};

/** One request as the engine told it; its data events joined. */
export interface PlayedRequest extends Omit<RequestHead, "kind" | "fields"> {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly semantics: FieldSemantics;
  /** One character a byte. */
  body: string;
  /** Did its end arrive? */
  complete: boolean;
  trailers: readonly (readonly [name: string, value: string])[];
}

/**
 * What became of a connection. `outcome` is "idle" (between requests), "incomplete" (in the middle of one),
 * "closed" (after a request that was the last), or a refusal such as "400 bare_lf".
 */
export interface Played {
  readonly requests: readonly PlayedRequest[];
  readonly outcome: string;
}

/** How a play differs from the usual one. */
export interface Setting {
  readonly limits?: HeadLimits;
  /** Field sections of earlier plays; a new memory when absent. */
  readonly memory?: SectionMemory;
}

/** Memory that is used again for every read, as a socket's is: a view kept too long shows. */
const POISON = 0xaa;

/**
 * Gives the pieces one after the other; answers each request at once.
 * Asserts what must hold whatever the bytes: order of events, no empty data, bounded memory.
 */
export function play(pieces: readonly Uint8Array[], setting: Setting = {}): Played {
  const bounds = setting.limits ?? limits;
  const reader = new RequestReader(bounds, setting.memory ?? new SectionMemory());
  const readBuffer = allocate(Math.max(1, ...pieces.map((piece) => piece.length)));
  const requests: PlayedRequest[] = [];
  let open: PlayedRequest | undefined;
  for (const piece of pieces) {
    readBuffer.set(piece);
    reader.receive(readBuffer.subarray(0, piece.length));
    for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
      if (event === "paused") {
        assert.equal(open, undefined, "a request is complete before the reader pauses");
        if (requests.at(-1)?.persistent !== true) return { requests, outcome: "closed" };
        reader.startNextCycle();
      } else if (event.kind === "request") {
        assert.equal(open, undefined, "one request at a time");
        const { fields } = event;
        open = {
          method: event.method, target: event.target, path: event.path, query: event.query,
          authority: event.authority, minorVersion: event.minorVersion, semantics: fields.semantics,
          hasBody: event.hasBody, persistent: event.persistent, body: "", complete: !event.hasBody, trailers: [],
          fields: Array.from({ length: fields.count }, (_, index) => [fields.name(index), fields.value(index)]),
        };
        requests.push(open);
        if (!event.hasBody) open = undefined;
      } else if (event.kind === "data") {
        assert.ok(open !== undefined && event.bytes.length > 0, "data belongs to an open request and is never empty");
        open.body += event.bytes.latin1Slice();
      } else if (event.kind === "end") {
        assert.ok(open !== undefined, "only an open request ends");
        open.complete = true;
        open.trailers = event.trailers;
        open = undefined;
      } else {
        assert.equal(reader.pendingSize, 0, "a refused connection keeps nothing");
        assert.equal(reader.next(), "paused", "nothing follows a refusal");
        return { requests, outcome: `${event.status} ${event.reason}` };
      }
    }
    reader.keepRest();
    readBuffer.fill(POISON);
    // Only an unfinished head or an unfinished line of a chunked body may wait.
    assert.ok(reader.pendingSize <= Math.max(bounds.headSizeMax, bounds.requestLineSizeMax), "memory is bounded");
  }
  return { requests, outcome: open === undefined && reader.idle ? "idle" : "incomplete" };
}

/** Plays a text whose characters are bytes, in one piece. */
export function playText(text: string, setting: Setting = {}): Played {
  return play([fromLatin1(text)], setting);
}

/** Cuts the bytes at the given positions. */
export function cut(bytes: Uint8Array, ...positions: readonly number[]): readonly Uint8Array[] {
  const edges = [0, ...positions, bytes.length];
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

/** Up to this size every position is tried as a cut; beyond it some are. */
const EVERY_CUT_SIZE_MAX = 600;

/** The bytes one by one, then cut in two at every position, each with a name for messages. */
export function* everyCut(bytes: Uint8Array): Generator<readonly [pieces: readonly Uint8Array[], how: string]> {
  yield [cut(bytes, ...Array.from(bytes, (_, at) => at).slice(1)), "byte by byte"];
  const step = Math.max(1, Math.ceil(bytes.length / EVERY_CUT_SIZE_MAX));
  for (let at = 1; at < bytes.length; at += step) yield [cut(bytes, at), `cut at ${at}`];
}

/**
 * Plays the text whole, byte by byte, cut in two at every position, and with sections remembered from itself;
 * asserts that all say the same. @returns what they say
 */
export function playEveryWay(text: string, setting: Setting = {}): Played {
  const bytes = fromLatin1(text);
  const whole = play([bytes], setting);
  for (const [pieces, how] of everyCut(bytes)) assert.deepEqual(play(pieces, setting), whole, how);
  const memory = new SectionMemory();
  for (let time = 0; time < 3; time++) {
    assert.deepEqual(play([bytes], { ...setting, memory }), whole, "with remembered sections");
  }
  return whole;
}

/** Gives each HTTP/1.1 request line of the text a Host field: most corpora are older than the duty to send one. */
export function withHost(text: string): string {
  return text.replaceAll(" HTTP/1.1\r\n", " HTTP/1.1\r\nHost: tricorn.test\r\n");
}
