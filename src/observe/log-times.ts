/** Times in logs: their texts change once a second, so they are made once a second. */
import { timeIso8601, timeLocal } from "../route/index.ts";

export class LogTimes {
  #localSecond = Number.NaN;
  #local = "";
  #isoSecond = Number.NaN;
  #iso = "";

  /** `$time_local`. @param ms since the epoch, here and below */
  local(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#localSecond) {
      this.#localSecond = second;
      this.#local = timeLocal(ms);
    }
    return this.#local;
  }

  /** `$time_iso8601` */
  iso8601(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#isoSecond) {
      this.#isoSecond = second;
      this.#iso = timeIso8601(ms);
    }
    return this.#iso;
  }
}
