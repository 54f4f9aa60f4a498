// The checkout's own Python environment, `.venv`, with what the demo site and the tests need. Made once, renewed when
// tools/requirements.txt changes; a stamp inside tells. Nothing outside the checkout is touched.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fetchPip } from "./pip.ts";

/** The checkout's root. */
export const root: string = dirname(import.meta.dirname);

/** The environment's interpreter; it exists once `ensureVenv` has returned. */
export const venvPython: string = join(root, ".venv/bin/python");

const venv = join(root, ".venv");
const stampFile = join(venv, ".tricorn-stamp");
const requirementsFile = join(root, "tools/requirements.txt");
const cache = join(root, ".cache");
const lockFile = join(cache, "venv.lock");
const oldestPython = 9;
const attemptsMax = 4;

/**
 * Makes or renews `.venv`; returns at once when it is up to date. Progress goes to stderr.
 * @throws Error with the next action, when there is no usable Python or the packages cannot be had
 */
export async function ensureVenv(): Promise<void> {
  if (isCurrent()) return;
  const release = await lock();
  try {
    if (isCurrent()) return;
    const python = findPython();
    say(`making .venv with ${python.command} (Python ${python.version}) and the frameworks of the demo site …`);
    rmSync(venv, { recursive: true, force: true });
    const pip = await createVenv(python.command);
    await install(pip);
    writeFileSync(stampFile, stamp());
    say(".venv is ready");
  } finally {
    release();
  }
}

/** Lets examples/prepare.py make what the demo site keeps on disk: the SQLite file, its tables, its demo user. */
export function prepareExamples(): void {
  run(venvPython, [join(root, "examples/prepare.py")], "the demo site could not be prepared");
}

function stamp(): string {
  return createHash("sha256").update(readFileSync(requirementsFile)).digest("hex");
}

function isCurrent(): boolean {
  // existsSync follows links: an interpreter that was uninstalled since counts as absent.
  return existsSync(venvPython) && existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp();
}

/** Two commands started together must not build the same directory; the second waits for the first. */
async function lock(): Promise<() => void> {
  mkdirSync(cache, { recursive: true });
  let told = false;
  for (;;) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: "wx" });
      return (): void => rmSync(lockFile, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (!holderLives()) {
      rmSync(lockFile, { force: true });
      continue;
    }
    if (!told) say("another command is making .venv, waiting for it …");
    told = true;
    await sleep(300);
  }
}

function holderLives(): boolean {
  try {
    process.kill(Number(readFileSync(lockFile, "utf8")), 0);
    return true;
  } catch (error) {
    // Somebody else's process may not be signalled, but it lives.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function findPython(): { readonly command: string; readonly version: string } {
  const candidates = ["python3", "python"];
  const found: string[] = [];
  for (const command of candidates) {
    const script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
    const result = spawnSync(command, ["-c", script], { encoding: "utf8" });
    if (result.status !== 0) continue;
    const version = result.stdout.trim();
    const [major, minor] = version.split(".").map(Number);
    if (major === 3 && minor !== undefined && minor >= oldestPython) return { command, version };
    found.push(`${command} is ${version}`);
  }
  const seen = found.length === 0 ? "none was found on PATH" : found.join(", ");
  throw new Error(`Python 3.${oldestPython} or newer is needed (${seen}): install it and run this again.`);
}

/** @returns the command that runs pip inside the new environment */
async function createVenv(python: string): Promise<readonly string[]> {
  const hasEnsurepip = spawnSync(python, ["-c", "import ensurepip, venv"]).status === 0;
  const failed = "the virtual environment could not be made (on Debian and Ubuntu: apt-get install python3-venv)";
  // Debian ships Python without ensurepip unless python3-venv is installed; then pip comes from the package index.
  run(python, ["-m", "venv", ...(hasEnsurepip ? [] : ["--without-pip"]), venv], failed);
  if (hasEnsurepip) return [venvPython, "-m", "pip"];
  return [venvPython, join(await fetchPip(cache), "pip")];
}

async function install(pip: readonly string[]): Promise<void> {
  const [command, ...start] = pip;
  if (command === undefined) throw new Error("no command to run pip with");
  const args = [...start, "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r", requirementsFile];
  for (let attempt = 1; ; attempt += 1) {
    const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
    if (result.status === 0) return;
    if (attempt === attemptsMax) {
      throw new Error(`pip could not install tools/requirements.txt (see above) in ${attemptsMax} attempts.`);
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
