// Pebble, the ACME server that Let's Encrypt tests clients with: a Go module, built once into `.cache`. Also what tests
// that need it say where it cannot be had.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findProgram } from "./needs.ts";
import { root } from "./venv.ts";

const VERSION = "v2.10.1";
const cache = join(root, ".cache");
const buildTimeoutMs = 300_000;
/** Where Go's own archive puts it, which is often not on a user's PATH. */
const USUAL_GO = "/usr/local/go/bin/go";

/** Where the program is, once `requirePebble` has returned false. */
export const pebblePath: string = join(cache, `pebble-${VERSION}`);

/**
 * The `skip` option of tests that run Pebble: `describe("…", { skip: await requirePebble() }, …)`. Builds it if it is
 * not there.
 * @returns false when it is there, else the reason to leave the tests out
 * @throws Error with CI=true, where a missing tool chain or module is a failure
 */
export async function requirePebble(): Promise<false | string> {
  const problem = await ensurePebble();
  if (problem === undefined) return false;
  const reason = `needs Pebble, an ACME server: ${problem}`;
  if (process.env["CI"] === "true") throw new Error(`${reason} (CI=true leaves no test out)`);
  return reason;
}

/** Builds it unless it is there. @returns what is missing, and how to get it */
async function ensurePebble(): Promise<string | undefined> {
  if (existsSync(pebblePath)) return undefined;
  const go = findProgram("go") ?? (existsSync(USUAL_GO) ? USUAL_GO : undefined);
  if (go === undefined) return "install Go 1.24 or newer (apt-get install golang-go)";
  mkdirSync(cache, { recursive: true });
  const lock = `${pebblePath}.lock`;
  // Test files run at the same time; one of them builds.
  while (!take(lock)) await sleep(200);
  try {
    return existsSync(pebblePath) ? undefined : await build(go);
  } finally {
    rmSync(lock, { force: true });
  }
}

async function build(go: string): Promise<string | undefined> {
  const directory = `${pebblePath}.build`;
  process.stderr.write(`building Pebble ${VERSION} with ${go} …\n`);
  const module = `github.com/letsencrypt/pebble/v2/cmd/pebble@${VERSION}`;
  const child = spawn(go, ["install", module], {
    env: { ...process.env, GOBIN: directory }, stdio: ["ignore", "ignore", "pipe"], timeout: buildTimeoutMs,
  });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  child.on("error", (error) => said.push(Buffer.from(error.message)));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) return `go install ${module} fails:\n${Buffer.concat(said).toString().trim()}`;
  renameSync(join(directory, "pebble"), pebblePath);
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
