/** What one stream has to send and may not yet, for want of a window or of room: parts of a body, then its end. */
import { copyBytes } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";

interface Part {
  readonly bytes: Bytes;
  at: number;
  readonly end: number;
  /** Called once nobody looks at the bytes any more. */
  readonly taken: (() => void) | undefined;
}

/** How a stream ends: with its last DATA, or with trailers behind it. */
export type StreamEnd = { readonly trailers: Bytes | undefined };

export class SendQueue {
  #parts: Part[] = [];
  /** Bytes that wait. */
  size = 0;
  /** Bytes that have left. */
  taken = 0;
  /** Set when nothing follows. */
  end: StreamEnd | undefined = undefined;
  /** Was it so full that its owner waits to hear that it is not any more? */
  wasFull = false;
  /** Does it stand in line? */
  isWaiting = false;
  /** Asks for the body, once there is room for it; undefined when nobody waits for that. */
  pull: (() => void) | undefined = undefined;
  /** Was it asked for, and has not come? */
  isPulled = false;

  /** Adds a copy of `bytes[start, end)`. */
  copy(bytes: Bytes, start: number, end: number): void {
    this.#add({ bytes: copyBytes(bytes, start, end), at: 0, end: end - start, taken: undefined });
  }

  /** Adds the bytes themselves, which stay as they are. @param taken called when they are needed no more */
  keep(bytes: Bytes, start: number, end: number, taken: (() => void) | undefined): void {
    this.#add({ bytes, at: start, end, taken });
  }

  #add(part: Part): void {
    if (part.at === part.end) return part.taken?.();
    this.#parts.push(part);
    this.size += part.end - part.at;
  }

  /**
   * Gives the first bytes, at most `size` of them, to `send`.
   * @returns what to call when that has been dealt with, because their memory is needed no more
   */
  take(size: number, send: (bytes: Bytes, start: number, end: number) => void): (() => void) | undefined {
    const part = this.#parts[0];
    if (part === undefined) return undefined;
    const start = part.at;
    part.at = Math.min(part.end, start + size);
    this.size -= part.at - start;
    this.taken += part.at - start;
    send(part.bytes, start, part.at);
    if (part.at < part.end) return undefined;
    this.#parts.shift();
    return part.taken;
  }

  /** Drops what waits; whoever lent memory gets it back. */
  drop(): void {
    const parts = this.#parts;
    this.#parts = [];
    this.size = 0;
    for (const { taken } of parts) taken?.();
  }
}
