/** Times in logs. */
import { timeIso8601, timeLocal } from "../route/index.ts";
import { SecondText } from "../std/second-text.ts";

export class LogTimes {
  /** `$time_local` */
  readonly local: SecondText = new SecondText(timeLocal);
  /** `$time_iso8601` */
  readonly iso8601: SecondText = new SecondText(timeIso8601);
}
