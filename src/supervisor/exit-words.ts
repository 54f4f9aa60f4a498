/**
 * How a process ended and what it was doing, in words for the log.
 */
import { constants } from "node:os";
import { formatDuration } from "../std/units.ts";
import type { ControlReport } from "./control-messages.ts";
import type { WorkerActivity } from "./state-file.ts";
import type { WorkerExit } from "./worker.ts";

/** "was killed by SIGKILL", "exited with status 1", "could not be started: spawn EACCES". */
export function describeExit({ code, signal, unstarted }: WorkerExit): string {
  if (unstarted !== undefined) return `could not be started: ${unstarted}`;
  if (signal !== undefined) return `was killed by ${signal}`;
  if (code !== undefined) return `exited with status ${code}`;
  return "is gone";
}

/** The name of a signal number: the preloader reports numbers. */
export function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}

/** "it had answered 120 requests and was running 2, the oldest for 3.2 s". */
export function describeActivity(activity: WorkerActivity, kind: "wsgi" | "asgi", nowSeconds: number): string {
  const answered = `it had answered ${activity.answeredCount} requests`;
  const oldest = Math.max(0, ...activity.startedAt.map((time) => nowSeconds - time));
  const count = activity.startedAt.length;
  if (count === 0) return `${answered} and was idle`;
  const since = formatDuration(oldest * 1000);
  if (kind === "asgi") return `${answered}; its event loop was last seen ${since} ago`;
  return count === 1
    ? `${answered} and was running one for ${since}`
    : `${answered} and was running ${count}, the oldest for ${since}`;
}

/** The message of a worker that cannot start, the user's traceback and the hint, as one text of several lines. */
export function describeFailure(failure: Extract<ControlReport, { readonly type: "failed" }>): string {
  const parts = [failure.message];
  if (failure.traceback !== undefined && failure.traceback !== "") parts.push(failure.traceback.trimEnd());
  if (failure.hint !== undefined && failure.hint !== "") parts.push(`hint: ${failure.hint}`);
  return parts.join("\n");
}
