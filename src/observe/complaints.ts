/** What is wrong with a log is said where somebody may read it: once, and not again for a while. */

/** A disk that is full for an hour is worth a few lines, not one for each request. */
export const COMPLAINT_PAUSE_MS = 60_000;

/** Takes what the operator must know. */
export type Report = (level: "error" | "warning", text: string) => void;

export class Complaints {
  readonly #report: Report;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(report: Report) {
    this.#report = report;
  }

  /** Says it, unless something was said a short while ago. */
  tell(text: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < COMPLAINT_PAUSE_MS) return;
    this.#lastMs = nowMs;
    this.#report("error", text);
  }
}
