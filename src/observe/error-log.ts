/**
 * The error logs: messages of Tricorn's own processes and everything that applications print, one line each.
 *
 *     2026-11-21T05:33:01.123Z info     master    listening on http://127.0.0.1:8000
 *
 * There may be several, each with a level of its own, for the whole program and for locations; a file that is named
 * twice is opened once. It never blocks and never throws: lines that nobody takes are dropped and counted.
 */
import { assert } from "../std/assert.ts";
import type { ErrorLogSettings, LogLevel } from "../config/model.ts";
import { LogSink } from "./log-sink.ts";
import { isSyslog, parseSyslog } from "./syslog-target.ts";
import { Syslog } from "./syslog.ts";

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

/** RFC 3164 §4.1.1 */
const syslogSeverities: Readonly<Record<LogLevel | "output", number>> = {
  critical: 2,
  error: 3,
  warning: 4,
  info: 6,
  debug: 7,
  trace: 7,
  output: 6,
};

const MODE = 0o640;

export interface ErrorLogOptions {
  /** Those of the whole program, at least one; the first takes what applications print, too. */
  readonly logs: readonly ErrorLogSettings[];
  /** On standard error; files are without. */
  readonly useColors: boolean;
}

/** A line, not yet as bytes. */
interface Line {
  readonly level: LogLevel | "output";
  readonly who: string;
  readonly body: Buffer;
}

export class ErrorLog {
  readonly #logs: readonly ErrorLogSettings[];
  readonly #first: ErrorLogSettings;
  readonly #useColors: boolean;
  readonly #severityMin: number;
  readonly #sinks = new Map<string, LogSink>();
  readonly #servers = new Map<string, Syslog>();

  /** Throws the system's error if a file cannot be opened. */
  constructor({ logs, useColors }: ErrorLogOptions) {
    const [first] = logs;
    assert(first !== undefined, "there is an error log");
    this.#logs = logs;
    this.#first = first;
    this.#useColors = useColors;
    this.#severityMin = Math.min(...logs.map(({ level }) => severities[level]));
    try {
      for (const { path } of logs) {
        if (!isSyslog(path)) this.#sink(path).open();
      }
    } catch (error) {
      // Those before it are of no use without it.
      for (const sink of this.#sinks.values()) void sink.close();
      throw error;
    }
  }

  /** Lines lost because nobody took them. */
  get droppedCount(): number {
    const targets = [...this.#sinks.values(), ...this.#servers.values()];
    return targets.reduce((sum, { droppedCount }) => sum + droppedCount, 0);
  }

  /** True if a message of this level would be written: for those that are costly to make. */
  includes(level: LogLevel): boolean {
    return severities[level] >= this.#severityMin;
  }

  /** Writes `message` of `who` ("master", "edge", "worker-3"); further lines of it are indented. */
  log(level: LogLevel, who: string, message: string): void {
    if (this.includes(level)) this.logTo(this.#logs, level, who, message);
  }

  /** Writes to the logs of a location. A file that cannot be opened is said once, in the program's own. */
  logTo(logs: readonly ErrorLogSettings[], level: LogLevel, who: string, message: string): void {
    let body: Buffer | undefined;
    for (const { path, level: least } of logs) {
      if (severities[level] < severities[least]) continue;
      body ??= Buffer.from(printable(message.trimEnd().replaceAll("\n", "\n    ")));
      this.#write(path, { level, who, body });
    }
  }

  /** Writes one line that an application printed, as it is but for control characters. */
  output(who: string, line: Buffer): void {
    const body = hasControl(line) ? Buffer.from(printable(line.toString("latin1")), "latin1") : line;
    this.#write(this.#first.path, { level: "output", who, body });
  }

  /** Writes `text` as it is: the banner. Nothing of it goes to syslog. */
  print(text: string): void {
    if (!isSyslog(this.#first.path)) this.#sink(this.#first.path).write(Buffer.from(text), 1);
  }

  /** Opens the files anew, for a log rotation; keeps an old one and says so if that fails. */
  reopen(): void {
    for (const [path, sink] of this.#sinks) {
      if (path === "-") continue;
      try {
        sink.open();
      } catch (error) {
        // The old file is still good to write to.
        this.log("error", "log", `cannot reopen ${path}: ${String(error)}; writing on to the old file`);
      }
    }
  }

  /** Writes what is left, within two seconds. */
  async close(): Promise<void> {
    await Promise.all([...this.#sinks.values(), ...this.#servers.values()].map((target) => target.close()));
  }

  #write(path: string, { level, who, body }: Line): void {
    if (isSyslog(path)) {
      const text = `${this.#prefix(level, who, false)}${body.toString("latin1")}`;
      return this.#server(path).send(text, syslogSeverities[level]);
    }
    const prefix = Buffer.from(this.#prefix(level, who, this.#useColors && path === "-"));
    this.#opened(path).write(Buffer.concat([prefix, body, newline]), 1);
  }

  #prefix(level: LogLevel | "output", who: string, isColored: boolean): string {
    const time = new Date().toISOString();
    const column = level.padEnd(8);
    if (!isColored) return `${time} ${column} ${who.padEnd(9)} `;
    return `\x1b[90m${time}\x1b[0m ${colors[level]}${column}\x1b[0m ${who.padEnd(9)} `;
  }

  /** A log of a location is opened when the first line comes. */
  #opened(path: string): LogSink {
    const known = this.#sinks.get(path);
    if (known !== undefined) return known;
    const sink = this.#sink(path);
    try {
      sink.open();
    } catch (error) {
      // Its lines are lost until it can be reopened.
      this.log("error", "log", `cannot open ${path}: ${String(error)}`);
    }
    return sink;
  }

  #sink(path: string): LogSink {
    const known = this.#sinks.get(path);
    if (known !== undefined) return known;
    const isColored = this.#useColors && path === "-";
    const sink = new LogSink({
      path,
      standard: 2,
      mode: MODE,
      onLost: () => undefined,
      onDropped: (count) => Buffer.from(`${this.#prefix("warning", "log", isColored)}${count} lines were lost\n`),
    });
    this.#sinks.set(path, sink);
    return sink;
  }

  #server(text: string): Syslog {
    const known = this.#servers.get(text);
    if (known !== undefined) return known;
    const target = parseSyslog(text);
    assert(target.ok, "the syslog server was checked with the configuration");
    const server = new Syslog(target.value, (level, problem) => this.#tellFiles(level, problem));
    this.#servers.set(text, server);
    return server;
  }

  /** What is wrong with a syslog server is not for syslog servers. */
  #tellFiles(level: LogLevel, problem: string): void {
    this.logTo(this.#logs.filter(({ path }) => !isSyslog(path)), level, "log", problem);
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
