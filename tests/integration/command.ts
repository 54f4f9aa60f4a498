// The program as a command that is expected to end by itself: what it prints and with which status.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, venvPython } from "../../tools/venv.ts";

const commandTimeoutMs = 20_000;

/** The applications of these tests. */
export const lifeApps: string = join(import.meta.dirname, "apps");

export interface Ended {
  readonly status: number | NodeJS.Signals | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandSettings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs `bin/tricorn` with exactly these arguments until it ends; killed after 20 seconds. */
export async function tricorn(
  args: readonly string[],
  { env = {}, cwd = lifeApps }: CommandSettings = {},
): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  const child = spawn(join(root, "bin/tricorn"), args, {
    cwd,
    env: { ...cleanEnvironment(), TMPDIR: folder, TEST_FOLDER: folder, TRICORN_PYTHON: venvPython, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: commandTimeoutMs,
    killSignal: "SIGKILL",
  });
  const stdout = collect(child, "stdout");
  const stderr = collect(child, "stderr");
  await once(child, "close");
  await rm(folder, { recursive: true, force: true });
  return { status: child.exitCode ?? child.signalCode ?? undefined, stdout: stdout.join(""), stderr: stderr.join("") };
}

/** This process's environment without what would be options. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const taken = ["PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "VIRTUAL_ENV"];
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith("TRICORN_") && !taken.includes(name)));
}

function collect(child: ChildProcess, name: "stdout" | "stderr"): readonly string[] {
  const parts: string[] = [];
  child[name]?.setEncoding("utf8").on("data", (text: string) => parts.push(text));
  return parts;
}
