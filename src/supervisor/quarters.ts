/**
 * Where processes find each other: the run directory with the sockets of the master, and a directory in it for the
 * workers of each application that runs as somebody else than the edge.
 *
 * Such a directory belongs to the edge's user and the workers' group, and nobody else may enter it; what is made in it
 * has that group (setgid). Layout in docs/wire.md.
 */
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ControlServer } from "./control-server.ts";
import type { Identity } from "./identity.ts";
import type { Inbox } from "./inbox.ts";
import { outputSink } from "./launcher.ts";
import { LogServer } from "./log-server.ts";
import type { Log } from "./master-log.ts";
import type { House, Quarters } from "./plan.ts";
import type { ProcessNames } from "./process-names.ts";
import { makeRunDirectory, removeRunDirectory } from "./run-directory.ts";

export interface QuartersOptions {
  /** Who the edge is; undefined: as this process. */
  readonly owner: Identity | undefined;
  readonly inbox: Inbox;
  readonly names: ProcessNames;
  readonly log: Log;
}

/** Others may pass through to their own directory, and see nothing. */
const passableMode = 0o711;
const sharedMode = 0o2770;

export class RunDirectory implements House {
  readonly path: string;
  readonly #options: QuartersOptions;
  readonly #own: Quarters;
  readonly #guests: Map<string, Quarters> = new Map();
  readonly #servers: { close(): void }[] = [];

  /** Makes it, and listens in it. Throws the system's error. */
  constructor(options: QuartersOptions) {
    this.#options = options;
    this.path = makeRunDirectory(options.owner);
    this.#own = this.#open(this.path, options.owner);
  }

  /** The quarters of workers who are this; made when they are first asked for. Throws the system's error. */
  of(identity: Identity | undefined): Quarters {
    const { owner } = this.#options;
    const [edge, guest] = [withDefaults(owner), withDefaults(identity)];
    if (guest.uid === edge.uid && guest.gid === edge.gid) return this.#own;
    const key = `${guest.uid} ${guest.gid}`;
    const known = this.#guests.get(key);
    if (known !== undefined) return known;
    const directory = join(this.path, String(this.#guests.size + 1));
    mkdirSync(directory, { mode: 0o700 });
    const shared = { uid: edge.uid, gid: guest.gid };
    chownSync(directory, shared.uid, shared.gid);
    chmodSync(directory, sharedMode);
    chmodSync(this.path, passableMode);
    const quarters = this.#open(directory, shared);
    this.#guests.set(key, quarters);
    return quarters;
  }

  /** Removes it with all that is in it. */
  close(): void {
    for (const server of this.#servers) server.close();
    removeRunDirectory(this.path);
  }

  #open(directory: string, owner: Identity | undefined): Quarters {
    const { inbox, names, log } = this.#options;
    const [controlSocket, logSocket] = [join(directory, "control.sock"), join(directory, "log.sock")];
    const control = new ControlServer(controlSocket, owner, {
      hello: (hello, connection) => inbox.add({ kind: "hello", hello, connection }),
      report: (name, report) => inbox.add({ kind: "report", name, report }),
      closed: (name) => inbox.add({ kind: "closed", name }),
      violation: (name, reason) => inbox.add({ kind: "violation", name, reason }),
    });
    const lines = new LogServer(logSocket, owner, {
      sinkOf: (name) => outputSink(names.titleOf(name), log),
      failed: (problem) => log.log("error", "master", problem),
    });
    for (const path of [controlSocket, logSocket]) chmodSync(path, 0o660);
    this.#servers.push(control, lines);
    return { directory, controlSocket, logSocket };
  }
}

function withDefaults(identity: Identity | undefined): Identity {
  return identity ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}
