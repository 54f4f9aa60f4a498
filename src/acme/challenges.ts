/**
 * The challenges that edges answer at this moment. An issuer is told to look only when every edge thread has the
 * answer, because nobody knows which of them it will meet.
 */
import type { LogLevel } from "../config/model.ts";
import type { Clock, ClockTimer } from "./clock.ts";
import type { AcmeReport, Challenge } from "./messages.ts";

/** The master needs milliseconds; a thread may be busy with something. */
const READY_TIMEOUT_MS = 10_000;

interface Published {
  readonly ready: () => void;
  readonly timer: ClockTimer;
  answers: number;
}

export interface ChallengesTools {
  readonly clock: Clock;
  readonly report: (report: AcmeReport) => void;
  readonly notice: (level: LogLevel, text: string) => void;
}

export class Challenges {
  readonly #tools: ChallengesTools;
  readonly #published = new Map<string, Published>();
  #count = 0;

  constructor(tools: ChallengesTools) {
    this.#tools = tools;
  }

  /** A name for the next challenge, never used twice by this process. */
  nextId(): string {
    this.#count += 1;
    return `${process.pid}-${this.#count}`;
  }

  /** Resolves when all edges answer it, or after ten seconds without that news. */
  publish(challenge: Challenge): Promise<void> {
    const { clock, report, notice } = this.#tools;
    return new Promise((resolve) => {
      const timer = clock.after(READY_TIMEOUT_MS, () => {
        notice("warning", `the challenge for ${challenge.name} is not known to all edge threads after `
          + `${READY_TIMEOUT_MS / 1000} s; the issuer is asked to look all the same`);
        resolve();
      });
      this.#published.set(challenge.id, { ready: resolve, timer, answers: 0 });
      report({ kind: "challenge", challenge });
    });
  }

  /** All edges have it. */
  ready(id: string): void {
    const published = this.#published.get(id);
    published?.timer.cancel();
    published?.ready();
  }

  /** Somebody was answered. */
  answered(id: string): void {
    const published = this.#published.get(id);
    if (published !== undefined) published.answers += 1;
  }

  /** Ends it. @returns how often it was answered */
  remove(id: string): number {
    const published = this.#published.get(id);
    if (published === undefined) return 0;
    published.timer.cancel();
    this.#published.delete(id);
    this.#tools.report({ kind: "challenge-removed", id });
    return published.answers;
  }
}
