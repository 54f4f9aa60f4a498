/** Part of a regular file as a sequence of chunks, read ahead by nobody: memory is one chunk. */
import { constants, open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { allocate } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

const CHUNK_SIZE = 65_536;

export class FileSource {
  readonly #file: FileHandle;
  #position: number;
  #left: number;
  /** Bytes that will come, at most: the part as it was when opened. */
  readonly size: number;

  private constructor(file: FileHandle, position: number, size: number) {
    this.#file = file;
    this.#position = position;
    this.#left = this.size = size;
  }

  /**
   * Opens a part of a file for reading. Only regular files: a FIFO or a device would hang or never end.
   * @param offset first byte; @param count bytes, −1 for all that follow
   * Errors: the system's (ENOENT, EACCES…), or an Error when it is not a regular file.
   */
  static async open(path: string, offset: number, count: number): Promise<FileSource> {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Error(`${path} is not a regular file`);
      const available = Math.max(0, stat.size - offset);
      return new FileSource(file, offset, count < 0 ? available : Math.min(count, available));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The next chunk, undefined after the last; also undefined when the file has become shorter. */
  async read(): Promise<Bytes | undefined> {
    if (this.#left === 0) return undefined;
    const chunk = allocate(Math.min(CHUNK_SIZE, this.#left));
    const { bytesRead, buffer } = await this.#file.read(chunk, { position: this.#position });
    if (bytesRead === 0) return undefined;
    this.#position += bytesRead;
    this.#left -= bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
