// Upstreams in a process of their own, which a test can kill and start again at the same places.
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { kill, started } from "../../support/children.ts";
import { freePort } from "../../support/program.ts";
import type { Place, PlaceCounts, UpstreamMainSettings, UpstreamOrder } from "./upstream-main.ts";

export interface UpstreamProcessSettings {
  /** How many servers: each has an address of its own, 127.0.1.1 and so on, and all the same port. */
  readonly count?: number;
  /** See UpstreamMainSettings. */
  readonly journal?: string;
  readonly delayMs?: number;
}

export class UpstreamProcess implements AsyncDisposable {
  readonly #settings: UpstreamMainSettings;
  #child: ChildProcess;

  private constructor(settings: UpstreamMainSettings, child: ChildProcess) {
    this.#settings = settings;
    this.#child = child;
  }

  static async start({ count = 1, journal, delayMs = 0 }: UpstreamProcessSettings = {}): Promise<UpstreamProcess> {
    const port = await freePort();
    const places = Array.from({ length: count }, (_, index) => ({ host: hostAt(index), port }));
    const settings = { places, journal, delayMs };
    return new UpstreamProcess(settings, await startChild(settings));
  }

  /** Whether or not it is there at the moment. */
  get places(): readonly Place[] {
    return this.#settings.places;
  }

  /** As `$upstream_addr` says them, and `server` lines. */
  get names(): readonly string[] {
    return this.places.map(({ host, port }) => `${host}:${port}`);
  }

  /** Of the first place. */
  get name(): string {
    return this.names[0] ?? "";
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What was executed, by all processes that were here. */
  get journal(): readonly string[] {
    const { journal } = this.#settings;
    return journal === undefined ? [] : readFileSync(journal, "utf8").split("\n").slice(0, -1);
  }

  /** kill -9 */
  kill(): Promise<void> {
    return kill(this.#child);
  }

  /** After `kill`. */
  async restart(): Promise<void> {
    this.#child = await startChild(this.#settings);
  }

  /** By place. */
  async counts(): Promise<Readonly<Record<string, PlaceCounts>>> {
    return this.#order({ kind: "counts" });
  }

  /** Of the only place, or of all together. */
  async total(): Promise<PlaceCounts> {
    const total: PlaceCounts = { accepted: 0, open: 0, openMax: 0, whole: 0, cut: 0 };
    for (const count of Object.values(await this.counts())) {
      for (const key of Object.keys(total) as (keyof PlaceCounts)[]) total[key] += count[key];
    }
    return total;
  }

  async leave(places: readonly Place[]): Promise<void> {
    await this.#order({ kind: "leave", places });
  }

  async listen(places: readonly Place[]): Promise<void> {
    await this.#order({ kind: "listen", places });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #order(order: UpstreamOrder): Promise<Readonly<Record<string, PlaceCounts>>> {
    const answered = answerOf<Readonly<Record<string, PlaceCounts>>>(this.#child);
    this.#child.send(order);
    return answered;
  }
}

/** One of Linux's many local addresses. */
function hostAt(index: number): string {
  return `127.0.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/** The next message. Rejects when the child ends instead. */
export function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const answered = (message: unknown): void => {
      child.off("exit", ended);
      resolve(message as T);
    };
    const ended = (code: unknown): void => {
      child.off("message", answered);
      reject(new Error(`a process of the test has ended with ${String(code)}`));
    };
    child.once("message", answered).once("exit", ended);
  });
}

async function startChild(settings: UpstreamMainSettings): Promise<ChildProcess> {
  const child = started(fork(join(import.meta.dirname, "upstream-main.ts"), [JSON.stringify(settings)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
  }));
  await answerOf(child);
  return child;
}
