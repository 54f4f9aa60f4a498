/**
 * `-s`: finds the running master by its pid file and tells it what to do. What it fails with, nginx fails with.
 */
import { readFileSync } from "node:fs";
import { systemReason } from "../std/system-reason.ts";
import type { Face } from "./configuration-place.ts";
import type { MasterCommand } from "./nginx-command-line.ts";
import type { StartLevel } from "./start-log.ts";

const signalNumbers = { SIGTERM: 15, SIGQUIT: 3, SIGHUP: 1, SIGUSR1: 10 } as const;
type MasterSignal = keyof typeof signalNumbers;

/** TERM and QUIT mean the opposite to a master that was not started as nginx: docs/signals.md. */
const signals: Readonly<Record<Face, Readonly<Record<MasterCommand, MasterSignal>>>> = {
  nginx: { stop: "SIGTERM", quit: "SIGQUIT", reload: "SIGHUP", reopen: "SIGUSR1" },
  tricorn: { stop: "SIGQUIT", quit: "SIGTERM", reload: "SIGHUP", reopen: "SIGUSR1" },
};

/** The signal that tells a master of this face to do it. */
export function signalOf(command: MasterCommand, face: Face): MasterSignal {
  return signals[face][command];
}

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
