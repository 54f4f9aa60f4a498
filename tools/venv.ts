// The checkout's own Python environments, each made from a list of pinned packages: `.venv` with what the demo site and
// most tests need, and one below `.cache` for the applications of tests/applications. Made once, renewed when the list
// changes; a stamp inside tells. Nothing outside the checkout is touched.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fetchPip } from "./pip.ts";

/** The checkout's root. */
export const root: string = dirname(import.meta.dirname);

/** A virtual environment of the checkout. */
export interface Environment {
  /** Where it is; nothing else lies there. */
  readonly folder: string;
  /** The file that lists its packages, all pinned. */
  readonly requirements: string;
  /** What it holds, in a few words. */
  readonly holds: string;
  /** The smallest minor version of Python 3 that its packages run on. */
  readonly oldestPython: number;
}

interface FoundPython {
  readonly command: string;
  /** As in 3.11.2. */
  readonly version: string;
}

/** What the demo site and most tests run on. */
const demo: Environment = {
  folder: join(root, ".venv"),
  requirements: join(root, "tools/requirements.txt"),
  holds: "the frameworks of the demo site",
  oldestPython: 9,
};

/** What the applications of tests/applications run on; `npm start` does without. */
export const applications: Environment = {
  folder: join(root, ".cache/applications"),
  requirements: join(root, "tests/applications/requirements.txt"),
  holds: "the applications of the tests",
  oldestPython: 11,
};

/** The interpreter of `.venv`; it exists once `ensureVenv` has returned. */
export const venvPython: string = pythonOf(demo);

const cache = join(root, ".cache");
const attemptsMax = 4;

/** @returns the environment's interpreter; it exists once `ensureEnvironment` has returned */
export function pythonOf(environment: Environment): string {
  return join(environment.folder, "bin/python");
}

/** Makes or renews `.venv`, as `ensureEnvironment` does. */
export async function ensureVenv(): Promise<void> {
  await ensureEnvironment(demo);
}

/**
 * Makes or renews an environment; returns at once when it is up to date. Progress goes to stderr.
 * @throws Error with the next action, when there is no usable Python or the packages cannot be had
 */
export async function ensureEnvironment(environment: Environment): Promise<void> {
  if (isCurrent(environment)) return;
  const release = await lock(environment);
  try {
    if (isCurrent(environment)) return;
    const { folder, holds, oldestPython } = environment;
    const python = findPython(environment);
    if (python === undefined) {
      const seen = pythonsOnPath().map(({ command, version }) => `${command} is ${version}`).join(", ");
      const found = seen === "" ? "none was found on PATH" : seen;
      const needs = `${inRoot(folder)} needs Python 3.${oldestPython} or newer`;
      throw new Error(`${needs} (${found}): install it and run this again.`);
    }
    say(`making ${inRoot(folder)} with ${python.command} (Python ${python.version}) and ${holds} …`);
    rmSync(folder, { recursive: true, force: true });
    await install(await createVenv(python.command, environment), environment);
    writeFileSync(stampFile(environment), stamp(environment));
    say(`${inRoot(folder)} is ready`);
  } finally {
    release();
  }
}

/** Is the environment there, with exactly what its list asks for? */
export function isCurrent(environment: Environment): boolean {
  const file = stampFile(environment);
  // existsSync follows links: an interpreter that was uninstalled since counts as absent.
  return existsSync(pythonOf(environment)) && existsSync(file) && readFileSync(file, "utf8") === stamp(environment);
}

/** Lets examples/prepare.py make what the demo site keeps on disk: the SQLite file, its tables, its demo user. */
export function prepareExamples(): void {
  run(venvPython, [join(root, "examples/prepare.py")], "the demo site could not be prepared");
}

function stampFile({ folder }: Environment): string {
  return join(folder, ".tricorn-stamp");
}

function stamp({ requirements }: Environment): string {
  return createHash("sha256").update(readFileSync(requirements)).digest("hex");
}

/** Two commands started together must not build the same directory; the second waits for the first. */
async function lock({ folder }: Environment): Promise<() => void> {
  mkdirSync(cache, { recursive: true });
  const lockFile = join(cache, `${basename(folder).replace(/^\./, "")}.lock`);
  let told = false;
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: "wx" });
      return (): void => rmSync(lockFile, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (!holderLives(lockFile)) {
      rmSync(lockFile, { force: true });
      continue;
    }
    if (!told) say(`another command is making ${inRoot(folder)}, waiting for it …`);
    told = true;
    await sleep(300);
  }
}

function holderLives(lockFile: string): boolean {
  try {
    process.kill(Number(readFileSync(lockFile, "utf8")), 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it lives.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** @returns the Python on PATH that an environment is made with, undefined when there is none that is new enough */
export function findPython({ oldestPython }: Environment): FoundPython | undefined {
  return pythonsOnPath().find(({ version }) => {
    const [major, minor] = version.split(".").map(Number);
    return major === 3 && minor !== undefined && minor >= oldestPython;
  });
}

function pythonsOnPath(): readonly FoundPython[] {
  const script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
  return ["python3", "python"].flatMap((command) => {
    const { status, stdout } = spawnSync(command, ["-c", script], { encoding: "utf8" });
    return status === 0 ? [{ command, version: stdout.trim() }] : [];
  });
}

/** @returns the command that runs pip inside the new environment */
async function createVenv(python: string, environment: Environment): Promise<readonly string[]> {
  const hasEnsurepip = spawnSync(python, ["-c", "import ensurepip, venv"]).status === 0;
  const failed = "the virtual environment could not be made (on Debian and Ubuntu: apt-get install python3-venv)";
  // Debian ships Python without ensurepip unless python3-venv is installed; then pip comes from the package index.
  run(python, ["-m", "venv", ...(hasEnsurepip ? [] : ["--without-pip"]), environment.folder], failed);
  if (hasEnsurepip) return [pythonOf(environment), "-m", "pip"];
  return [pythonOf(environment), join(await fetchPip(cache), "pip")];
}

async function install(pip: readonly string[], { requirements }: Environment): Promise<void> {
  const [command, ...start] = pip;
  if (command === undefined) throw new Error("no command to run pip with");
  const args = [...start, "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r", requirements];
  for (let attempt = 1; ; attempt += 1) {
    const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
    if (result.status === 0) return;
    if (attempt === attemptsMax) {
      throw new Error(`pip could not install ${inRoot(requirements)} (see above) in ${attemptsMax} attempts.`);
    }
    say(`pip failed, trying again (${attempt + 1} of ${attemptsMax}) …`);
    await sleep(1000 * 2 ** attempt);
  }
}

function run(command: string, args: readonly string[], failed: string): void {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (result.status === 0) return;
  const why = result.error?.message ?? `exit status ${result.status ?? result.signal ?? "unknown"}`;
  throw new Error(`${failed}: ${[command, ...args].join(" ")}: ${why}`);
}

function inRoot(path: string): string {
  return relative(root, path);
}

function say(text: string): void {
  process.stderr.write(`tricorn: ${text}\n`);
}

/** Does what `prepare` does, for a command: a failure is one line on stderr and exit status 1. */
export async function prepareOrExit(prepare: () => Promise<void>): Promise<void> {
  try {
    await prepare();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

if (import.meta.main) await prepareOrExit(ensureVenv);
