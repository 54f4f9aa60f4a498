// What a test may need beyond Node and Python: a program of the machine, or packages from PyPI. Without
// it the test is left out and says why; with CI=true nothing is left out, so that a green run there means that
// everything ran.
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type Environment, findPython, isCurrent } from "./venv.ts";

/** Directories for administrators' programs (nginx is one), which are often not on a user's PATH. */
const systemDirectories = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * Looks a program up on PATH and in the system's directories.
 * @param names the program's names, most wanted first
 * @returns its absolute path, or undefined when none of the names is there
 */
export function findProgram(...names: readonly string[]): string | undefined {
  const directories = [...(process.env["PATH"] ?? "").split(":"), ...systemDirectories];
  for (const name of names) {
    for (const directory of directories) {
      const path = join(directory === "" ? "." : directory, name);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/**
 * The `skip` option of a test that needs a program of the machine:
 * `test("…", { skip: requireProgram("wrk", "apt-get install wrk") }, …)`.
 * @param names the program's name, or its several names
 * @param remedy the command that installs it
 * @returns false when the program is there, else the reason to leave the test out
 * @throws Error with CI=true, where a missing program is a failure
 */
export function requireProgram(names: string | readonly string[], remedy: string): false | string {
  const wanted = typeof names === "string" ? [names] : names;
  if (findProgram(...wanted) !== undefined) return false;
  const reason = `needs ${wanted.join(" or ")}: ${remedy}`;
  if (process.env["CI"] === "true") throw new Error(`${reason} (CI=true leaves no test out)`);
  return reason;
}

/**
 * The `skip` option of a test that runs on an environment which `npm test` makes, if it can.
 * @returns false when it is there, else the reason to leave the test out. An interpreter that is too old for the
 *   packages is no failure in CI either: to test that interpreter is why somebody runs CI with it.
 * @throws Error with CI=true, where packages that could not be had are a failure
 */
export function requireEnvironment(environment: Environment): false | string {
  if (isCurrent(environment)) return false;
  if (findPython(environment) === undefined) return `needs Python 3.${environment.oldestPython} or newer`;
  const reason = `needs ${environment.holds} from PyPI: npm test installs them when it can be reached`;
  if (process.env["CI"] === "true") throw new Error(`${reason} (CI=true leaves no test out)`);
  return reason;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Absent, or not ours to run: for the caller both mean "look further".
    return false;
  }
}
