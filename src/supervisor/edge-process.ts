/**
 * The edge as the master sees it: one child process that holds all traffic, told what to do over Node's IPC.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { EdgeCommand, EdgeReport } from "../edge/index.ts";
import type { Inbox } from "./inbox.ts";
import { type HeldListener, shareOut } from "./socket-table.ts";

/** src/edge/main.ts in a checkout, dist/edge/main.js in a package. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const entry = fileURLToPath(new URL(`../edge/main${extension}`, import.meta.url));
/** 0 to 2 are the standard streams, 3 is the IPC channel. */
const firstListenerFd = 4;

/** What it is told first, and how its process is started. */
export interface EdgeStart extends Omit<Extract<EdgeCommand, { readonly kind: "start" }>, "kind" | "listeners"> {
  readonly listeners: readonly HeldListener[];
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
  readonly inbox: Inbox;
  /** Under the system's usual scheduling: where the other one is forbidden, chrt ends and no edge ever starts. */
  readonly isPlain: boolean;
}

/** Where Linux distributions put util-linux's chrt. */
const chrtPaths = ["/usr/bin/chrt", "/bin/chrt"];

/**
 * The words that start a program under SCHED_BATCH: a wake-up does not interrupt whoever runs on its processor, and on
 * an idle processor it starts at once. So a worker that sends an answer goes on with the next request, and the edge
 * finds several answers instead of one. Nothing without chrt, which is no fault: the edge is only woken more often.
 */
function patiently(): readonly string[] {
  const chrt = chrtPaths.find((path) => existsSync(path));
  return chrt === undefined ? [] : [chrt, "--batch", "0"];
}

export class EdgeProcess {
  readonly startedAt: number = performance.now();
  readonly #child: ChildProcess;

  /** Spawns it and tells it to start; what becomes of it arrives in the inbox. */
  constructor(start: EdgeStart) {
    const { configuration, listeners, identity, inbox, isPlain } = start;
    const { runDirectory, bodyDirectories, healthyBefore, foundBefore, tls, challenges } = start;
    const { workerProcesses } = configuration.process;
    // Each thread closes what it was given, so a socket that two of them share is handed over twice.
    const fds: number[] = [];
    const inherited = listeners.map((held) => ({
      listener: held.listener,
      address: held.address,
      fds: shareOut(held.fds, workerProcesses).map((own) => own.map((fd) => firstListenerFd + fds.push(fd) - 1)),
    }));
    const [command, ...prefix] = [...(isPlain ? [] : patiently()), process.execPath];
    // node:ffi, with which files are sent, needs no flag where Node has it; the launcher's flags come first.
    this.#child = spawn(command ?? process.execPath, [...prefix, ...process.execArgv, entry], {
      stdio: ["ignore", "inherit", "inherit", "ipc", ...fds],
      // What is shared in the configuration stays shared, and its maps and sets arrive as such.
      serialization: "advanced",
      // A session of its own: Ctrl-C in a terminal reaches the master alone, which then drains the edge.
      detached: true,
      ...(identity && { uid: identity.uid, gid: identity.gid }),
    });
    const pid = this.#child.pid;
    this.#child.on("message", (report) => {
      // Our own process on a private channel; the type is the contract in edge/messages.ts.
      inbox.add({ kind: "edge-report", pid, report: report as EdgeReport });
    });
    this.#child.on("exit", (code, signal) => {
      inbox.add({ kind: "edge-exit", pid, exit: { code: code ?? undefined, signal: signal ?? undefined } });
    });
    this.#child.on("error", (error) => {
      // Also raised for a message that cannot be sent: then the exit follows.
      if (pid !== undefined) return;
      inbox.add({ kind: "edge-exit", pid, exit: { code: undefined, signal: undefined, unstarted: error.message } });
    });
    const before = { healthyBefore, foundBefore, tls, challenges };
    this.send({ kind: "start", configuration, listeners: inherited, runDirectory, bodyDirectories, ...before });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Says it, or nothing if the process is gone: its exit is in the inbox or on its way. */
  send(command: EdgeCommand): void {
    if (this.#child.connected) this.#child.send(command, () => undefined);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
