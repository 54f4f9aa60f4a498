/**
 * What nginx says before its logs are open: to standard error with its name, and to the file of `-e` as a line of a
 * log.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { clockText, twoDigits } from "../std/date-parts.ts";
import { systemReason } from "../std/system-reason.ts";

/** The level, as nginx writes it in brackets. */
export type StartLevel = "emerg" | "alert" | "error" | "warn" | "notice";

/** Appends to the file of `-e`, if there is one and it can be had. */
export class StartLog {
  readonly #fd: number | undefined;
  readonly #now: () => Date;

  /**
   * @param path an absolute path, or undefined when `-e` names none or standard error
   * @param say takes what belongs on standard error: that the file cannot be had
   */
  constructor(path: string | undefined, say: (text: string) => void, now: () => Date = () => new Date()) {
    this.#now = now;
    if (path === undefined) return;
    try {
      this.#fd = openSync(path, "a", 0o644);
    } catch (problem) {
      // nginx goes on without it, too: the configuration may name another.
      say(`nginx: [alert] could not open error log file: open() "${path}" failed (${systemReason(problem)})\n`);
    }
  }

  /** One line: `2026/11/21 12:05:52 [emerg] 4711#4711: unknown directive "htp" in /etc/nginx/nginx.conf:1`. */
  write(level: StartLevel, message: string): void {
    if (this.#fd === undefined) return;
    writeSync(this.#fd, `${timeText(this.#now())} [${level}] ${process.pid}#${process.pid}: ${message}\n`);
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}

function timeText(time: Date): string {
  const day = `${time.getFullYear()}/${twoDigits(time.getMonth() + 1)}/${twoDigits(time.getDate())}`;
  return `${day} ${clockText(time)}`;
}
