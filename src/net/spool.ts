/**
 * Bytes that wait for somebody slow: a file that is written at its end and read from its start.
 *
 * Made when it is first needed, unlinked at once where only we read it, removed with the run directory
 * otherwise. Writes are queued one behind the other, and whoever feeds the spool waits for `append` to resolve
 * before it asks for more.
 */
import { linkSync, unlink as unlinkNow } from "node:fs";
import { open, unlink } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { allocate } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

const READ_SIZE = 65_536;

export class Spool {
  readonly path: string;
  readonly #keep: boolean;
  #file: Promise<FileHandle> | undefined = undefined;
  #last: Promise<void> = Promise.resolve();
  #writePosition = 0;
  #readPosition = 0;
  #closed = false;

  /** @param path a name in the run directory that nobody else uses; @param keep leave the name for another process */
  constructor(path: string, keep: boolean) {
    this.path = path;
    this.#keep = keep;
  }

  /** Bytes given to `append` so far. */
  get size(): number {
    return this.#writePosition;
  }

  /** Bytes not read yet. */
  get unreadSize(): number {
    return this.#writePosition - this.#readPosition;
  }

  /** Writes bytes at the end; they must not change until it resolves. Errors: the system's, ENOSPC above all. */
  append(bytes: Bytes): Promise<void> {
    const position = this.#writePosition;
    this.#writePosition += bytes.length;
    const written = this.#last.then(() => this.#write(bytes, position));
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** The last `append` failed: its bytes are not in the file. */
  forgetLast(size: number): void {
    this.#writePosition -= size;
  }

  /** Reads the next bytes that were written; undefined when there are none. */
  async read(): Promise<Bytes | undefined> {
    await this.#last;
    const size = Math.min(READ_SIZE, this.unreadSize);
    if (size === 0 || this.#closed) return undefined;
    const file = await this.#open();
    const { bytesRead, buffer } = await file.read(allocate(size), { position: this.#readPosition });
    if (bytesRead === 0) return undefined;
    this.#readPosition += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  /** Resolves when all that was appended is in the file. Errors: none; a failed append was told to its caller. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Forgets the file. @param remove also its name, if it still has one */
  async close(remove: boolean): Promise<void> {
    this.#closed = true;
    await this.#last;
    if (this.#file === undefined) return;
    try {
      await (await this.#file).close();
      if (remove && this.#keep) await unlink(this.path);
    } catch {
      // The file was never made, or its reader removed it first: nothing is left to forget.
    }
  }

  async #write(bytes: Bytes, position: number): Promise<void> {
    if (this.#closed) return;
    const file = await this.#open();
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }

  #open(): Promise<FileHandle> {
    this.#file ??= open(this.path, "wx+", 0o600).then(async (file) => {
      // The workers of an application may be somebody else, with the directory's group.
      if (this.#keep) await file.chmod(0o640);
      else await unlink(this.path);
      return file;
    });
    return this.#file;
  }
}

/** Gives a file a second name, in the same file system. @returns false when that cannot be */
export function secondName(path: string, name: string): boolean {
  try {
    linkSync(path, name);
    return true;
  } catch {
    // Whoever had the file under its first name has removed it.
    return false;
  }
}

/** Takes a name away, if it is still there. */
export function removeFile(path: string): void {
  unlinkNow(path, () => undefined);
}
