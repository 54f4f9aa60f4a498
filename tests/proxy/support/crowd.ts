// A crowd of clients in a process of its own, so that whoever measures is not busy with them.
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { kill, started } from "../../support/children.ts";
import type { CrowdOrder, CrowdReport } from "./crowd-main.ts";
import { answerOf } from "./upstream-process.ts";

export class Crowd implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #port: number;

  /** @param port of the proxy */
  constructor(port: number) {
    this.#port = port;
    this.#child = started(fork(join(import.meta.dirname, "crowd-main.ts"), {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    }));
  }

  /** So many clients more. */
  open(count: number): Promise<CrowdReport> {
    return this.#order({ kind: "open", port: this.#port, count });
  }

  /** @param inFlight at most as many as there are clients */
  ask(target: string, requests: number, inFlight: number): Promise<CrowdReport> {
    return this.#order({ kind: "ask", target, requests, inFlight });
  }

  /** All of them leave. */
  close(): Promise<CrowdReport> {
    return this.#order({ kind: "close" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kill(this.#child);
  }

  async #order(order: CrowdOrder): Promise<CrowdReport> {
    const answered = answerOf<CrowdReport>(this.#child);
    this.#child.send(order);
    return answered;
  }
}
