/**
 * The machine as the configuration sees it: the one place where options meet the file system.
 */
import { readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { World } from "../config/directive.ts";
import { err, ok, type Result } from "../std/result.ts";
import { systemCode } from "../std/system-reason.ts";

/** A file of variables has a few lines; a device or a core dump named by mistake has not. */
const textSizeMax = 1_048_576;

export function realWorld(): World {
  return {
    cwd: process.cwd(),
    environment: process.env,
    cpuCount: availableParallelism(),
    fileCountMax: fileCountMax(),
    isRoot: process.getuid?.() === 0,
    kindOf,
    readText,
  };
}

function kindOf(path: string): "file" | "directory" | "other" | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (found.isDirectory()) return "directory";
  return found.isFile() ? "file" : "other";
}

function readText(path: string): Result<string, string> {
  try {
    if (statSync(path).size > textSizeMax) return err("it is larger than 1 MiB");
    return ok(readFileSync(path, "utf8"));
  } catch (problem) {
    // ENOENT, EACCES, EISDIR: the code says it.
    return err(systemCode(problem) || String(problem));
  }
}

/** RLIMIT_NOFILE: Node raises the soft limit to the hard one when it starts. Without /proc: macOS's default. */
function fileCountMax(): number {
  try {
    const limits = readFileSync("/proc/self/limits", "latin1");
    const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
    return hard === undefined || hard === "unlimited" ? 1_048_576 : Number(hard);
  } catch {
    // No /proc on this system.
    return 10_240;
  }
}
