// What a process of Node holds, without the garbage that V8 has not collected yet: the inspector makes it collect.
import { setTimeout as sleep } from "node:timers/promises";
import { proportionalSize } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";
import type { Program } from "../support/program.ts";

/** The environment of a program whose edge can be asked; the port is free, the address a secret that it prints. */
export const inspected: Readonly<Record<string, string>> = { NODE_OPTIONS: "--inspect=127.0.0.1:0" };

interface Answer {
  readonly id: number;
  readonly result?: { readonly result?: { readonly value?: unknown } };
}

/** Memory of the edge, shared pages in proportion, after a collection; bytes. */
export async function edgeSize(program: Program): Promise<number> {
  const url = await edgeUrl(program);
  // What the first collection finds may be let go of by the second only.
  for (let n = 0; n < 2; n++) {
    await ask(url, "HeapProfiler.collectGarbage");
    await sleep(200);
  }
  return proportionalSize([program.edgePid]);
}

async function edgeUrl(program: Program): Promise<string> {
  return eventually("the edge's inspector is found", 5000, async () => {
    for (const [url] of program.output.matchAll(/ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/g)) {
      if ((await ask(url, "Runtime.evaluate", { expression: "process.pid" })) === program.edgePid) return url;
    }
    return undefined;
  });
}

/** @returns the value of an expression */
async function ask(url: string, method: string, params: object = {}): Promise<unknown> {
  const socket = new WebSocket(url);
  try {
    return await new Promise((resolve, reject) => {
      socket.addEventListener("error", () => reject(new Error(`no inspector at ${url}`)));
      socket.addEventListener("open", () => socket.send(JSON.stringify({ id: 1, method, params })));
      socket.addEventListener("message", ({ data }) => {
        const { id, result } = JSON.parse(String(data)) as Answer;
        if (id === 1) resolve(result?.result?.value);
      });
    });
  } finally {
    socket.close();
  }
}
