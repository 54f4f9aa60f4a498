/**
 * What a worker prints, cut into lines: bounded in length and in rate, whatever the application does.
 */
import type { Readable } from "node:stream";

/** Longer lines are cut into pieces of this size. */
export const outputLineSizeMax = 65_536;
/** What one worker may print in a second before lines are dropped and counted. */
const outputSizePerSecondMax = 1024 * 1024;

export interface LineSink {
  readonly line: (bytes: Buffer) => void;
  /** So many lines were dropped in the last second. */
  readonly dropped: (count: number) => void;
}

/** Cuts bytes into lines; the last one without a line end comes out of end(). */
export class LineCutter {
  readonly #sink: LineSink;
  #rest: Buffer | undefined;
  #second = 0;
  #sizeThisSecond = 0;
  #droppedCount = 0;

  constructor(sink: LineSink) {
    this.#sink = sink;
  }

  /** Takes a piece of output, read at `now` (milliseconds of any clock that does not go back). */
  push(chunk: Buffer, now: number): void {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#sizeThisSecond = 0;
      this.reportDropped();
    }
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.#emit(chunk.subarray(start, end));
      start = end + 1;
    }
    // Kept bytes are copied: a view would hold the whole chunk in memory.
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The stream has ended: what is left is a line. */
  end(): void {
    if (this.#rest !== undefined) this.#emit(Buffer.alloc(0));
    this.reportDropped();
  }

  /** Says how many lines were lost since the last time, if any. */
  reportDropped(): void {
    if (this.#droppedCount > 0) this.#sink.dropped(this.#droppedCount);
    this.#droppedCount = 0;
  }

  #keep(bytes: Buffer): void {
    let rest = this.#rest === undefined ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= outputLineSizeMax) {
      this.#rest = undefined;
      this.#emit(rest.subarray(0, outputLineSizeMax));
      rest = Buffer.from(rest.subarray(outputLineSizeMax));
    }
    this.#rest = rest.length > 0 ? rest : undefined;
  }

  #emit(tail: Buffer): void {
    let line = this.#rest === undefined ? tail : Buffer.concat([this.#rest, tail]);
    this.#rest = undefined;
    if (line.at(-1) === 13) line = line.subarray(0, -1);
    this.#sizeThisSecond += line.length + 1;
    if (this.#sizeThisSecond > outputSizePerSecondMax) {
      this.#droppedCount++;
      return;
    }
    for (let at = 0; at === 0 || at < line.length; at += outputLineSizeMax) {
      this.#sink.line(line.subarray(at, at + outputLineSizeMax));
    }
  }
}

/** Lost lines are told while the stream lasts, not only when it goes on. */
export function reportEachSecond(cutter: LineCutter, stream: Readable): void {
  const timer = setInterval(() => cutter.reportDropped(), 1000).unref();
  stream.on("close", () => clearInterval(timer));
}

/** Reads a pipe to its end, always: a worker that prints must never wait for us. */
export function readLines(stream: Readable, sink: LineSink): void {
  const cutter = new LineCutter(sink);
  stream.on("data", (chunk: Buffer) => cutter.push(chunk, performance.now()));
  reportEachSecond(cutter, stream);
  stream.on("end", () => cutter.end());
  // The other end is gone; "close" and the worker's exit follow.
  stream.on("error", () => cutter.end());
}
