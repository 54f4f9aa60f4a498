/**
 * The operator's signals, one at a time. What each means is docs/signals.md, what is done is master.ts.
 */
const all = [
  "SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTTIN", "SIGTTOU",
] as const;

export type MasterSignal = (typeof all)[number];

/** unicorn's number: somebody who sends more of them does not want each to count. */
const queueCountMax = 5;

export class SignalQueue {
  #queue: MasterSignal[] = [];
  readonly #wake: () => void;
  readonly #note = (signal: NodeJS.Signals): void => {
    const known = all.find((candidate) => candidate === signal);
    if (known === undefined || this.#queue.length >= queueCountMax) return;
    this.#queue.push(known);
    this.#wake();
  };

  /** Takes over the signals; `wake` is called for each. */
  constructor(wake: () => void) {
    this.#wake = wake;
    for (const signal of all) process.on(signal, this.#note);
  }

  /** The oldest signal that nobody has acted on. */
  take(): MasterSignal | undefined {
    return this.#queue.shift();
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Gives the signals back to the system. */
  close(): void {
    for (const signal of all) process.off(signal, this.#note);
  }
}
