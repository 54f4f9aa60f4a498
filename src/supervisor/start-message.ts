/**
 * What a worker is told when it starts: the application's settings in the words of docs/wire.md.
 */
import type { StartMessage } from "./control-messages.ts";
import type { PoolSettings } from "./pool-settings.ts";

export interface StartInput {
  readonly socketPath: string;
  readonly statePath: string;
  /** Where a process without pipes of its own sends what it prints. */
  readonly logSocket: string | undefined;
  readonly edgePid: number;
}

export function startMessage({ app, umask, identity, software }: PoolSettings, input: StartInput): StartMessage {
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
    uid: identity?.uid ?? null,
    gid: identity?.gid ?? null,
    umask: umask ?? null,
    edge_pid: input.edgePid,
    software,
  };
}
