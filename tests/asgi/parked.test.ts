// Long polling: many requests that wait for something to happen cost little memory and no time.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, requestText } from "../support/connection.ts";
import { proportionalSize } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { best, eventually, held } from "../support/wait.ts";
import { appsDirectory } from "./servers.ts";

const count = 5000;
const eachSizeMax = 20_000;
const shareMax = 0.02;
const watchMs = 2000;
/** The unit of /proc/PID/stat (USER_HZ), the same on every Linux that runs this. */
const tickMs = 10;

/** Processor time that processes have taken so far, milliseconds. */
function processorMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    return sum + (Number(fields[11]) + Number(fields[12])) * tickMs;
  }, 0);
}

/** Node raises its limit as far as it may. @returns why not enough files can be open here, false if they can */
function tooFewFiles(): string | false {
  const limit = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  if (limit === "unlimited" || Number(limit) > count + 500) return false;
  if (process.env["CI"] === "true") throw new Error(`ulimit -n is ${limit} (CI=true leaves no test out)`);
  return `needs more open files: ulimit -n ${count + 1000}`;
}

test(`${count} parked requests cost under 20 KB each in the edge, and no time`, { skip: tooFewFiles() },
  async (context) => {
    const options = ["--workers", "1", "--worker-connections", String(count + 1000)];
    await using program = await Program.start({ app: "stream_app:app", options, cwd: appsDirectory });
    const edge = [program.edgePid];
    const ask = async (target: string): Promise<string> => {
      using connection = await program.connect();
      return (await connection.get(target)).text;
    };
    for (let n = 0; n < 300; n++) await ask("/parked");
    const before = await held(() => proportionalSize(edge));
    const connections: Connection[] = [];
    try {
      for (let n = 0; n < count; n++) {
        const connection = await program.connect();
        connections.push(connection);
        connection.send(requestText({ target: "/park" }));
      }
      await eventually("all are parked", 10_000, async () => Number(await ask("/parked")) === count);
      const each = ((await held(() => proportionalSize(edge))) - before) / count;
      context.diagnostic(`${Math.round(each)} bytes each`);
      const pids = [program.edgePid, ...program.workerPids];
      const share = await best(3, shareMax, async () => {
        const [startMs, spentMs] = [performance.now(), processorMs(pids)];
        await sleep(watchMs);
        return (processorMs(pids) - spentMs) / (performance.now() - startMs);
      });
      context.diagnostic(`${(share * 100).toFixed(2)} % of a core`);
      await ask("/release");
      for (const connection of connections) assert.equal((await connection.response()).text, "released");
      assert.ok(each < eachSizeMax, `${Math.round(each)} bytes each`);
      assert.ok(share < shareMax, `${(share * 100).toFixed(2)} % of a core`);
    } finally {
      for (const connection of connections) connection.close();
    }
  });
