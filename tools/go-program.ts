// Programs that tests run against us and that are Go modules: each is built once into `.cache`. Also what tests say
// where one cannot be had.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "./needs.ts";
import { root } from "./venv.ts";

const cache = join(root, ".cache");
const buildTimeoutMs = 300_000;
/** Where Go's own archive puts it, which is often not on a user's PATH. */
const USUAL_GO = "/usr/local/go/bin/go";

export interface GoProgram {
  /** As `go install` has it, without its version: its last part is the program's name. */
  readonly module: string;
  readonly version: string;
  /** What it is, for who reads that it is not there. */
  readonly what: string;
}

/** Where the program is, once `requireGoProgram` has returned false. */
export function goProgramPath({ module, version }: GoProgram): string {
  return join(cache, `${basename(module)}-${version}`);
}

/**
 * The `skip` option of tests that run a program: `describe("…", { skip: await requireGoProgram(pebble) }, …)`. Builds
 * it if it is not there.
 * @returns false when it is there, else the reason to leave the tests out
 * @throws Error with CI=true, where a missing tool chain or module is a failure
 */
export async function requireGoProgram(program: GoProgram): Promise<false | string> {
  const problem = await ensure(program);
  if (problem === undefined) return false;
  const reason = `needs ${program.what}: ${problem}`;
  if (process.env["CI"] === "true") throw new Error(`${reason} (CI=true leaves no test out)`);
  return reason;
}

/** Builds it unless it is there. @returns what is missing, and how to get it */
async function ensure(program: GoProgram): Promise<string | undefined> {
  const path = goProgramPath(program);
  if (existsSync(path)) return undefined;
  const go = findProgram("go") ?? (existsSync(USUAL_GO) ? USUAL_GO : undefined);
  if (go === undefined) return "install Go 1.24 or newer (apt-get install golang-go)";
  mkdirSync(cache, { recursive: true });
  const lock = `${path}.lock`;
  // Test files run at the same time; one of them builds.
  while (!take(lock)) await sleep(200);
  try {
    return existsSync(path) ? undefined : await build(go, program);
  } finally {
    rmSync(lock, { force: true });
  }
}

async function build(go: string, program: GoProgram): Promise<string | undefined> {
  const path = goProgramPath(program), directory = `${path}.build`;
  process.stderr.write(`building ${basename(path)} with ${go} …\n`);
  const module = `${program.module}@${program.version}`;
  const child = spawn(go, ["install", module], {
    env: { ...process.env, GOBIN: directory }, stdio: ["ignore", "ignore", "pipe"], timeout: buildTimeoutMs,
  });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  child.on("error", (error) => said.push(Buffer.from(error.message)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) return `go install ${module} fails:\n${Buffer.concat(said).toString().trim()}`;
  renameSync(join(directory, basename(program.module)), path);
  rmSync(directory, { recursive: true, force: true });
  return undefined;
}

/** Takes the lock, or one that somebody who died has left. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    // Somebody builds, or did.
  }
  try {
    if (Date.now() - statSync(lock).mtimeMs > buildTimeoutMs) rmSync(lock, { force: true });
  } catch {
    // Just given back.
  }
  return false;
}
