/**
 * The pid file: made so that two masters cannot both own it, removed only by the one whose number is in it.
 */
import { linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { err, ok, type Result } from "../std/result.ts";
import { systemCode } from "../std/system-reason.ts";

export interface PidFile {
  readonly path: string;
  /** Removes it, if it is still ours. */
  remove(): void;
}

export interface PidFileFailure {
  readonly message: string;
  readonly hint: string | undefined;
}

/** The pid file of a master, over all its configurations. */
export class PidKeeper {
  #file: PidFile | undefined;

  /** Writes the one that is wanted now, and removes another one of before. @returns what prevents it */
  use(path: string | undefined): PidFileFailure | undefined {
    if (path === this.#file?.path) return undefined;
    const written = path === undefined ? ok(undefined) : writePidFile(path);
    if (!written.ok) return written.error;
    this.remove();
    this.#file = written.value;
    return undefined;
  }

  remove(): void {
    this.#file?.remove();
    this.#file = undefined;
  }
}

/** Writes this process's id to `path`; a file that a dead process left is replaced. */
export function writePidFile(path: string): Result<PidFile, PidFileFailure> {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, `${process.pid}\n`, { flag: "wx", mode: 0o644 });
  } catch (error) {
    return err({
      message: `cannot write the pid file ${path}: ${reasonOf(error)}`,
      hint: "name a path in a directory that this user may write to",
    });
  }
  try {
    // A link is made whole or not at all: nobody ever reads an empty file, and only one of two starters succeeds.
    for (let attempt = 0; attempt < 3; attempt++) {
      if (tryLink(temporary, path)) return ok({ path, remove: () => removeOwn(path) });
      const holder = readPid(path);
      if (holder !== undefined && holder !== process.pid && isAlive(holder)) {
        return err({
          message: `the pid file ${path} belongs to process ${holder}, which is running`,
          hint: `stop it with \`kill ${holder}\`, or name another file`,
        });
      }
      removeIfThere(path);
    }
    return err({ message: `the pid file ${path} is made anew by others again and again`, hint: "name another file" });
  } catch (error) {
    return err({ message: `cannot write the pid file ${path}: ${reasonOf(error)}`, hint: undefined });
  } finally {
    removeIfThere(temporary);
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

function readPid(path: string): number | undefined {
  try {
    const text = readFileSync(path, "utf8").trim();
    return /^\d{1,10}$/.test(text) ? Number(text) : undefined;
  } catch {
    // Removed in the meantime: nobody's.
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, as somebody else.
    return systemCode(error) === "EPERM";
  }
}

function removeOwn(path: string): void {
  if (readPid(path) === process.pid) removeIfThere(path);
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}

function reasonOf(error: unknown): string {
  return systemCode(error) || String(error);
}
