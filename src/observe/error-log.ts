/**
 * The error log: messages of Tricorn's own processes and everything that applications print, one line each.
 *
 *     2026-11-21T05:33:01.123Z info     master    listening on http://127.0.0.1:8000
 *
 * It never blocks and never throws: lines wait in memory while one write is under way, and beyond a bound they are
 * dropped and counted. A file may be appended to by several processes (O_APPEND) and reopened after log rotation.
 */
import { close, closeSync, openSync, write } from "node:fs";
import type { LogLevel } from "../config/model.ts";

const severities: Readonly<Record<LogLevel, number>> = {
  critical: 5,
  error: 4,
  warning: 3,
  info: 2,
  debug: 1,
  trace: 0,
};

/** ANSI colours of the level's column. */
const colors: Readonly<Record<LogLevel | "output", string>> = {
  critical: "\x1b[1;31m",
  error: "\x1b[31m",
  warning: "\x1b[33m",
  info: "\x1b[32m",
  debug: "\x1b[36m",
  trace: "\x1b[90m",
  output: "\x1b[90m",
};

/** Bytes that may wait for a slow disk or reader. A worker's line has at most 64 KiB. */
const pendingSizeMax = 4 * 1024 * 1024;
/** How long close() waits for a reader that does not read. */
const closeTimeoutMs = 2000;
const retryMs = 20;

export interface ErrorLogOptions {
  /** "-" for standard error, else a path. */
  readonly path: string;
  readonly level: LogLevel;
  readonly useColors: boolean;
}

export class ErrorLog {
  readonly #options: ErrorLogOptions;
  readonly #severityMin: number;
  #fd: number;
  #pending: Buffer[] = [];
  #pendingSize = 0;
  #droppedCount = 0;
  #reportedCount = 0;
  #writing = false;
  #closed = false;
  #drained: (() => void) | undefined;

  /** Throws the system's error if the file cannot be opened. */
  constructor(options: ErrorLogOptions) {
    this.#options = options;
    this.#severityMin = severities[options.level];
    this.#fd = options.path === "-" ? 2 : openSync(options.path, "a", 0o640);
  }

  /** Lines lost because nobody took them. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** True if a message of this level would be written: for those that are costly to make. */
  includes(level: LogLevel): boolean {
    return severities[level] >= this.#severityMin;
  }

  /** Writes `message` of `who` ("master", "edge", "worker-3"); further lines of it are indented. */
  log(level: LogLevel, who: string, message: string): void {
    if (!this.includes(level)) return;
    const text = message.trimEnd().replaceAll("\n", "\n    ");
    this.#append(Buffer.from(`${this.#prefix(level, who)}${printable(text)}\n`));
  }

  /** Writes one line that an application printed, as it is but for control characters. */
  output(who: string, line: Buffer): void {
    const prefix = Buffer.from(this.#prefix("output", who));
    const body = hasControl(line) ? Buffer.from(printable(line.toString("latin1")), "latin1") : line;
    this.#append(Buffer.concat([prefix, body, newline]));
  }

  /** Writes `text` as it is: the banner. */
  print(text: string): void {
    this.#append(Buffer.from(text));
  }

  /** Opens the file anew, for a log rotation; keeps the old one and says so if that fails. */
  reopen(): void {
    if (this.#options.path === "-") return;
    const old = this.#fd;
    try {
      this.#fd = openSync(this.#options.path, "a", 0o640);
    } catch (error) {
      // The old file is still good to write to.
      this.log("error", "log", `cannot reopen ${this.#options.path}: ${String(error)}; writing on to the old file`);
      return;
    }
    // A write to the old descriptor may be under way in the thread pool.
    if (this.#writing) setTimeout(() => close(old, () => undefined), closeTimeoutMs).unref();
    else closeSync(old);
  }

  /** Writes what is left, within two seconds. */
  async close(): Promise<void> {
    this.#closed = true;
    if (!this.#writing && this.#pending.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained = resolve;
      setTimeout(resolve, closeTimeoutMs).unref();
    });
  }

  #prefix(level: LogLevel | "output", who: string): string {
    const time = new Date().toISOString();
    const column = level.padEnd(8);
    if (!this.#options.useColors) return `${time} ${column} ${who.padEnd(9)} `;
    return `\x1b[90m${time}\x1b[0m ${colors[level]}${column}\x1b[0m ${who.padEnd(9)} `;
  }

  #append(bytes: Buffer): void {
    if (this.#pendingSize + bytes.length > pendingSizeMax) {
      this.#droppedCount++;
      return;
    }
    this.#pending.push(bytes);
    this.#pendingSize += bytes.length;
    if (!this.#writing) this.#flush();
  }

  #reportDropped(): void {
    const count = this.#droppedCount - this.#reportedCount;
    this.#reportedCount = this.#droppedCount;
    if (count > 0) this.#pending.push(Buffer.from(`${this.#prefix("warning", "log")}${count} lines were lost\n`));
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingSize = 0;
    this.#writing = true;
    this.#write(bytes, 0);
  }

  #write(bytes: Buffer, offset: number): void {
    write(this.#fd, bytes, offset, bytes.length - offset, null, (error, count) => {
      if (error?.code === "EAGAIN" && !this.#closed) {
        setTimeout(() => this.#write(bytes, offset), retryMs);
        return;
      }
      // A reader that is gone (EPIPE) or a full disk (ENOSPC) must not stop the server: these lines are lost.
      if (error) this.#droppedCount++;
      else if (offset + count < bytes.length) {
        this.#write(bytes, offset + count);
        return;
      }
      this.#writing = false;
      // Only once there is somebody who takes lines again.
      if (!error) this.#reportDropped();
      if (this.#pending.length > 0) this.#flush();
      else this.#drained?.();
    });
  }
}

const newline = Buffer.from("\n");

/** Control characters but tab and escape: an application may colour its output, it may not forge our lines. */
// oxlint-disable-next-line no-control-regex
const controls = /[\0-\x08\x0b-\x1a\x1c-\x1f\x7f]/g;

function printable(text: string): string {
  return text.replaceAll(controls, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function hasControl(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if ((byte < 0x20 && byte !== 0x09 && byte !== 0x1b) || byte === 0x7f) return true;
  }
  return false;
}

/** May colours be used on standard error? `--use-colors` decides, then NO_COLOR (no-color.org), then the terminal. */
export function wantsColors(
  useColors: boolean | undefined,
  isTerminal: boolean,
  environment: NodeJS.ProcessEnv,
): boolean {
  const noColor = environment["NO_COLOR"] ?? "";
  return useColors ?? (noColor === "" && environment["TERM"] !== "dumb" && isTerminal);
}
