/**
 * Prepares the place a master works in, runs it, and puts everything away: the way from a configuration to an exit
 * status. What cannot be prepared is said in one sentence with a hint.
 */
import { fstatSync, statSync } from "node:fs";
import { isatty } from "node:tty";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import type { Configuration } from "../edge/model.ts";
import { err, ok, type Result } from "../std/result.ts";
import { announce } from "./banner.ts";
import { type ExitStatus, exitStatus } from "./exit-status.ts";
import { Inbox } from "./inbox.ts";
import { Master } from "./master.ts";
import { MasterLog } from "./master-log.ts";
import { unopenableLogs } from "./open-logs.ts";
import { PidKeeper } from "./pid-file.ts";
import type { Place } from "./place.ts";
import { housed, logHint, type Plan, type Problem, runDirectoryHint, staffOf } from "./plan.ts";
import { ProcessNames } from "./process-names.ts";
import { type QuartersOptions, RunDirectory } from "./quarters.ts";
import { readAgain } from "./reload.ts";
import { removeStaleRunDirectories } from "./run-directory.ts";
import { SignalQueue } from "./signals.ts";
import { SocketTable } from "./socket-table.ts";
import { TlsKeys } from "./tls-watch.ts";

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
  /** It listens, and the pid file is written. */
  readonly hasStarted?: () => void;
  /** Gets what prevents the start. */
  readonly complain: (diagnostics: readonly Diagnostic[]) => void;
}

/** Serves until a signal ends it. */
export async function start(options: StartOptions): Promise<ExitStatus> {
  const { configuration, face, complain } = options;
  const pidFile = new PidKeeper();
  const prepared = await prepare(options, pidFile);
  if (!prepared.ok) {
    complain(prepared.error.problems.map(({ message, hint }) => error(message, hint)));
    pidFile.remove();
    return prepared.error.status;
  }
  const { place, plan } = prepared.value;
  const { log, inbox, run } = place;
  const signals = new SignalQueue(() => inbox.wake());
  let hasStarted = false;
  const master = new Master(place, signals, plan, {
    serving: (generation) => {
      const problem = pidFile.use(generation.plan.configuration.process.pid);
      if (problem !== undefined) log.log("error", "master", problem.message);
      if (hasStarted) return;
      hasStarted = true;
      if (face !== "nginx") announce(generation, place);
      options.hasStarted?.();
    },
    readAgain: (current) =>
      void readAgain(place, current).then((outcome) => inbox.add({ kind: "read-again", outcome })),
  });
  for (const warning of plan.warnings) log.log("warning", "master", warning);
  // Looking for what others left must not delay the start; it needs a turn of the event loop anyway.
  const tidying = removeStaleRunDirectories(run.path).catch((problem: unknown) => {
    log.log("debug", "master", `old run directories were not removed: ${String(problem)}`);
  });
  try {
    const status = await master.run();
    await tidying;
    if (status === exitStatus.application && log.path !== "-") {
      complain([error("the application cannot start", `the reason is in ${configuration.process.errorLogs[0]?.path}`)]);
    }
    return status;
  } finally {
    signals.close();
    place.sockets.keep([]);
    run.close();
    pidFile.remove();
    await log.close();
  }
}

interface Prepared {
  readonly place: Place;
  readonly plan: Plan;
}

interface Refusal {
  readonly problems: readonly Problem[];
  readonly status: ExitStatus;
}

async function prepare(options: StartOptions, pidFile: PidKeeper): Promise<Result<Prepared, Refusal>> {
  const { configuration, software, face } = options;
  const { umask: wantedUmask, workerProcesses: threads, pid } = configuration.process;
  const isFile = options.readAgain !== undefined;
  const refuse = (...problems: readonly Problem[]): Result<Prepared, Refusal> =>
    err({ problems, status: exitStatus.failed });
  const staff = staffOf(configuration, isFile);
  if (!staff.ok) return err({ problems: staff.error, status: exitStatus.usage });
  const owner = staff.value.identity;
  const umask = process.umask(0o077);
  process.umask(wantedUmask ?? umask);
  const log = MasterLog.open(configuration.process);
  if (!log.ok) return refuse({ message: log.error, hint: logHint });
  const [unopenable] = unopenableLogs(configuration, owner);
  if (unopenable !== undefined) return refuse({ message: unopenable, hint: logHint });
  // nginx's tools connect as soon as there is a pid file: under its face it is written when that succeeds.
  const problem = face === "nginx" ? undefined : pidFile.use(pid);
  if (problem !== undefined) return refuse(problem);
  const sockets = new SocketTable();
  const bound = { threads, umask: wantedUmask, owner, isReplaceable: isFile };
  const listeners = await sockets.bind(configuration.site.listeners, bound);
  if (!listeners.ok) return refuse(listeners.error);
  const inbox = new Inbox();
  const names = new ProcessNames();
  const run = openRunDirectory({ owner, inbox, names, log: log.value });
  const crews = run.ok ? housed(staff.value.crews, run.value) : run;
  if (!run.ok || !crews.ok) {
    sockets.keep([]);
    if (run.ok) run.value.close();
    return refuse(...[run, crews].flatMap((one) => (one.ok ? [] : [one.error])).slice(0, 1));
  }
  const place: Place = {
    software,
    face,
    readAgain: options.readAgain,
    umask,
    run: run.value,
    names,
    sockets,
    health: { peers: [] },
    found: { names: [] },
    ticketKeys: new TlsKeys(),
    log: log.value,
    inbox,
    complain: (text) => {
      if (!isStandardError(log.value.path)) process.stderr.write(`${text.trimEnd()}\n`);
    },
    isTerminalGone: terminalWatch(),
  };
  const none = (): void => undefined;
  const listening = { listeners: listeners.value, adoptLog: none, dropLog: none };
  return ok({ place, plan: { ...staff.value, crews: crews.value, configuration, ...listening } });
}

/** Does this log go where standard error goes? That of a daemon is its log. */
function isStandardError(path: string): boolean {
  const found = path.startsWith("/") ? statSync(path, { throwIfNoEntry: false }) : undefined;
  const { dev, ino } = fstatSync(2);
  return path === "-" || (found?.dev === dev && found.ino === ino);
}

/** After a hang-up the device is still open, but no terminal any more. */
function terminalWatch(): () => boolean {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  return () => terminals.length > 0 && !terminals.some((fd) => isatty(fd));
}

function openRunDirectory(options: QuartersOptions): Result<RunDirectory, Problem> {
  try {
    return ok(new RunDirectory(options));
  } catch (problem) {
    // A full or read-only disk, a directory without permission: the system's words say which.
    return err({ message: `cannot make a run directory: ${String(problem)}`, hint: runDirectoryHint });
  }
}
