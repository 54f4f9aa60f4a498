/**
 * A regular file that is open, and what it was when it was opened. Several responses may share one; the last to let it
 * go closes it.
 */
import { close, constants, fstat, fstatSync, open } from "node:fs";
import type { PathLike, Stats } from "node:fs";

/** Which version of which file: two reads with the same are reads of the same bytes. */
export interface FileIdentity {
  readonly device: number;
  readonly inode: number;
  /** Milliseconds with a fraction: as fine as the file system keeps it. */
  readonly mtimeMs: number;
  readonly size: number;
}

/** Waits for nothing: opening a FIFO would. */
export const OPEN_FLAGS: number = constants.O_RDONLY | constants.O_NONBLOCK;

/** @returns the identity that a stat tells */
export function identityOf(stats: Stats): FileIdentity {
  return { device: stats.dev, inode: stats.ino, mtimeMs: stats.mtimeMs, size: stats.size };
}

/** Is it the same version of the same file? */
export function isSameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.inode === b.inode && a.device === b.device;
}

export class OpenFile {
  readonly fd: number;
  readonly identity: FileIdentity;
  #users = 1;

  /** Takes over a descriptor of a regular file. @param identity from a stat of this descriptor */
  constructor(fd: number, identity: FileIdentity) {
    this.fd = fd;
    this.identity = identity;
  }

  /** One user more; each calls `release` once. */
  retain(): this {
    this.#users++;
    return this;
  }

  release(): void {
    this.#users--;
    if (this.#users === 0) closeDescriptor(this.fd);
  }

  /** What the file is now; asks the descriptor, not the path, behind which another file may lie by now. */
  now(): FileIdentity {
    return identityOf(fstatSync(this.fd));
  }
}

/** Opens whatever is there. @returns its descriptor and what it is. Errors: the system's */
export function openDescriptor(path: PathLike, flags: number = OPEN_FLAGS): Promise<{ fd: number; stats: Stats }> {
  return new Promise((resolve, reject) => {
    open(path, flags, (error, fd) => {
      if (error === null) fstat(fd, (failure, stats) => settle(fd, stats, failure));
      else reject(error);
    });
    const settle = (fd: number, stats: Stats, failure: Error | null): void => {
      if (failure === null) return resolve({ fd, stats });
      closeDescriptor(fd);
      reject(failure);
    };
  });
}

/** Closes a descriptor that was only read from; nothing can be lost by a failure. */
export function closeDescriptor(fd: number): void {
  close(fd, () => undefined);
}
