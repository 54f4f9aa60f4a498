/**
 * Prepares the place a master works in, runs it, and puts everything away: the way from a configuration to an exit
 * status. What cannot be prepared is said in one sentence with a hint.
 */
import { join } from "node:path";
import { isatty } from "node:tty";
import { findInterpreter } from "./interpreter.ts";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import type { Configuration } from "../edge/model.ts";
import { ErrorLog, wantsColors } from "../observe/index.ts";
import { err, ok, type Result } from "../std/result.ts";
import { ControlServer } from "./control-server.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { type Identity, identityOf } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { SpawnLauncher } from "./launcher.ts";
import { Master } from "./master.ts";
import { LogServer } from "./log-server.ts";
import { type PidFile, writePidFile } from "./pid-file.ts";
import type { Place } from "./place.ts";
import { PreloadLauncher } from "./preload-launcher.ts";
import { makeRunDirectory, removeRunDirectory, removeStaleRunDirectories } from "./run-directory.ts";
import { SignalQueue } from "./signals.ts";
import { bindAll, type BoundListener } from "./sockets.ts";

export interface StartOptions {
  readonly configuration: Configuration;
  /** "tricorn/0.1.0". */
  readonly software: string;
  /** Whose signals are obeyed, and when the pid file is written: docs/signals.md. */
  readonly face: "tricorn" | "nginx";
  /**
   * Reads the configuration again, for HUP. The error is the text that says why it is refused, as people read it; it
   * has not been printed. Undefined where there is no file: HUP replaces the workers.
   */
  readonly readAgain: (() => Promise<Result<Configuration, string>>) | undefined;
  /** Gets what prevents the start. */
  readonly complain: (diagnostics: readonly Diagnostic[]) => void;
}

/** Serves until a signal ends it. */
export async function start({ config, software, complain }: StartOptions): Promise<ExitStatus> {
  const prepared = await prepare(config, software);
  if (!prepared.ok) {
    complain([prepared.error.diagnostic]);
    return prepared.error.status;
  }
  const { place, pidFile, servers } = prepared.value;
  const signals = new SignalQueue(() => place.inbox.wake());
  const Launcher = config.app.preload ? PreloadLauncher : SpawnLauncher;
  const master = new Master(place, signals, (edgePid) => new Launcher(place, edgePid));
  // Looking for what others left must not delay the start; it needs a turn of the event loop anyway.
  const tidying = removeStaleRunDirectories(place.runDirectory).catch((problem: unknown) => {
    place.log.log("debug", "master", `old run directories were not removed: ${String(problem)}`);
  });
  try {
    const status = await master.run();
    await tidying;
    if (status === exitStatus.application && config.log.errorLog !== "-") {
      complain([error("the application cannot start", `the reason is in ${config.log.errorLog}`)]);
    }
    return status;
  } finally {
    signals.close();
    for (const server of servers) server.close();
    for (const listener of place.listeners) listener.close();
    removeRunDirectory(place.runDirectory);
    pidFile?.remove();
    await place.log.close();
  }
}

interface Prepared {
  readonly place: Place;
  /** The sockets in the run directory. */
  readonly servers: readonly { close(): void }[];
  readonly pidFile: PidFile | undefined;
}

interface Refusal {
  readonly diagnostic: Diagnostic;
  readonly status: ExitStatus;
}

function refusal(
  problem: { readonly message: string; readonly hint: string | undefined },
  status: ExitStatus,
): Refusal {
  return { diagnostic: error(problem.message, problem.hint), status };
}

async function prepare(config: Config, software: string): Promise<Result<Prepared, Refusal>> {
  const identity = identityOf(config.process);
  if (!identity.ok) return err(refusal(identity.error, exitStatus.usage));
  const owner = identity.value;
  const { app } = config;
  const found = findInterpreter({ python: app.python, chdir: app.chdir, environment: process.env });
  if (!found.ok) return err(refusal(found.error, exitStatus.usage));
  if (config.process.umask !== undefined) process.umask(config.process.umask);
  const isTerminal = config.log.errorLog === "-" && process.stderr.isTTY === true;
  const useColors = wantsColors(config.log.useColors, isTerminal, process.env);
  const log = openLog(config, useColors);
  if (!log.ok) return err(refusal(log.error, exitStatus.failed));
  const pidFile = config.process.pid === undefined ? ok(undefined) : writePidFile(config.process.pid);
  if (!pidFile.ok) return err(refusal(pidFile.error, exitStatus.failed));
  const { workerProcesses, umask, binds } = config.process;
  const listeners = await bindAll(binds, { threads: workerProcesses, umask, owner });
  if (!listeners.ok) {
    pidFile.value?.remove();
    return err(refusal(listeners.error, exitStatus.failed));
  }
  const inbox = new Inbox();
  const directory = openRunDirectory({ owner, inbox, log: log.value, preload: app.preload });
  if (!directory.ok) {
    putAway(listeners.value, pidFile.value);
    return err(refusal(directory.error, exitStatus.failed));
  }
  const { runDirectory, servers } = directory.value;
  const place: Place = {
    config,
    software,
    runDirectory,
    controlSocket: join(runDirectory, "control.sock"),
    logSocket: join(runDirectory, "log.sock"),
    interpreter: found.value.path,
    found: found.value,
    listeners: listeners.value,
    identity: owner,
    log: log.value,
    inbox,
    useColors,
    isTerminalGone: terminalWatch(),
  };
  return ok({ place, servers, pidFile: pidFile.value });
}

/** After a hang-up the device is still open, but no terminal any more. */
function terminalWatch(): () => boolean {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  return () => terminals.length > 0 && !terminals.some((fd) => isatty(fd));
}

type Problem = { readonly message: string; readonly hint: string | undefined };

function openLog({ log }: Config, useColors: boolean): Result<ErrorLog, Problem> {
  try {
    return ok(new ErrorLog({ path: log.errorLog, level: log.level, useColors }));
  } catch (problem) {
    // Whatever the system's reason: there is no log to write to.
    return err({
      message: `--error-logfile: cannot open ${log.errorLog}: ${String(problem)}`,
      hint: "does its directory exist?",
    });
  }
}

interface RunDirectoryOptions {
  readonly owner: Identity | undefined;
  readonly inbox: Inbox;
  readonly log: ErrorLog;
  readonly preload: boolean;
}

function openRunDirectory({
  owner,
  inbox,
  log,
  preload,
}: RunDirectoryOptions): Result<{ readonly runDirectory: string; readonly servers: Prepared["servers"] }, Problem> {
  try {
    const runDirectory = makeRunDirectory(owner);
    const control = new ControlServer(join(runDirectory, "control.sock"), owner, {
      hello: (hello, connection) => inbox.add({ kind: "hello", hello, connection }),
      report: (name, report) => inbox.add({ kind: "report", name, report }),
      closed: (name) => inbox.add({ kind: "closed", name }),
      violation: (name, reason) => inbox.add({ kind: "violation", name, reason }),
    });
    const servers = preload ? [control, new LogServer(join(runDirectory, "log.sock"), owner, log)] : [control];
    return ok({ runDirectory, servers });
  } catch (problem) {
    // A full or read-only disk, a directory without permission: the system's words say which.
    return err({
      message: `cannot make a run directory: ${String(problem)}`,
      hint: "set TMPDIR to a directory that can be written to",
    });
  }
}

function putAway(listeners: readonly BoundListener[], pidFile: PidFile | undefined): void {
  for (const listener of listeners) listener.close();
  pidFile?.remove();
}
