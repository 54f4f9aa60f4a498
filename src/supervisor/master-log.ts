/**
 * The error log of a master, through all its configurations: who holds it writes to where the configuration in force
 * says, without hearing of a reload.
 */
import { ErrorLog, wantsColors } from "../observe/index.ts";
import type { LogLevel, ProcessSettings } from "../config/model.ts";
import { err, ok, type Result } from "../std/result.ts";

/** What the rest of the master does with it. */
export interface Log {
  includes(level: LogLevel): boolean;
  log(level: LogLevel, who: string, message: string): void;
  output(who: string, line: Buffer): void;
}

type LogSettings = Pick<ProcessSettings, "errorLogs" | "useColors">;

export class MasterLog implements Log {
  #log: ErrorLog;
  #useColors: boolean;
  #path: string;

  private constructor(opened: OpenedLog) {
    this.#log = opened.log;
    this.#useColors = opened.useColors;
    this.#path = opened.path;
  }

  /** Opens what a configuration names. The error is a sentence. */
  static open(settings: LogSettings): Result<MasterLog, string> {
    const opened = open(settings);
    return opened.ok ? ok(new MasterLog(opened.value)) : opened;
  }

  /** Where what applications print goes: "-" for standard error. */
  get path(): string {
    return this.#path;
  }

  get useColors(): boolean {
    return this.#useColors;
  }

  /** Opens what the next configuration names: adopt() makes that the log, drop() lets go of it. */
  prepare(settings: LogSettings): Result<{ readonly adopt: () => void; readonly drop: () => void }, string> {
    const opened = open(settings);
    if (!opened.ok) return opened;
    const { log, useColors, path } = opened.value;
    const adopt = (): void => {
      const old = this.#log;
      this.#log = log;
      this.#useColors = useColors;
      this.#path = path;
      void old.close();
    };
    return ok({ adopt, drop: () => void log.close() });
  }

  includes(level: LogLevel): boolean {
    return this.#log.includes(level);
  }

  log(level: LogLevel, who: string, message: string): void {
    this.#log.log(level, who, message);
  }

  output(who: string, line: Buffer): void {
    this.#log.output(who, line);
  }

  print(text: string): void {
    this.#log.print(text);
  }

  reopen(): void {
    this.#log.reopen();
  }

  async close(): Promise<void> {
    await this.#log.close();
  }
}

interface OpenedLog {
  readonly log: ErrorLog;
  readonly useColors: boolean;
  readonly path: string;
}

function open({ errorLogs, useColors }: LogSettings): Result<OpenedLog, string> {
  const path = errorLogs[0]?.path ?? "-";
  const isTerminal = path === "-" && process.stderr.isTTY === true;
  const colored = wantsColors(useColors, isTerminal, process.env);
  try {
    return ok({ log: new ErrorLog({ logs: errorLogs, useColors: colored }), useColors: colored, path });
  } catch (problem) {
    // Whatever the system's reason: there is no log to write to.
    return err(`cannot open the error log ${path}: ${String(problem)}`);
  }
}
