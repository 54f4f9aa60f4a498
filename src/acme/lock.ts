/**
 * A lock that processes share, also on several machines with one directory: a file that its holder makes and touches
 * again and again. Whoever finds one that was not touched for long, or whose process is dead, takes it away.
 *
 * Node has no flock(2), and that would not reach over machines. Taking away is done under a second such file, so that
 * of two that find an old lock only one removes it, after having looked again.
 */
import { readFileSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { systemCode } from "../std/system-reason.ts";
import type { Clock, ClockTimer } from "./clock.ts";

/** Certmagic's are 5 s and 10 s; here a machine may be slow for longer. */
const TOUCH_INTERVAL_MS = 10_000;
export const STALE_AFTER_MS = 60_000;

export class Lock {
  readonly #path: string;
  #timer: ClockTimer | undefined;

  private constructor(path: string, clock: Clock) {
    this.#path = path;
    this.#touchAgain(clock);
  }

  /**
   * Takes the lock if nobody has it.
   * @param path in a directory that is there
   * @returns undefined while somebody else has it; throws the system's error where none can be made
   */
  static take(path: string, clock: Clock): Lock | undefined {
    if (make(path)) return new Lock(path, clock);
    if (!isStale(path)) return undefined;
    const taking = `${path}.taking`;
    if (!make(taking)) {
      // Its holder needs a moment, so one that is old is of a process that died in it.
      if (isStale(taking)) remove(taking);
      return undefined;
    }
    try {
      if (isStale(path)) remove(path);
      return make(path) ? new Lock(path, clock) : undefined;
    } finally {
      remove(taking);
    }
  }

  release(): void {
    this.#timer?.cancel();
    // Somebody may have held us for dead, after a long sleep of the machine: what is there is theirs then.
    if (readHolder(this.#path) === holder()) remove(this.#path);
  }

  #touchAgain(clock: Clock): void {
    this.#timer = clock.after(TOUCH_INTERVAL_MS, () => {
      const now = new Date();
      try {
        if (readHolder(this.#path) === holder()) utimesSync(this.#path, now, now);
      } catch {
        // Removed by hand: the order that it is for goes on, and the worst is a second certificate.
      }
      this.#touchAgain(clock);
    });
  }
}

function holder(): string {
  return `${hostname()} ${process.pid}`;
}

/** A hard link would make the file with its text in it at once, but not every shared file system has those. */
function make(path: string): boolean {
  try {
    writeFileSync(path, holder(), { mode: 0o600, flag: "wx" });
    return true;
  } catch (problem) {
    if (systemCode(problem) === "EEXIST") return false;
    throw problem;
  }
}

/** By the file system's clock, which is the one of all who share it; so not by ours. */
function isStale(path: string): boolean {
  try {
    const ageMs = Date.now() - statSync(path).mtimeMs;
    if (ageMs > STALE_AFTER_MS) return true;
    const [host, pid] = (readHolder(path) ?? "").split(" ");
    return host === hostname() && pid !== String(process.pid) && !isAlive(Number(pid));
  } catch {
    // Just given back.
    return true;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (problem) {
    return systemCode(problem) === "EPERM";
  }
}

function readHolder(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Nobody has it.
    return undefined;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else was faster.
  }
}
