/**
 * Files by path: opened, read if they are small, and kept while that is right.
 *
 * With open_file_cache everything that was found is kept, and believed for `validMs`. Without it only small files are,
 * and each is compared with the file system in every turn of the event loop in which it is asked for: all requests of
 * a turn were sent before the comparison, so nobody sees a file as it no longer is, and a busy file costs one stat for
 * many requests. A file that was changed a moment ago is not kept: the next change might not show in its time.
 *
 * Invariant: an entry that is kept is in the map under its path; one that is dropped is in no map, and its descriptor
 * is closed when the last response has let it go.
 */
import { read, statSync } from "node:fs";
import type { Stats } from "node:fs";
import { OpenFile, closeDescriptor, identityOf, isSameFile } from "../../net/index.ts";
import { allocate } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { systemCode } from "../../std/system-reason.ts";
import { FileEntry, findingOf } from "./file-entry.ts";
import type { FileFinding } from "./file-entry.ts";
import type { FileMemory } from "./file-memory.ts";
import { systemPath } from "./file-path.ts";
import type { OpenFileCacheSettings, SymlinkSettings } from "./settings.ts";
import { openChecked } from "./symlinks.ts";

/** Ten ticks of a kernel's clock of 100 Hz, which file systems take their times from. */
const SETTLE_MS = 100;
/** Of an entry that was not compared since it was loaded, which took several turns. */
const NO_TURN = -1;
/** Entries that one new entry may push out, or find unused. */
const SWEEP_COUNT = 8;

/** "executable" is a regular file that may be executed, "other" a socket, device or the like. */
export type FileKind = "none" | "file" | "executable" | "directory" | "other";

export interface FileCacheOptions {
  /** open_file_cache; undefined: off. */
  readonly openFileCache: OpenFileCacheSettings | undefined;
  readonly symlinks: SymlinkSettings;
  readonly memory: FileMemory;
  /** Monotonic milliseconds, exact to a tick. */
  readonly clock: { readonly coarseMs: number };
}

interface Loading {
  readonly turn: number;
  readonly entry: Promise<FileEntry>;
}

export class FileCache {
  readonly #options: FileCacheOptions;
  readonly #entries = new Map<string, FileEntry>();
  readonly #loading = new Map<string, Loading>();
  #turn = 0;
  #turnEnds = false;

  constructor(options: FileCacheOptions) {
    this.#options = options;
  }

  /** Entries that are kept. */
  get count(): number {
    return this.#entries.size;
  }

