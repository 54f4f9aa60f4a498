/**
 * What a worker is doing now, read from the file that it maps and writes with plain stores: docs/wire.md.
 */
import { closeSync, openSync, readSync } from "node:fs";

const stateSize = 4096;
const slotCount = 256;
const answeredOffset = 2304;

export interface WorkerActivity {
  /** For each thread that is at work: since when, in CLOCK_MONOTONIC seconds. For ASGI: the loop's last beat. */
  readonly startedAt: readonly number[];
  /** Requests answered, modulo 2^32. */
  readonly answeredCount: number;
}

const buffer = Buffer.allocUnsafe(stateSize);

/** Undefined while the file is not there yet or has not its full size. */
export function readState(path: string): WorkerActivity | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    if (readSync(fd, buffer, 0, stateSize, 0) < answeredOffset + 4) return undefined;
  } catch {
    // The worker makes it when it starts, and it goes with the run directory.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  const startedAt: number[] = [];
  for (let slot = 0; slot < slotCount; slot++) {
    const time = buffer.readDoubleLE(slot * 8);
    if (time > 0) startedAt.push(time);
  }
  return { startedAt, answeredCount: buffer.readUInt32LE(answeredOffset) };
}

/** The clock that workers write, in seconds: Python's time.monotonic() and libuv's hrtime are both CLOCK_MONOTONIC. */
export function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9;
}

/** Seconds for which the oldest of its threads has been silent; 0 when none is at work. */
export function longestSilence(activity: WorkerActivity, nowSeconds: number): number {
  return Math.max(0, ...activity.startedAt.map((time) => nowSeconds - time));
}
