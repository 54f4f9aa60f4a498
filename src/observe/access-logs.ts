/**
 * The access logs of one thread: a line for each request that is over, compiled once for each format, written once for
 * each log. A file that several locations name is one file.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { type Evaluation, type Text, type Variables, compileText } from "../route/index.ts";
import { assert } from "../std/assert.ts";
import { AccessLogFile } from "./access-log-file.ts";
import type { Report } from "./complaints.ts";
import { type Line, compileLine } from "./line.ts";
import { LogTimes } from "./log-times.ts";
import type { AccessLogSettings, AccessLogTarget, LogFormat } from "./settings.ts";
import { isSyslog, parseSyslog } from "./syslog-target.ts";
import { Syslog } from "./syslog.ts";
import { VariableLogs } from "./variable-logs.ts";

/** Writes the lines of one location's logs. */
export interface AccessLogWriter {
  /** Writes what its logs say about a request that is over; never throws, never waits. */
  record(evaluation: Evaluation): void;
}

/** One log of a location, compiled. */
interface Log {
  readonly line: Line;
  readonly condition: Text | undefined;
  readonly write: (line: string, evaluation: Evaluation) => void;
}

export class AccessLogs {
  readonly #variables: Variables;
  readonly #report: Report;
  readonly #times = new LogTimes();
  readonly #lines: ReadonlyMap<string, Line>;
  readonly #files = new Map<string, AccessLogFile>();
  readonly #servers = new Map<string, Syslog>();
  /** By the settings of their descriptors. */
  readonly #variableLogs = new Map<string, VariableLogs>();
  readonly #writers = new Map<AccessLogSettings, AccessLogWriter>();

  /**
   * @param formats all of the configuration
   * @param variables must know what the formats, paths and conditions refer to by the first record
   * @param report tells the operator, once a while, that a log cannot be written
   */
  constructor(formats: readonly LogFormat[], variables: Variables, report: Report) {
    this.#variables = variables;
    this.#report = report;
    this.#lines = new Map(formats.map((format) => [format.name, compileLine(format, variables, this.#times)]));
  }

  /** The writer for these settings, the same for the same object. A file is opened once per thread. */
  writer(settings: AccessLogSettings): AccessLogWriter {
    const known = this.#writers.get(settings);
    if (known !== undefined) return known;
    const writer = new LogWriter(settings.logs.map((log) => this.#compile(log, settings)));
    this.#writers.set(settings, writer);
    return writer;
  }

  /** Opens all files again under their names: what log rotation asks for. */
  reopen(): void {
    for (const file of this.#files.values()) file.reopen();
    for (const logs of this.#variableLogs.values()) logs.reopen();
  }

  /** Writes the rest, within two seconds. */
  async close(): Promise<void> {
    for (const logs of this.#variableLogs.values()) logs.close();
    const all = [...this.#files.values(), ...this.#servers.values()];
    await Promise.all(all.map((log) => log.close()));
  }

  #compile(target: AccessLogTarget, settings: AccessLogSettings): Log {
    const line = this.#lines.get(target.format);
    assert(line !== undefined, `the format ${target.format} was checked with the configuration`);
    const condition = target.condition && compileText(target.condition, this.#variables);
    return { line, condition, write: this.#writeTo(target, settings) };
  }

  #writeTo({ path, ...buffering }: AccessLogTarget, { openFileCache }: AccessLogSettings): Log["write"] {
    if (typeof path !== "string") return this.#writeToPath(path, openFileCache);
    if (isSyslog(path)) {
      const server = this.#server(path);
      return (line) => server.send(line);
    }
    const known = this.#files.get(path);
    known?.join(buffering);
    const file = known ?? new AccessLogFile(path, buffering, this.#report);
    this.#files.set(path, file);
    return (line) => file.add(line);
  }

  #writeToPath(path: ComplexValue, cache: AccessLogSettings["openFileCache"]): Log["write"] {
    const key = JSON.stringify(cache ?? "off");
    const logs = this.#variableLogs.get(key) ?? new VariableLogs(cache, this.#report);
    this.#variableLogs.set(key, logs);
    const text = compileText(path, this.#variables);
    return (line, evaluation) => {
      logs.add({ path: text(evaluation), root: evaluation.facts.documentRoot(), line });
    };
  }

  #server(text: string): Syslog {
    const known = this.#servers.get(text);
    if (known !== undefined) return known;
    const target = parseSyslog(text);
    assert(target.ok, "the syslog server was checked with the configuration");
    const server = new Syslog(target.value, this.#report);
    this.#servers.set(text, server);
    return server;
  }
}

class LogWriter implements AccessLogWriter {
  readonly #logs: readonly Log[];

  constructor(logs: readonly Log[]) {
    this.#logs = logs;
  }

  record(evaluation: Evaluation): void {
    for (const { line, condition, write } of this.#logs) {
      if (condition !== undefined) {
        const value = condition(evaluation);
        if (value === "" || value === "0") continue;
      }
      const text = line(evaluation);
      if (text !== undefined) write(text, evaluation);
    }
  }
}
