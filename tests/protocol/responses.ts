// Plays a response to a reader as an upstream's connection does, and tells what came out in comparable words.
import assert from "node:assert/strict";
import type { FieldLine } from "../../src/http/response-head.ts";
import { ResponseMemory, ResponseReader } from "../../src/protocol/h1/index.ts";
import type { HeadLimits, UpstreamReader } from "../../src/protocol/h1/index.ts";
import { allocate, fromLatin1 } from "../../src/std/bytes.ts";
import { cut, everyCut, limits } from "./engine.ts";

/** The bounds of a proxy's location: one bound for the head and for each line. */
export const headLimits: HeadLimits = { ...limits, fieldSizeMax: 16_384, headSizeMax: 16_384 };

/**
 * `outcome` is "reusable" or "closing" (the response is whole), "surplus" (and something follows it), "switched"
 * (101), "incomplete" (more is awaited), or a refusal such as "502 status_line".
 */
export interface PlayedResponse {
  readonly outcome: string;
  /** "1.1 200 OK", "" without a head. */
  readonly head: string;
  readonly lines: readonly FieldLine[];
  readonly contentLength: number;
  readonly chunked: boolean;
  readonly upgrade: string | undefined;
  readonly connectionOptions: readonly string[];
  /** Bytes of the head. */
  readonly size: number;
  /** Status and lines of each informational response. */
  readonly informational: readonly (readonly [status: number, lines: readonly FieldLine[]])[];
  /** One character a byte. */
  readonly body: string;
  readonly trailers: readonly FieldLine[];
  /** What follows a 101 or the response's end. */
  readonly rest: string;
}

export interface ResponseSetting {
  /** GET when absent. */
  readonly method?: string;
  readonly limits?: HeadLimits;
  readonly memory?: ResponseMemory;
  readonly role?: "response" | "script";
  /** Does the peer close behind the bytes? */
  readonly ended?: boolean;
  /** Reads something else than HTTP. */
  readonly reader?: (bounds: HeadLimits, memory: ResponseMemory) => UpstreamReader;
}

/** Memory that is used again for every read, as a socket's is: a view kept too long shows. */
const POISON = 0xaa;

function makeReader(setting: ResponseSetting): UpstreamReader {
  const bounds = setting.limits ?? headLimits;
  const memory = setting.memory ?? new ResponseMemory();
  return setting.reader?.(bounds, memory) ?? new ResponseReader(bounds, memory, setting.role);
}

/**
 * Gives the pieces one after the other. Asserts what must hold whatever the bytes: order of events, no empty data,
 * bounded memory, nothing behind a refusal.
 * @param reader one that waits for its next request
 */
export function playOn(
  reader: UpstreamReader, pieces: readonly Uint8Array[], setting: ResponseSetting,
): PlayedResponse {
  const readBuffer = allocate(Math.max(1, ...pieces.map((piece) => piece.length)));
  const bound = (setting.limits ?? headLimits).headSizeMax + 16;
  const informational: (readonly [number, readonly FieldLine[]])[] = [];
  const played = {
    head: "", lines: [] as readonly FieldLine[], contentLength: -1, chunked: false,
    upgrade: undefined as string | undefined, connectionOptions: [] as readonly string[], size: 0, informational,
    body: "", trailers: [] as readonly FieldLine[], rest: "",
  };
  reader.expect(setting.method ?? "GET");
  assert.equal(reader.begun, false);
  let outcome = "";
  const read = (): void => {
    for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
      assert.equal(outcome, "", "nothing follows the end");
      if (event === "paused") {
        outcome = "switched";
      } else if (event.kind === "response") {
        assert.equal(played.head, "", "one head");
        const { lines, contentLength, chunked, upgrade, connectionOptions, size } = event;
        Object.assign(played, { lines, contentLength, chunked, upgrade, connectionOptions, size });
        played.head = `1.${event.minorVersion} ${event.status} ${event.reason}`;
      } else if (event.kind === "informational") {
        assert.equal(played.head, "", "nothing informational behind the head");
        informational.push([event.status, event.lines]);
      } else if (event.kind === "data") {
        assert.ok(played.head !== "" && event.bytes.length > 0, "data belongs to a response and is never empty");
        played.body += event.bytes.latin1Slice();
      } else if (event.kind === "end") {
        assert.ok(played.head !== "", "only a response ends");
        played.trailers = event.trailers;
        outcome = "ended";
      } else {
        assert.equal(event.status, 502);
        outcome = `502 ${event.reason}`;
        assert.equal(reader.pendingSize, 0, "a refused connection keeps nothing");
        assert.equal(reader.next(), "paused", "nothing follows a refusal");
      }
      if (outcome !== "") return;
    }
  };
  for (const piece of pieces) {
    readBuffer.set(piece);
    reader.receive(readBuffer.subarray(0, piece.length));
    if (piece.length > 0) assert.ok(reader.begun);
    if (outcome === "") {
      read();
      if (outcome === "") assert.ok(reader.pendingSize <= bound, "memory is bounded");
    }
    reader.keepRest();
    readBuffer.fill(POISON);
  }
  if (setting.ended === true) {
    reader.inputEnded();
    if (outcome === "") read();
  }
  if (outcome === "") return { ...played, outcome: "incomplete" };
  if (outcome.startsWith("502")) {
    assert.equal(reader.reusable, false, "what broke the rules once is not asked again");
    return { ...played, outcome };
  }
  if (outcome === "ended") outcome = reader.pendingSize > 0 ? "surplus" : reader.reusable ? "reusable" : "closing";
  assert.equal(reader.reusable, outcome === "reusable");
  if (outcome === "surplus" || outcome === "switched") played.rest = reader.takeRest().latin1Slice();
  return { ...played, outcome };
}

export function playResponse(pieces: readonly Uint8Array[], setting: ResponseSetting = {}): PlayedResponse {
  return playOn(makeReader(setting), pieces, setting);
}

/** Plays a text whose characters are bytes, in one piece. */
export function playResponseText(text: string, setting: ResponseSetting = {}): PlayedResponse {
  return playResponse([fromLatin1(text)], setting);
}

/**
 * Plays the response whole, byte by byte, cut in two at every position, with heads that were seen before on this
 * connection and on others, and behind another response; asserts that all say the same. @returns what they say
 */
export function playResponseEveryWay(text: string, setting: ResponseSetting = {}): PlayedResponse {
  const bytes = fromLatin1(text);
  const whole = playResponse([bytes], setting);
  for (const [pieces, how] of everyCut(bytes)) assert.deepEqual(playResponse(pieces, setting), whole, how);
  const memory = new ResponseMemory();
  for (let time = 0; time < 4; time++) {
    assert.deepEqual(playResponse([bytes], { ...setting, memory }), whole, "with remembered heads");
    assert.deepEqual(playResponse(cut(bytes, bytes.length >> 1), { ...setting, memory }), whole, "and cut");
  }
  const reader = makeReader(setting);
  for (let time = 0; time < 4; time++) {
    assert.deepEqual(playOn(reader, [bytes], setting), whole, "on a connection that is kept");
    if (!reader.reusable) break;
  }
  return whole;
}

/** Plays a text as several responses, each read by itself from what the one before left. */
export function playEachResponse(text: string, setting: ResponseSetting = {}): readonly PlayedResponse[] {
  const all: PlayedResponse[] = [];
  for (let rest = text; ;) {
    const played = playResponseEveryWay(rest, setting);
    all.push(played);
    if (played.outcome !== "surplus") return all;
    rest = played.rest;
  }
}
