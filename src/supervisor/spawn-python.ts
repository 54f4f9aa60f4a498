/**
 * Starts one Python process of ours: the interpreter, the entry in python/, its environment and its pipes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AppSettings } from "../config/model.ts";

/** python/tricorn/worker beside src/ (checkout) or dist/ (package). */
const entry = fileURLToPath(new URL("../../python/tricorn/worker", import.meta.url));

export interface PythonProcess {
  readonly interpreter: string;
  readonly settings: AppSettings;
  readonly controlSocket: string;
  /** `worker-3`: never used twice. */
  readonly name: string;
  /** `tricorn/0.1.0`. */
  readonly software: string;
}

/** The process; it prints into pipes and reads nothing. Its failure to start arrives as an "error" event. */
export function spawnPython({ interpreter, settings, controlSocket, name, software }: PythonProcess): ChildProcess {
  return spawn(interpreter, [entry, controlSocket, name], {
    // A directory that has gone since the start would be reported as a missing interpreter (ENOENT).
    cwd: existsSync(settings.chdir) ? settings.chdir : "/",
    env: environmentOf(settings, software),
    stdio: ["ignore", "pipe", "pipe"],
    // A session of its own: Ctrl-C in a terminal reaches the master alone, which then asks the workers to end.
    detached: true,
  });
}

function environmentOf(settings: AppSettings, software: string): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, ...Object.fromEntries(settings.env) };
  // Ours alone: an application that runs Node must not write into our cache.
  if (environment["NODE_COMPILE_CACHE"]?.includes("tricorn") === true) delete environment["NODE_COMPILE_CACHE"];
  // gunicorn sets it, and applications ask for it to know that they are served.
  environment["SERVER_SOFTWARE"] ??= software;
  return environment;
}
