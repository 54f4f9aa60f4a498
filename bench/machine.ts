// What the comparison needs of the machine: two cores, taskset, wrk, nginx, and Python packages in a venv of their own.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, release } from "node:os";
import { dirname, join } from "node:path";
import { findProgram } from "../tools/needs.ts";
import { fetchPip } from "../tools/pip.ts";

/** The checkout's root. */
export const root: string = dirname(import.meta.dirname);
/** Everything that the comparison leaves behind, besides what is asked for. */
export const cache: string = join(root, "node_modules/.cache/tricorn-bench");

const requirements = [join(root, "bench/requirements.txt"), join(root, "tools/requirements.txt")];

/** Programs that are run, by their absolute paths. */
export interface Programs {
  readonly taskset: string;
  readonly wrk: string;
  /** Undefined: the rows that need it are left out. */
  readonly nginx: string | undefined;
}

/**
 * @param say told what is left out and how to have it
 * @throws Error naming what is missing and the command that installs it
 */
export function findPrograms(say: (text: string) => void): Programs {
  if (availableParallelism() < 2) {
    throw new Error("two processor cores are needed: one for the server, one for the load.");
  }
  const taskset = findProgram("taskset");
  if (taskset === undefined) throw new Error("taskset is missing (Linux only): apt-get install util-linux");
  const wrk = findProgram("wrk");
  if (wrk === undefined) throw new Error("wrk is missing: apt-get install wrk");
  const nginx = findProgram("nginx");
  if (nginx === undefined) say("nginx is missing, so nothing stands behind it: apt-get install nginx");
  return { taskset, wrk, nginx };
}

/**
 * The environment with the peers and the frameworks; made when it is not there or no longer what is pinned.
 * @returns its directory
 * @throws Error naming the next action
 */
export async function ensurePeers(say: (text: string) => void): Promise<string> {
  const venv = join(cache, "venv");
  const stampFile = join(venv, ".stamp");
  const stamp = createHash("sha256");
  for (const path of requirements) stamp.update(readFileSync(path));
  const digest = stamp.digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === digest) return venv;
  say(`installing granian, gunicorn, uvicorn and the frameworks from PyPI into ${venv.slice(root.length + 1)} …`);
  rmSync(venv, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  run("python3", ["-m", "venv", "--without-pip", venv], "install Python 3.9 or newer, on Debian with python3-venv");
  const pip = await fetchPip(cache);
  const install = ["install", "--quiet", "--no-input", "--disable-pip-version-check", "-r", requirements[0] ?? ""];
  run(join(venv, "bin/python"), [join(pip, "pip"), ...install], "see pip's message above; run this again");
  writeFileSync(stampFile, digest);
  return venv;
}

function run(command: string, args: readonly string[], remedy: string): void {
  const { status, error } = spawnSync(command, args, { stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  throw new Error(`${command} ${args.join(" ")} failed${error ? ` (${error.message})` : ""}: ${remedy}`);
}

/** One line about what was measured on, and what. */
export function describeMachine(venv: string, programs: Programs): string {
  const script = "import sys, importlib.metadata as m; print(sys.version.split()[0], *map(m.version, sys.argv[1:]))";
  const names = ["granian", "gunicorn", "uvicorn", "flask", "django", "fastapi"];
  const { stdout } = spawnSync(join(venv, "bin/python"), ["-c", script, ...names], { encoding: "utf8" });
  const [python = "?", ...versions] = stdout.trim().split(" ");
  const peers = names.map((name, index) => `${name} ${versions[index] ?? "?"}`);
  if (programs.nginx !== undefined) {
    const told = spawnSync(programs.nginx, ["-v"], { encoding: "utf8" });
    peers.push(told.stderr.trim().replace(/^nginx version: |\s*\(.*$/g, "").replace("/", " "));
  }
  const cpu = cpus()[0]?.model ?? "an unknown processor";
  return `${cpu}, Linux ${release()}, Node ${process.versions.node}, Python ${python}, ${peers.join(", ")}`;
}