  /** What is at a path; at once if that is known. Errors: none, an entry of kind "error" says what the system said. */
  find(path: string): FileEntry | Promise<FileEntry> {
    const entry = this.#entries.get(path);
    if (entry !== undefined && this.isCurrent(entry)) return entry;
    const loading = this.#loading.get(path);
    const turn = this.#currentTurn();
    // What was begun in another turn may show what this request must no longer see.
    const mayJoin = loading !== undefined && (loading.turn === turn || this.#options.openFileCache !== undefined);
    if (mayJoin) return loading.entry;
    const started: Loading = { turn, entry: this.#load(path, entry?.uses ?? 0) };
    this.#loading.set(path, started);
    void started.entry.then(() => {
      if (this.#loading.get(path) === started) this.#loading.delete(path);
    });
    return started.entry;
  }

  /** May a request that has come now be answered with this entry? Compares it with the file system when that is due. */
  isCurrent(entry: FileEntry): boolean {
    if (!entry.kept) return false;
    const { openFileCache, clock } = this.#options;
    const nowMs = clock.coarseMs;
    if (openFileCache === undefined) {
      if (entry.checkedTurn !== this.#turn && !this.#compare(entry, nowMs)) return false;
    } else if (nowMs - entry.checkedMs > openFileCache.validMs && !this.#compare(entry, nowMs)) {
      return false;
    }
    entry.uses++;
    entry.usedMs = nowMs;
    return true;
  }

  /** For try_files: what is there, without opening it. */
  kindOf(path: string): FileKind {
    const entry = this.#entries.get(path);
    if (entry !== undefined && this.isCurrent(entry)) return kindOfEntry(entry);
    try {
      const stats = statSync(systemPath(path), { throwIfNoEntry: false });
      return stats === undefined ? "none" : kindOfStats(stats);
    } catch {
      // EACCES, ENOTDIR, ENAMETOOLONG: for whoever asks, nothing is there.
      return "none";
    }
  }

  /** Forgets everything, e.g. before a new configuration takes its place. */
  clear(): void {
    for (const entry of this.#entries.values()) this.#drop(entry);
  }

  #compare(entry: FileEntry, nowMs: number): boolean {
    if (this.#options.symlinks.mode !== "off" || !entry.found.settled || !isUnchanged(entry)) {
      this.#drop(entry);
      return false;
    }
    entry.checkedMs = nowMs;
    entry.checkedTurn = this.#currentTurn();
    return true;
  }

  /** The number of this turn, which is another one after the event loop has looked at all sockets. */
  #currentTurn(): number {
    if (!this.#turnEnds) {
      this.#turnEnds = true;
      setImmediate(() => {
        this.#turn++;
        this.#turnEnds = false;
      });
    }
    return this.#turn;
  }

  async #load(path: string, uses: number): Promise<FileEntry> {
    const found = await this.#open(path);
    const entry = new FileEntry(path, found, this.#options.clock.coarseMs, NO_TURN, uses + 1);
    const { file } = found;
    // Who waited for it retains it now, and the cache has done so; then nobody holds it for the load.
    if (file !== undefined) setImmediate(() => file.release());
    this.#keep(entry);
    return entry;
  }

  async #open(path: string): Promise<FileFinding> {
    let fd: number;
    let stats: Stats;
    try {
      ({ fd, stats } = await openChecked(path, this.#options.symlinks));
    } catch (error) {
      return findingOf("error", systemCode(error));
    }
    if (!stats.isFile()) {
      closeDescriptor(fd);
      return findingOf(stats.isDirectory() ? "directory" : "other", "");
    }
    const identity = identityOf(stats);
    const file = new OpenFile(fd, identity);
    const settled = Math.abs(Date.now() - stats.mtimeMs) > SETTLE_MS;
    const finding = { kind: "file", code: "", identity, executable: isExecutable(stats), settled } as const;
    if (!this.#options.memory.isSmall(stats.size)) return { ...finding, bytes: undefined, file };
    try {
      const bytes = await readWhole(file);
      // One that changes all the time is sent from its descriptor, which looks again.
      if (bytes === undefined) return { ...finding, bytes, file: file.retain() };
      return { ...finding, bytes, file: undefined };
    } catch (error) {
      return findingOf("error", systemCode(error));
    } finally {
      file.release();
    }
  }

  #keep(entry: FileEntry): void {
    const { openFileCache, memory } = this.#options;
    const { kind, bytes, file, settled } = entry.found;
    const before = this.#entries.get(entry.path);
    if (before !== undefined) this.#drop(before);
    this.#sweep();
    if (openFileCache === undefined) {
      if (bytes === undefined || !settled) return;
    } else if (kind === "error" && !openFileCache.errors) {
      return;
    }
    // A path that is asked for too rarely is only counted.
    if (entry.uses < (openFileCache?.minUses ?? 1)) {
      const counted = new FileEntry(entry.path, findingOf("other", ""), entry.usedMs, NO_TURN, entry.uses);
      if (this.#hasRoom(0)) this.#entries.set(entry.path, counted);
      return;
    }
    const size = bytes?.length ?? 0;
    for (let swept = 0; swept < SWEEP_COUNT && !this.#hasRoom(size); swept++) this.#pushOut();
    if (!this.#hasRoom(size)) return;
    if (bytes !== undefined) {
      memory.take(size);
      entry.inMemory = true;
    }
    file?.retain();
    entry.kept = true;
    this.#entries.set(entry.path, entry);
  }

  #hasRoom(size: number): boolean {
    const { openFileCache, memory } = this.#options;
    return this.#entries.size < (openFileCache?.max ?? Number.POSITIVE_INFINITY) && memory.hasRoom(size);
  }

  /** Forgets the entry that has waited longest, unless it was used meanwhile: then it waits again. */
  #pushOut(): void {
    for (const entry of this.#entries.values()) {
      if (entry.usedMs <= entry.queuedMs) return this.#drop(entry);
      this.#entries.delete(entry.path);
      entry.queuedMs = entry.usedMs;
      this.#entries.set(entry.path, entry);
      return;
    }
  }

  /** nginx, too, looks at one or two of the oldest when something new comes. */
  #sweep(): void {
    const { openFileCache, clock } = this.#options;
    if (openFileCache === undefined) return;
    let looked = 0;
    for (const entry of this.#entries.values()) {
      if (looked++ === 2) return;
      if (clock.coarseMs - entry.usedMs > openFileCache.inactiveMs) this.#drop(entry);
    }
  }

  #drop(entry: FileEntry): void {
    if (this.#entries.get(entry.path) !== entry) return;
    this.#entries.delete(entry.path);
    if (entry.inMemory) this.#options.memory.give(entry.found.bytes?.length ?? 0);
    if (entry.kept) entry.found.file?.release();
    entry.inMemory = entry.kept = false;
  }
}

/** A stat of the path: another file may lie there by now. */
function isUnchanged({ path, found }: FileEntry): boolean {
  if (found.kind === "error") return false;
  try {
    const stats = statSync(systemPath(path), { throwIfNoEntry: false });
    if (stats === undefined) return false;
    if (found.kind === "directory") return stats.isDirectory();
    return stats.isFile() && isSameFile(found.identity, identityOf(stats));
  } catch {
    // It can no longer be reached; opening it will say why.
    return false;
  }
}

/** @returns the file's bytes, undefined when it changed meanwhile. Errors: the system's */
async function readWhole(file: OpenFile): Promise<Bytes | undefined> {
  const { size } = file.identity;
  const bytes = allocate(size);
  let at = 0;
  while (at < size) {
    const count = await readSome(file.fd, bytes, at);
    if (count === 0) return undefined;
    at += count;
  }
  return isSameFile(file.identity, file.now()) ? bytes : undefined;
}

/** Fills `bytes` from `at` on with what the file has there. @returns how many bytes came */
function readSome(fd: number, bytes: Bytes, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, bytes, at, bytes.length - at, at, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function kindOfEntry({ found }: FileEntry): FileKind {
  if (found.kind === "error") return "none";
  return found.kind === "file" && found.executable ? "executable" : found.kind;
}

function kindOfStats(stats: Stats): FileKind {
  if (stats.isFile()) return isExecutable(stats) ? "executable" : "file";
  return stats.isDirectory() ? "directory" : "other";
}

/** nginx asks for the owner's bit, whoever it runs as. */
function isExecutable(stats: Stats): boolean {
  return (stats.mode & 0o100) !== 0;
}
