/**
 * `-s`: finds the running master by its pid file and tells it what to do. What it fails with, nginx fails with.
 */
import { readFileSync } from "node:fs";
import { systemReason } from "../std/system-reason.ts";
import type { MasterCommand } from "./nginx-command-line.ts";
import type { StartLevel } from "./start-log.ts";

const signalNumbers = { SIGTERM: 15, SIGQUIT: 3, SIGHUP: 1, SIGUSR1: 10 } as const;
type MasterSignal = keyof typeof signalNumbers;

/** nginx's signals. */
export const nginxSignals: Readonly<Record<MasterCommand, MasterSignal>> = {
  stop: "SIGTERM", quit: "SIGQUIT", reload: "SIGHUP", reopen: "SIGUSR1",
};

export interface SignalFailure {
  readonly level: StartLevel;
  readonly message: string;
}

/** @returns undefined when the signal was sent */
export function signalMaster(pidPath: string, signal: MasterSignal): SignalFailure | undefined {
  let text: string;
  try {
    text = readFileSync(pidPath, "latin1");
  } catch (problem) {
    return { level: "error", message: `open() "${pidPath}" failed (${systemReason(problem)})` };
  }
  const digits = text.replace(/[\r\n]+$/, "");
  const pid = /^\d{1,10}$/.test(digits) ? Number(digits) : 0;
  if (pid === 0) return { level: "error", message: `invalid PID number "${digits.slice(0, 32)}" in "${pidPath}"` };
  try {
    process.kill(pid, signal);
    return undefined;
  } catch (problem) {
    const { [signal]: number } = signalNumbers;
    return { level: "alert", message: `kill(${pid}, ${number}) failed (${systemReason(problem)})` };
  }
}
