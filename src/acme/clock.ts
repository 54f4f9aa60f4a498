/**
 * Time as this room has it: what the calendar says, and waiting. Tests have another one, in which a month passes at
 * once. Only timeouts of connections are real time for them, too.
 */

export interface ClockTimer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970: what certificates are compared with. It may jump. */
  now(): number;
  /** Calls once, after `ms` milliseconds of waiting, whatever the calendar does meanwhile. */
  after(ms: number, call: () => void): ClockTimer;
}

/** setTimeout's bound; nobody here waits longer than an hour. */
const WAIT_MAX_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, WAIT_MAX_MS));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Waits. Rejects with the signal's reason as soon as it is aborted. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      reject(reasonOf(signal));
    };
    const timer = clock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}

/** What a signal was aborted with, as an error. */
export function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  return reason instanceof Error ? reason : new Error("it was stopped");
}
