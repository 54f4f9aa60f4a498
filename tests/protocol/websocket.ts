// Plays bytes to the WebSocket reader as a connection does, and tells what came out in comparable words.
import assert from "node:assert/strict";
import { WsReader } from "../../src/protocol/ws/index.ts";
import type { WsEvent, WsSettings } from "../../src/protocol/ws/index.ts";
import { allocate } from "../../src/std/bytes.ts";
import { cut } from "./engine.ts";

export const server: WsSettings = { role: "server", messageSizeMax: 1_048_576, deflate: undefined };
export const client: WsSettings = { ...server, role: "client" };

/** Memory that is used again for every read, as a socket's is: a view kept too long shows. */
const POISON = 0xaa;
/** What may wait that is no message: a control frame without its last byte. */
const REST_SIZE_MAX = 6 + 125 - 1;

/**
 * Gives the pieces one after the other.
 * @returns what came, in words: `text …`, `binary hex`, `ping hex`, `pong hex`, `close code reason`, `violation code`
 */
export function play(pieces: readonly Uint8Array[], settings: WsSettings = server): readonly string[] {
  const reader = new WsReader(settings);
  const readBuffer = allocate(Math.max(1, ...pieces.map((piece) => piece.length)));
  const events: string[] = [];
  let ended = false;
  for (const piece of pieces) {
    readBuffer.set(piece);
    reader.receive(readBuffer.subarray(0, piece.length));
    for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
      assert.equal(ended, false, "nothing follows a close or a violation");
      events.push(wordsOf(event));
      ended = event.kind === "close" || event.kind === "violation";
      if (event.kind === "message") assert.ok(event.end - event.start <= settings.messageSizeMax, "within the bound");
    }
    reader.keepRest();
    readBuffer.fill(POISON);
    const bound: number = REST_SIZE_MAX + (ended ? 0 : settings.messageSizeMax * 1.125 + 64);
    assert.ok(reader.pendingSize <= bound, "memory is bounded");
    if (ended) assert.equal(reader.pendingSize, 0, "what has ended keeps nothing");
  }
  return events;
}

function wordsOf(event: WsEvent): string {
  switch (event.kind) {
    case "message": {
      const { bytes, start, end } = event;
      return event.text ? `text ${bytes.utf8Slice(start, end)}` : `binary ${bytes.toString("hex", start, end)}`;
    }
    case "ping":
    case "pong": return `${event.kind} ${event.bytes.toString("hex")}`;
    case "close": return `close ${event.code} ${event.reason}`;
    case "violation": return `violation ${event.code}`;
  }
}

/** Up to this size every position is tried as a cut; beyond it some are. */
const EVERY_CUT_SIZE_MAX = 600;
/** Longer ones are not given byte by byte, but in pieces of this size. */
const PIECE_SIZE = 997;

/** Plays the bytes whole, byte by byte, and cut in two at every position; asserts that all say the same. */
export function playEveryWay(bytes: Uint8Array, settings: WsSettings = server): readonly string[] {
  const whole = play([bytes], settings);
  const size = bytes.length <= EVERY_CUT_SIZE_MAX ? 1 : PIECE_SIZE;
  const count = Math.floor(Math.max(0, bytes.length - 1) / size);
  const positions = Array.from({ length: count }, (_, at) => (at + 1) * size);
  assert.deepEqual(play(cut(bytes, ...positions), settings), whole, `in pieces of ${size}`);
  const step = size === 1 ? 1 : Math.ceil(bytes.length / 16);
  for (let at = 1; at < bytes.length; at += step) {
    assert.deepEqual(play(cut(bytes, at), settings), whole, `cut at ${at}`);
  }
  return whole;
}

/** A frame as a case describes it: what is not said is as in a valid frame of that role. */
export interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly fin?: boolean;
  /** The three reserved bits, 4 for RSV1, 2 for RSV2, 1 for RSV3. */
  readonly rsv?: number;
  readonly masked?: boolean;
}

/** A key with four different bytes, none of them 0. */
const KEY = 0x37fa213d;

/** The bytes of a frame, written here once more, so that the writer of src/ is not its own judge. */
export function encode(frame: Frame, role: WsSettings["role"] = "client"): Buffer {
  const { opcode, payload, fin = true, rsv = 0, masked = role === "client" } = frame;
  const size = payload.length;
  const length = size < 126 ? [size] : size < 65_536 ? [126, size >> 8, size & 255]
    : [127, 0, 0, 0, 0, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255];
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode, ...length];
  if (!masked) return Buffer.concat([Buffer.from(head), payload]);
  head[1] = 0x80 | (head[1] ?? 0);
  const key = [KEY >>> 24, (KEY >>> 16) & 255, (KEY >>> 8) & 255, KEY & 255];
  return Buffer.concat([Buffer.from([...head, ...key]), payload.map((byte, index) => byte ^ (key[index % 4] ?? 0))]);
}

/** Bytes of what a sender made. */
export function bytesOf(frame: string | Uint8Array): Uint8Array {
  return typeof frame === "string" ? Buffer.from(frame, "latin1") : frame;
}
