// The program as a user starts it: bin/tricorn in a process of its own, on a port that the system gives, with a
// throw-away folder for everything it writes. Use it with `await using`: it ends with the test, however that ends.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, venvPython } from "../../tools/venv.ts";
import { end, started } from "./children.ts";
import { Connection, type Origin } from "./connection.ts";
import { descendants, openFiles } from "./processes.ts";
import { eventually } from "./wait.ts";

const readyTimeoutMs = 20_000;

/** How files of bodies are called, wherever they are. */
export const bodyFile: RegExp = /\/(?:body|request|response)-[^/]*$/;

/** The small applications of the tests. */
export const appsDirectory: string = join(import.meta.dirname, "apps");

export interface ProgramSettings {
  /** `module:attribute` in tests/support/apps. */
  readonly app?: string;
  /** Text of a configuration file instead of an application: %PORT% is a free port, %FOLDER% the program's folder. */
  readonly file?: string;
  /** The first words of the command line: `["nginx"]`. */
  readonly words?: readonly string[];
  /** Further options of the command line. */
  readonly options?: readonly string[];
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the application is; tests/support/apps if left out. */
  readonly cwd?: string;
  /** The interpreter of the workers; that of `.venv` if left out. */
  readonly python?: string;
  /** A command and its arguments that come before `bin/tricorn`, and become it: `unshare -m sh -c … --`. */
  readonly within?: readonly string[];
}

async function writeConfiguration(file: string, folder: string, port: number): Promise<void> {
  const text = file.replaceAll("%PORT%", String(port)).replaceAll("%FOLDER%", folder);
  await writeFile(join(folder, "tricorn.conf"), text);
}

/** Below the ports that the system gives to those who connect, so that nobody gets it by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 18_000 + Math.floor(Math.random() * 14_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.on("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    return port;
  }
}

export class Program implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #printed: string[] = [];
  /** A folder that is removed at the end; the program's temporary folder (TMPDIR) is `tmp` in it. */
  readonly folder: string;
  /** The port of the first TCP socket, as the banner names it. */
  port = 0;
  exitStatus: number | NodeJS.Signals | undefined = undefined;

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.folder = folder;
    process.once("exit", (code, signal) => {
      this.exitStatus = code ?? signal ?? undefined;
    });
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#printed.push(text));
    }
  }

  /** Starts the program and waits until it serves. Rejects with what it printed if it ends before. */
  static async start(settings: ProgramSettings): Promise<Program> {
    const { app, file, words = [], options = [], env = {}, cwd, python = venvPython, within = [] } = settings;
    const folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
    const port = file === undefined ? 0 : await freePort();
    if (file !== undefined) await writeConfiguration(file, folder, port);
    const target = file === undefined
      ? [...(app === undefined ? [] : [app]), "--bind", "127.0.0.1:0", "--python", python]
      : ["-p", folder, "-c", join(folder, "tricorn.conf")];
    const [command = "", ...args] = [...within, join(root, "bin/tricorn"), ...words, ...target, ...options];
    // What a failing test leaves behind: ending the master is enough, edge and workers follow when their channels to
    // it close.
    const child = started(spawn(command, args, {
      cwd: cwd ?? appsDirectory,
      env: { ...process.env, TMPDIR: folder, TEST_FOLDER: folder, PYTHONDONTWRITEBYTECODE: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }));
    const program = new Program(child, folder);
    let failure: Error | undefined;
    child.once("error", (error) => {
      failure = error;
    });
    try {
      await eventually("the program serves", readyTimeoutMs, () => {
        if (failure !== undefined) throw failure;
        if (program.exitStatus !== undefined) throw new Error(`the program ended with ${program.exitStatus}`);
        program.port = Number(/listening +https?:\/\/127\.0\.0\.1:(\d+)/.exec(program.output)?.[1] ?? 0);
        // Under nginx's name nothing is printed: there is a pid file instead.
        if (words.includes("nginx") && existsSync(join(folder, "tricorn.pid"))) program.port = port;
        return program.port > 0;
      });
    } catch (cause) {
      await program.stop();
      throw new Error(`the program did not start:\n${program.output}`, { cause });
    }
    return program;
  }

  /** The master. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Everything that it has printed so far. */
  get output(): string {
    return this.#printed.join("");
  }

  get edgePid(): number {
    return this.#pids((command) => command.includes("/edge/main."))[0] ?? 0;
  }

  /** Of the process that gets certificates, if there is one. */
  get acmePid(): number | undefined {
    return this.#pids((command) => command.includes("/acme/main."))[0];
  }

  get workerPids(): readonly number[] {
    return this.#pids((command) => command.includes("python/tricorn/worker") && !command.includes("preloader"));
  }

  /** Master, edge and workers. */
  get pids(): readonly number[] {
    return [this.pid, ...this.#pids(() => true)];
  }

  /** Gives it another configuration, to be read after a signal. */
  async configure(file: string): Promise<void> {
    await writeConfiguration(file, this.folder, this.port);
  }

  /** Connects to it. */
  connect(origin: Partial<Origin> = {}): Promise<Connection> {
    return Connection.open({ port: this.port, ...origin });
  }

  /** Bodies that take room on disk at the moment: files in the run directory, and those open without a name. */
  async spooled(): Promise<readonly string[]> {
    const names = await readdir(this.folder, { recursive: true });
    const open = this.pids.flatMap((pid) => openFiles(pid));
    return [...names, ...open].filter((name) => bodyFile.test(name));
  }

  /** Sends the master a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends it, with TERM and, if it does not listen, KILL; removes what it wrote. */
  async stop(): Promise<void> {
    // No test wants to wait for requests that it has left hanging: a second TERM stops at once.
    await end(this.#process, { signal: "SIGTERM", afterMs: 300 });
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #pids(wanted: (command: string) => boolean): number[] {
    return descendants(this.pid).filter(({ command }) => wanted(command)).map(({ pid }) => pid);
  }
}
