/**
 * The directory of one issuer, which outlives us: account, certificates with their keys, what failed and when.
 *
 * Directories that are made here are 0700, and files 0600. A file is written beside its place, made durable and
 * renamed, so that whoever reads, even after a crash or on a full disk, finds the old file or the new one and nothing
 * else. A certificate and its key are one file, because two could not be renamed at once.
 */
import {
  closeSync, fchmodSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type Result, err, ok } from "../std/result.ts";
import { systemCode, systemReason } from "../std/system-reason.ts";

/** Chains and keys are below 20 KB; more is no file of ours. */
export const FILE_SIZE_MAX: number = 1024 * 1024;
const DIRECTORY_MODE = 0o700, FILE_MODE = 0o600;
const TEMPORARY = ".new";

export class StateDirectory {
  readonly path: string;

  /** @param path absolute */
  constructor(path: string) {
    this.path = path;
  }

  /** Where a file is. @param name without a slash, or with one: "certificates/example.org.pem" */
  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Its text; undefined where there is none. Fails with the system's reason, or where it is too large to be ours. */
  read(name: string): Result<string | undefined, string> {
    const path = this.pathOf(name);
    try {
      const { size } = statSync(path);
      if (size > FILE_SIZE_MAX) return err(`it has ${size} bytes, more than ${FILE_SIZE_MAX}`);
      return ok(readFileSync(path, "utf8"));
    } catch (problem) {
      return isMissing(problem) ? ok(undefined) : err(systemReason(problem));
    }
  }

  /** Writes a file, whole or not at all. Fails with the system's reason; then what was there is there still. */
  write(name: string, text: string): Result<void, string> {
    const path = this.pathOf(name);
    const temporary = `${path}.${process.pid}${TEMPORARY}`;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      const fd = openSync(temporary, "w", FILE_MODE);
      try {
        // A file of that name may have been left behind, with another mode.
        fchmodSync(fd, FILE_MODE);
        const bytes = Buffer.from(text);
        for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      renameSync(temporary, path);
      // The name is in the directory's own blocks.
      const directory = openSync(dirname(path), "r");
      try {
        fsyncSync(directory);
      } finally {
        closeSync(directory);
      }
      return ok(undefined);
    } catch (problem) {
      this.remove(`${name}.${process.pid}${TEMPORARY}`);
      return err(systemReason(problem));
    }
  }

  /** Moves a file that cannot be read out of the way, for somebody to look at. @returns its new name */
  setAside(name: string): string {
    const aside = `${name}.damaged`;
    try {
      renameSync(this.pathOf(name), this.pathOf(aside));
    } catch {
      // Then the next write replaces it.
      return name;
    }
    return aside;
  }

  remove(name: string): void {
    try {
      unlinkSync(this.pathOf(name));
    } catch {
      // It was not there, or is in nobody's way.
    }
  }

  /** Names of files in a directory below, with that ending, in order; without any if it is not there. */
  list(directory: string, ending: string): readonly string[] {
    try {
      return readdirSync(this.pathOf(directory)).filter((name) => name.endsWith(ending)).sort();
    } catch {
      // Made when the first file is written.
      return [];
    }
  }

  /**
   * Can something be kept here now? Writes as much as a certificate has, and takes it away.
   * @param folder a directory in it, which is there afterwards; "" for itself
   */
  probe(folder: string): Result<void, string> {
    const name = join(folder, `probe.${process.pid}`);
    const written = this.write(name, "-".repeat(PROBE_SIZE));
    this.remove(name);
    return written;
  }

  /** Can others look into it? Somebody has made it so: it may hold other things, and is left as it is. */
  get isOpen(): boolean {
    try {
      return (statSync(this.path).mode & 0o077) !== 0;
    } catch {
      // Made with the first file, for us alone.
      return false;
    }
  }
}

/** Of an RSA key of 4096 bits and a chain of four. */
const PROBE_SIZE = 16 * 1024;

function isMissing(problem: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(systemCode(problem));
}
