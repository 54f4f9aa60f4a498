/**
 * Where a configuration file is, and where the paths in it start.
 */
import { resolve } from "node:path";
import { NGINX_FILE, NGINX_PID, NGINX_PREFIX, type NginxCommandLine } from "./nginx-command-line.ts";

/** Under which name the program was called: "nginx" keeps nginx's habits where Tricorn has others. */
export type Face = "tricorn" | "nginx";

export interface ConfigurationPlace {
  /** The file, absolute. */
  readonly path: string;
  /** Where most relative paths of the file start; ends in a slash. */
  readonly prefix: string;
  /** The file's directory, where relative names of included files start; ends in a slash. */
  readonly directory: string;
  /** What `-e` names, absolute; undefined for standard error. */
  readonly errorLog: string | undefined;
  /** Directives that hold where the file says nothing. */
  readonly defaults: string;
}

/**
 * nginx: -c and -e are relative to the prefix, and the prefix is the package's unless -p names one. As `tricorn -c`
 * without -p: -c and -e are relative to the current directory, and the prefix is the file's.
 */
export function placeOf(line: NginxCommandLine, face: Face, cwd: string): ConfigurationPlace {
  const isNginx = face === "nginx";
  const given = line.prefix === undefined ? undefined : withSlash(resolve(cwd, line.prefix));
  const base = given ?? (isNginx ? NGINX_PREFIX : withSlash(cwd));
  const path = joined(base, line.file ?? NGINX_FILE);
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  const errorLog = line.errorLog === undefined || line.errorLog === "stderr" ? undefined : joined(base, line.errorLog);
  const log = `error_log ${errorLog === undefined ? "stderr" : quoted(errorLog)}`;
  const defaults = isNginx ? `daemon on; pid ${NGINX_PID}; ${log};` : `daemon off; ${log} info;`;
  return { path, prefix: given ?? (isNginx ? NGINX_PREFIX : directory), directory, errorLog, defaults };
}

/** As nginx puts names together: what messages show is what was typed. */
function joined(base: string, name: string): string {
  return name.startsWith("/") ? name : base + name;
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}

function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, "\\$&")}"`;
}
