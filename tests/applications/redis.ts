// A Redis of the test's own: on a free port, in a throw-away folder, keeping nothing.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { end, started } from "../support/children.ts";
import { freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const programName = "redis-server";
const readyTimeoutMs = 10_000;
const attemptsMax = 3;

/** The `skip` option of a test that needs Redis. */
export const skipRedis: false | string = requireProgram(programName, "apt-get install redis-server");

export interface Redis {
  /** As clients take it. */
  readonly address: string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a Redis and waits until it serves. */
export async function startRedis(): Promise<Redis> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(await freePort());
    } catch (error) {
      // Somebody else may have taken the port in the meantime.
      if (attempt === attemptsMax) throw error;
    }
  }
}

async function startOnce(port: number): Promise<Redis> {
  const program = findProgram(programName);
  if (program === undefined) throw new Error(`${programName} is not installed`);
  const folder = await mkdtemp(join(tmpdir(), "tricorn-redis-"));
  const options = { port, bind: "127.0.0.1", dir: folder, save: "", appendonly: "no" };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = started(spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] }));
  const stop = async (): Promise<void> => {
    await end(child);
    await rm(folder, { recursive: true, force: true });
  };
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  try {
    await eventually("Redis serves", readyTimeoutMs, () => {
      if (child.exitCode !== null) throw new Error(`Redis ended with ${child.exitCode}:\n${printed}`);
      return printed.includes("Ready to accept connections");
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { address: `redis://127.0.0.1:${port}/0`, stop };
}
