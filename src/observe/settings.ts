/**
 * What a configuration says about logs: plain data, which master and edge share.
 */
import type { ComplexValue } from "../config/nginx/complex-value.ts";

/** How variables are written so that no client forges a line: nginx's three ways. */
export type LogEscape = "default" | "json" | "none";

/** A line of an access log, by the name that access_log calls it. */
export type LogFormat =
  | { readonly name: string; readonly escape: LogEscape; readonly value: ComplexValue }
  /** gunicorn's atoms, such as `%(h)s`; the text "combined" stands for gunicorn's own format. */
  | { readonly name: string; readonly escape: "atoms"; readonly value: string };

/** One access_log. */
export interface AccessLogTarget {
  /** "-" for standard output, an absolute path, "syslog:…" as written, or a path with variables. */
  readonly path: string | ComplexValue;
  /** The name of a format. */
  readonly format: string;
  /** Bytes that are gathered before they are written; 0: lines leave as soon as they may. */
  readonly bufferSize: number;
  /** How old a gathered line may become; undefined: as old as it takes to fill the buffer. */
  readonly flushMs: number | undefined;
  /** The level of compression, 1 to 9; undefined for plain text. */
  readonly gzip: number | undefined;
  /** A line is left out where this is "" or "0". */
  readonly condition: ComplexValue | undefined;
}

/** Descriptors of logs whose paths have variables (open_log_file_cache). */
export interface OpenLogFileCache {
  readonly max: number;
  readonly inactiveMs: number;
  readonly minUses: number;
  readonly validMs: number;
}

/** The access logs of a location. */
export interface AccessLogSettings {
  /** Empty: nothing is written. */
  readonly logs: readonly AccessLogTarget[];
  /** Undefined: files whose paths have variables are opened for each write. */
  readonly openFileCache: OpenLogFileCache | undefined;
  /** Are requests within requests logged, too? */
  readonly logSubrequests: boolean;
}
