/**
 * What a worker is told when it starts: the application's settings in the words of docs/wire.md.
 */
import type { Config } from "../config/model.ts";
import type { StartMessage } from "./control-messages.ts";

export interface StartInput {
  readonly config: Config;
  readonly socketPath: string;
  readonly statePath: string;
  /** Where a process without pipes of its own sends what it prints. */
  readonly logSocket: string | undefined;
  /** Whom the worker becomes; undefined to stay. */
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
  readonly edgePid: number;
  readonly software: string;
}

export function startMessage(input: StartInput): StartMessage {
  const { app, process: settings } = input.config;
  return {
    type: "start",
    app: app.app,
    factory: app.factory,
    interface: app.interface,
    chdir: app.chdir,
    app_dir: app.appDir,
    pythonpath: app.pythonpath,
    threads: app.threads,
    loop: app.loop,
    lifespan: app.lifespan,
    root_path: app.rootPath,
    workers: app.workers,
    max_requests: app.maxRequests,
    max_requests_jitter: app.maxRequestsJitter,
    graceful_timeout_s: app.gracefulTimeoutMs / 1000,
    socket: input.socketPath,
    state: input.statePath,
    log: input.logSocket ?? null,
    uid: input.identity?.uid ?? null,
    gid: input.identity?.gid ?? null,
    umask: settings.umask ?? null,
    edge_pid: input.edgePid,
    software: input.software,
  };
}
