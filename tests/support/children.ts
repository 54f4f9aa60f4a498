// Processes that tests start: whatever becomes of the test, they end with it.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";

const stopTimeoutMs = 10_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
process.once("SIGTERM", () => process.exit(143));

/** To be called with what was just spawned. @returns it */
export function started<Child extends ChildProcess>(child: Child): Child {
  // One that could not be started says "error", and never "exit".
  if (child.pid === undefined) return child;
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Is it there? */
export function isRunning(child: ChildProcess): boolean {
  return running.has(child);
}

/**
 * Ends it, with TERM and, if it does not listen, KILL.
 * @param hurry a second signal, for those who let requests end after the first
 */
export async function end(
  child: ChildProcess, hurry?: { readonly signal: NodeJS.Signals; readonly afterMs: number },
): Promise<void> {
  if (!running.has(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  const timers = [setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs)];
  if (hurry !== undefined) timers.push(setTimeout(() => child.kill(hurry.signal), hurry.afterMs));
  await exited;
  for (const timer of timers) clearTimeout(timer);
}

/** kill -9 */
export async function kill(child: ChildProcess): Promise<void> {
  if (!running.has(child)) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

/** Does somebody listen there: at a port of 127.0.0.1, or at the path of a Unix socket? */
export function isOpen(where: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof where === "number" ? connect(where, "127.0.0.1") : connect(where);
    socket.once("error", () => resolve(false)).once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
