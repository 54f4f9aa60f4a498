/** What the local authority asks the machine: who and where we are. */
import { readFileSync } from "node:fs";
import { homedir, hostname, networkInterfaces, userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { err, ok } from "../../std/result.ts";
import type { Result } from "../../std/result.ts";

/** Facts of the machine and of the user. */
export interface Machine {
  readonly hostName: string;
  /** Of its interfaces, without those that are written with a zone. */
  readonly addresses: readonly string[];
  /** "ada", or a number where the system has no name for it. */
  readonly userName: string;
  readonly isRoot: boolean;
  /** `process.platform` */
  readonly platform: string;
  /** The text of /etc/os-release, empty where there is none. */
  readonly osRelease: string;
}

/** Not in root's home: that is often the home of whoever typed sudo, whose files would then be root's. */
const ROOT_FOLDER = "/var/lib/tricorn/authority";

/** Asks the system. */
export function thisMachine(): Machine {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return {
    hostName: hostname(),
    addresses: all.flatMap((each) => (each.family === "IPv6" && each.scopeid !== 0 ? [] : [each.address])),
    userName: userName(),
    isRoot: process.geteuid?.() === 0,
    platform: process.platform,
    osRelease: osRelease(),
  };
}

/**
 * Where the authority is kept: $XDG_DATA_HOME/tricorn/authority, by default below ~/.local/share (XDG Base Directory
 * Specification), for root below /var/lib.
 * @returns a refusal where there is no home
 */
export function authorityFolder(
  isRoot: boolean, environment: Readonly<Record<string, string | undefined>>,
): Result<string, string> {
  if (isRoot) return ok(ROOT_FOLDER);
  const dataHome = environment["XDG_DATA_HOME"] ?? "";
  // The specification: a relative path is to be ignored.
  if (isAbsolute(dataHome)) return ok(join(dataHome, "tricorn/authority"));
  const home = environment["HOME"] ?? homeOfUser();
  if (isAbsolute(home)) return ok(join(home, ".local/share/tricorn/authority"));
  return err("There is no home to keep an authority in. Name a folder in XDG_DATA_HOME.");
}

function homeOfUser(): string {
  try {
    return homedir();
  } catch {
    // A user without a name, as containers have them.
    return "";
  }
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // The same.
    return String(process.geteuid?.() ?? "");
  }
}

function osRelease(): string {
  try {
    return readFileSync("/etc/os-release", "utf8");
  } catch {
    // macOS has none.
    return "";
  }
}
