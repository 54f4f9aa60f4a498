/** The access logs of one thread: lines gather in memory and leave together, off the request path. */
import type { Evaluation, Variables } from "../route/index.ts";
import type { AccessLogSettings, LogFormat } from "./settings.ts";

/** Writes the lines of one location's logs. */
export interface AccessLogWriter {
  /** Writes what its logs say about a request that is over; never throws, never waits. */
  record(evaluation: Evaluation): void;
}

export class AccessLogs {
  /**
   * @param formats all of the configuration
   * @param variables must know what the formats, paths and conditions refer to by the first record
   * @param report tells the operator, once, that a log cannot be written
   */
  constructor(
    formats: readonly LogFormat[], variables: Variables, report: (level: "error" | "warning", text: string) => void,
  ) {
    void [formats, variables, report];
  }

  /** The writer for these settings, the same for the same object. A file is opened once per thread. */
  writer(settings: AccessLogSettings): AccessLogWriter {
    void settings;
    return { record: () => undefined };
  }

  /** Opens all files again under their names: what log rotation asks for. */
  reopen(): void {}

  /** Writes the rest, within two seconds. */
  async close(): Promise<void> {
    await Promise.resolve();
  }
}
