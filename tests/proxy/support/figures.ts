// What an edge holds and how quickly it answers while others keep it busy.
import { setTimeout as sleep } from "node:timers/promises";
import { percentile } from "../../support/load.ts";
import { openFiles, residentSize } from "../../support/processes.ts";
import type { Program } from "../../support/program.ts";
import { eventually, held } from "../../support/wait.ts";
import { tellEdge } from "./proxies.ts";

const probePauseMs = 20;
/** How long what is over may take to be gone. */
export const settleMs = 20_000;
export const mega = 1e6;
/** The probe's connection, and what a process opens at any time. */
export const looseDescriptors = 8;
/** What allocators keep of what was needed once. */
export const keptBytes: number = 40 * mega;

/** Takes a line of the report. */
export type Say = (line: string) => void;

/** By an edge, at one moment. */
export interface Held {
  readonly descriptors: number;
  /** Bytes. */
  readonly resident: number;
}

export interface Figures extends Held {
  /** How long a request that costs nothing took, milliseconds. */
  readonly lagMedianMs: number;
  readonly lagMaxMs: number;
}

/** What the edge really holds, bytes. */
export async function heldSize(program: Program): Promise<number> {
  await tellEdge(program, { kind: "collect-garbage" });
  return held(() => residentSize([program.edgePid]));
}

/** Waits until the edge has no more descriptors open than these, and what a process opens at any time. */
export async function fewDescriptors(program: Program, count: number): Promise<void> {
  const most = count + looseDescriptors;
  await eventually(`at most ${most} descriptors are open`, settleMs, () => openFiles(program.edgePid).length <= most);
}

/** What is held when nothing happens. */
export async function heldAtRest(program: Program): Promise<Held> {
  return { descriptors: openFiles(program.edgePid).length, resident: await heldSize(program) };
}

/** Asks for /health again and again while something is done: the most that was held meanwhile, and how long it took. */
export async function watched<T>(
  program: Program, work: () => Promise<T>,
): Promise<{ readonly result: T; readonly figures: Figures }> {
  const { edgePid } = program;
  const lags: number[] = [];
  let descriptors = 0, resident = 0, over = false;
  const probing = (async () => {
    using connection = await program.connect();
    do {
      const startMs = performance.now();
      await connection.get("/health");
      lags.push(performance.now() - startMs);
      descriptors = Math.max(descriptors, openFiles(edgePid).length);
      resident = Math.max(resident, residentSize([edgePid]));
      await sleep(probePauseMs);
    } while (!over);
  })();
  try {
    const result = await work();
    over = true;
    await probing;
    const figures = { descriptors, resident, lagMedianMs: percentile(lags, 0.5), lagMaxMs: Math.max(...lags) };
    return { result, figures };
  } finally {
    over = true;
    await probing.catch(() => undefined);
  }
}

/** One line for the report. */
export function sentence({ descriptors, resident, lagMedianMs, lagMaxMs }: Figures): string {
  const lag = `/health ${lagMedianMs.toFixed(1)} ms (at most ${lagMaxMs.toFixed(0)})`;
  return `${descriptors} descriptors, ${megabytes(resident)}, ${lag}`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / mega).toFixed(0)} MB`;
}
