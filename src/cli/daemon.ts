/**
 * `daemon on`: the program starts itself once more, in a session of its own, and the process that was typed stays until
 * the daemon serves or has failed. The daemon speaks to it over a pipe: text for standard error, then a NUL byte.
 */
import { spawn } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";

/** Tells the daemon that it is one, and the number of its end of the pipe. */
const DAEMON_VARIABLE = "TRICORN_DAEMON_PIPE";

/** The daemon's end of the pipe. */
export class DaemonPipe {
  #fd: number | undefined;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Undefined in a process that is no daemon. Children of this one do not hear of it. */
  static take(environment: NodeJS.ProcessEnv): DaemonPipe | undefined {
    const text = environment[DAEMON_VARIABLE];
    delete environment[DAEMON_VARIABLE];
    return text !== undefined && /^\d{1,6}$/.test(text) ? new DaemonPipe(Number(text)) : undefined;
  }

  /** What belongs on the terminal from which the daemon was started; on its own standard error once it serves. */
  say(text: string): void {
    if (!this.#write(text)) process.stderr.write(text);
  }

  /** Lets the process go that was typed: with exit status 0. */
  serves(): void {
    if (this.#write("\0") && this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(text: string): boolean {
    if (this.#fd === undefined) return false;
    try {
      writeSync(this.#fd, text);
      return true;
    } catch {
      // EPIPE: the process that was typed was killed. The daemon serves all the same.
      return false;
    }
  }
}

export interface DaemonOptions {
  /** The program and its arguments. */
  readonly command: readonly [program: string, ...args: readonly string[]];
  /** A file that takes what the daemon writes to standard error; undefined to leave it where it is. */
  readonly errorLog: string | undefined;
  /** Descriptors that it inherits, with their numbers, besides those of its own. */
  readonly kept: readonly number[];
  readonly say: (text: string) => void;
}

/** @returns the exit status: 0 once the daemon serves, else its own */
export function startDaemon({ command: [program, ...args], errorLog, kept, say }: DaemonOptions): Promise<number> {
  const log = errorLog === undefined ? undefined : openSync(errorLog, "a", 0o644);
  const pipe = Math.max(2, ...kept) + 1;
  const stdio = Array.from({ length: pipe + 1 }, (_, fd): "ignore" | "pipe" | number => {
    if (fd === pipe) return "pipe";
    return fd === 2 ? (log ?? 2) : kept.includes(fd) ? fd : "ignore";
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const env = { ...process.env, [DAEMON_VARIABLE]: String(pipe) };
  const daemon = spawn(program, args, { detached: true, stdio, env });
  if (log !== undefined) closeSync(log);
  const end = daemon.stdio[pipe];
  end?.on("data", (chunk: Buffer) => {
    const text = chunk.toString("utf8");
    const mark = text.indexOf("\0");
    if (text !== "\0") say(mark < 0 ? text : text.slice(0, mark));
    if (mark < 0) return;
    daemon.unref();
    end.destroy();
    resolve(0);
  });
  daemon.once("error", reject);
  // After the pipe has said all that was in it.
  daemon.once("close", (code) => resolve(code ?? 1));
  return promise;
}
