/**
 * proxy_store: a copy of a response as a file, which is there whole or not at all. It is written beside its place and
 * renamed when the response has ended; what was begun and broke off is removed.
 */
import { chmod, mkdir, rename, utimes } from "node:fs/promises";
import { dirname } from "node:path";
import { parseHttpDate } from "../http/date.ts";
import { type FieldLine, fieldValue } from "../http/response-head.ts";
import { Spool, removeFile } from "../net/index.ts";
import { NO_BYTES, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

export interface StoredCopyOptions {
  readonly path: string;
  /** Of the file; directories that are made get the same, and may be entered by whoever may read. */
  readonly access: number;
  /** Fields of the response: the file is as old as Last-Modified says. */
  readonly lines: readonly FieldLine[];
  /** Something for the error log. */
  readonly notice: (text: string) => void;
}

let count = 0;

export class StoredCopy {
  readonly #options: StoredCopyOptions;
  readonly #spool: Promise<Spool | undefined>;
  #hasFailed = false;

  constructor(options: StoredCopyOptions) {
    this.#options = options;
    this.#spool = this.#open();
  }

  /** @param taken called once the bytes, a view, are written, or never will be */
  write(bytes: Bytes, taken: () => void): void {
    const copy = copyBytes(bytes);
    void this.#spool.then(async (spool) => {
      if (!this.#hasFailed) await spool?.append(copy).catch((error: unknown) => this.#fail(error));
      taken();
    });
  }

  /** The response is whole. */
  async complete(): Promise<void> {
    const spool = await this.#spool;
    await spool?.settled();
    await spool?.close(this.#hasFailed);
    if (spool === undefined || this.#hasFailed) return;
    const { path, access, lines } = this.#options;
    const modifiedS = parseHttpDate(fieldValue(lines, "last-modified") ?? "");
    try {
      await chmod(spool.path, access);
      if (modifiedS !== undefined) await utimes(spool.path, new Date(), new Date(modifiedS * 1000));
      await rename(spool.path, path);
    } catch (error) {
      this.#fail(error);
      removeFile(spool.path);
    }
  }

  /** The response broke off, or nobody wants it. */
  drop(): void {
    this.#hasFailed = true;
    void this.#spool.then((spool) => spool?.close(true));
  }

  async #open(): Promise<Spool | undefined> {
    const { path, access } = this.#options;
    try {
      await mkdir(dirname(path), { recursive: true, mode: access | ((access & 0o444) >> 2) });
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
    const spool = new Spool(`${path}.${process.pid}-${++count}.tmp`, true);
    // A response may have no body; its file is there all the same.
    spool.append(NO_BYTES).catch((error: unknown) => this.#fail(error));
    return spool;
  }

  #fail(error: unknown): void {
    if (!this.#hasFailed) this.#options.notice(`a response could not be stored: ${String(error)}`);
    this.#hasFailed = true;
  }
}
