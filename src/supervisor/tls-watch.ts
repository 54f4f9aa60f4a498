/**
 * What the edge is given for TLS: contents of the files that a configuration names, which only the master may be able
 * to read, and the keys of session tickets, which outlive every edge and every reload.
 *
 * The files are looked at every few seconds. What has changed, and has been left alone since, is taken up if it is of
 * any use; what is not is said once, and the contents of before stay.
 */
import { statSync } from "node:fs";
import { isAcmeName } from "../acme/index.ts";
import type { Configuration } from "../edge/model.ts";
import {
  ROTATION_MS, type TicketKeys, type TlsFiles, type TlsSecrets, type TlsSettings, contextOptions, filesOf, makeContext,
  randomTicketKey, readTlsFiles, rotated,
} from "../tls/index.ts";
import type { MasterLog } from "./master-log.ts";

/** A certificate and its key are hardly ever written longer than this apart; a second is soon enough. */
const LOOK_MS = 1000;
/** A look at a file costs some microseconds: a thousand files are looked at every six seconds. */
const LOOK_MS_OF_EACH = 5;

/** Certificates that were got by ACME; their names are among those that settings have. */
export interface AcquiredFiles {
  /** Another map for other contents. */
  readonly files: TlsFiles;
}

/** The keys of all generations. */
export class TlsKeys {
  #keys: TicketKeys = [];
  #rotateAt = 0;

  /** @param now of `performance.now()` */
  at(now: number): TicketKeys {
    if (now < this.#rotateAt && this.#keys.length > 0) return this.#keys;
    this.#keys = this.#keys.length === 0 ? [randomTicketKey()] : rotated(this.#keys);
    this.#rotateAt = now + ROTATION_MS;
    return this.#keys;
  }
}

const NOTHING: TlsSecrets = { files: new Map(), ticketKeys: [] };

export class TlsWatch {
  readonly #settings: readonly TlsSettings[];
  readonly #paths: readonly string[];
  readonly #keys: TlsKeys;
  readonly #acquired: AcquiredFiles;
  readonly #log: MasterLog;
  #secrets: TlsSecrets = NOTHING;
  /** Of which the secrets are: from the disk, and acquired. */
  #read: TlsFiles = NOTHING.files;
  #taken: TlsFiles = NOTHING.files;
  /** The state of the files that was taken, or was of no use. */
  #known = "";
  /** That of the last look. */
  #seen = "";
  #lookAt = 0;

  constructor({ site }: Configuration, keys: TlsKeys, acquired: AcquiredFiles, log: MasterLog) {
    const used = new Set(site.listeners.filter(({ isTls }) => isTls)
      .flatMap(({ servers }) => servers.servers.map(({ server }) => site.servers[server]?.location ?? 0)));
    const settings = new Set([...used].flatMap((location) => site.locations[location]?.tls ?? []));
    this.#settings = [...settings];
    this.#paths = [...new Set(this.#settings.flatMap((one) => filesOf(one)))].filter((path) => !isAcmeName(path));
    this.#keys = keys;
    this.#acquired = acquired;
    this.#log = log;
  }

  /** What an edge is started with. @param now of `performance.now()` */
  begin(now: number): TlsSecrets {
    if (this.#settings.length === 0) return NOTHING;
    this.#known = this.#seen = this.#state();
    this.#read = readTlsFiles(this.#paths);
    this.#secrets = { files: this.#together(), ticketKeys: this.#keys.at(now) };
    this.#lookAt = now + this.#lookMs;
    return this.#secrets;
  }

  /**
   * Looks, if it is time.
   * @param isUrgent look now, and take what there is
   * @returns what has changed for the edge
   */
  look(now: number, isUrgent: boolean = false): TlsSecrets | undefined {
    const hasAcquired = this.#taken !== this.#acquired.files;
    if (this.#secrets === NOTHING || (now < this.#lookAt && !isUrgent && !hasAcquired)) return undefined;
    this.#lookAt = now + this.#lookMs;
    const before = this.#secrets;
    const ticketKeys = this.#keys.at(now);
    const state = this.#state();
    const isSettled = state === this.#seen || isUrgent;
    this.#seen = state;
    const isChanged = state !== this.#known && isSettled;
    if (isChanged) this.#known = state;
    const read = isChanged ? this.#readAgain() : this.#read;
    const isSame = read === this.#read && !hasAcquired;
    if (isSame && ticketKeys === before.ticketKeys) return undefined;
    this.#read = read;
    return (this.#secrets = { files: isSame ? before.files : this.#together(), ticketKeys });
  }

  /** Milliseconds until it is time. */
  waitMs(now: number): number {
    return this.#secrets === NOTHING ? Number.POSITIVE_INFINITY : Math.max(0, this.#lookAt - now);
  }

  get #lookMs(): number {
    return LOOK_MS + this.#paths.length * LOOK_MS_OF_EACH;
  }

  #state(): string {
    return this.#paths.map((path) => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found === undefined ? "-" : `${found.ino} ${found.size} ${found.mtimeMs}`;
    }).join();
  }

  #together(): TlsFiles {
    this.#taken = this.#acquired.files;
    return this.#taken.size === 0 ? this.#read : new Map([...this.#read, ...this.#taken]);
  }

  /** What is there now, with the contents of before where those of now are of no use. */
  #readAgain(): TlsFiles {
    const before = this.#read;
    const files = new Map(readTlsFiles(this.#paths));
    let isAnother = false;
    for (const settings of this.#settings) {
      const paths = filesOf(settings).filter((path) => !isAcmeName(path));
      if (paths.every((path) => files.get(path) === before.get(path))) continue;
      const problem = problemOf(settings, new Map([...files, ...this.#acquired.files]));
      if (problem === undefined) {
        isAnother = true;
        this.#log.log("info", "master", `certificate files have changed and are taken up: ${paths.join(", ")}`);
        continue;
      }
      for (const path of paths) {
        const text = before.get(path);
        if (text !== undefined) files.set(path, text);
      }
      this.#log.log("error", "master", `changed certificate files are not taken up, those of before stay: ${problem}`);
    }
    return isAnother ? files : before;
  }
}

function problemOf(settings: TlsSettings, files: TlsFiles): string | undefined {
  const missing = filesOf(settings).find((path) => !files.has(path));
  // What is still to be acquired is no mistake of whoever has changed the others.
  if (missing !== undefined) return isAcmeName(missing) ? undefined : `cannot read "${missing}"`;
  const options = contextOptions(settings, files);
  if (!options.ok) return options.error.nginx;
  const made = makeContext(settings, options.value);
  return made.ok ? undefined : made.error.nginx;
}
