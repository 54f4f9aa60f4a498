// The two servers that every behaviour is tried on, with one face: Tricorn, and uvicorn of the checkout's environment.
import { type ChildProcess, spawn } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root, venvPython } from "../../tools/venv.ts";
import { end, started } from "../support/children.ts";
import { Connection } from "../support/connection.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const readyTimeoutMs = 20_000;

/** The applications of these tests. */
export const appsDirectory: string = join(import.meta.dirname, "apps");

/** The version whose behaviour is in the tables; older interpreters get an older one. */
const comparedVersion = "0.54.0";

/** The `skip` option of what runs on uvicorn. */
export const skipUvicorn: false | string =
  globSync(`.venv/lib/python3.*/site-packages/uvicorn-${comparedVersion}.dist-info`, { cwd: root }).length > 0
    ? false
    : `compares with uvicorn ${comparedVersion}, which needs a newer Python`;

export type ServerName = "tricorn" | "uvicorn";

export interface ServerSettings {
  /** `module:attribute` in tests/asgi/apps. */
  readonly app: string;
  /** Options that both have. */
  readonly options?: readonly string[];
  /** Options for one of them. */
  readonly tricorn?: readonly string[];
  readonly uvicorn?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** uvicorn's interpreter, where it needs more than `.venv` has. */
  readonly peerPython?: string;
  /** Listens on a Unix socket: uvicorn there only, Tricorn there, too. */
  readonly unixSocket?: boolean;
}

/** A running server with one worker. */
export interface AsgiServer extends AsyncDisposable {
  readonly name: ServerName;
  readonly port: number;
  /** Everything it has printed, the application's output with it. */
  readonly output: string;
  readonly exitStatus: number | NodeJS.Signals | undefined;
  /** The path of its Unix socket, where it has one. */
  readonly socketPath: string;
  connect(): Promise<Connection>;
  signal(signal: NodeJS.Signals): void;
}

/** Starts one of the two. Rejects with what it printed when it does not come to serve. */
export async function startServer(name: ServerName, settings: ServerSettings): Promise<AsgiServer> {
  return name === "tricorn" ? Tricorn.start(settings) : Uvicorn.start(settings);
}

class Tricorn implements AsgiServer {
  readonly name = "tricorn";
  readonly #program: Program;
  readonly #folder: string;

  private constructor(program: Program, folder: string) {
    this.#program = program;
    this.#folder = folder;
  }

  static async start(settings: ServerSettings): Promise<Tricorn> {
    const { app, options = [], tricorn = [], env = {}, unixSocket } = settings;
    const folder = await mkdtemp(join(tmpdir(), "tricorn-asgi-"));
    const bind = unixSocket === true ? ["--bind", `unix:${join(folder, "socket")}`] : [];
    try {
      const all = ["--workers", "1", ...bind, ...options, ...tricorn];
      return new Tricorn(await Program.start({ app, options: all, env, cwd: appsDirectory }), folder);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  get socketPath(): string {
    return join(this.#folder, "socket");
  }

  get port(): number {
    return this.#program.port;
  }

  get output(): string {
    return this.#program.output;
  }

  get exitStatus(): number | NodeJS.Signals | undefined {
    return this.#program.exitStatus;
  }

  connect(): Promise<Connection> {
    return this.#program.connect();
  }

  signal(signal: NodeJS.Signals): void {
    this.#program.signal(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

class Uvicorn implements AsgiServer {
  readonly name = "uvicorn";
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #printed: string[] = [];
  port = 0;
  exitStatus: number | NodeJS.Signals | undefined = undefined;

  private constructor(child: ChildProcess, folder: string) {
    this.#process = child;
    this.#folder = folder;
    child.once("exit", (code, signal) => {
      this.exitStatus = code ?? signal ?? undefined;
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => this.#printed.push(text));
    }
  }

  static async start(settings: ServerSettings): Promise<Uvicorn> {
    const { app, options = [], uvicorn = [], env = {}, peerPython = venvPython, unixSocket } = settings;
    const folder = await mkdtemp(join(tmpdir(), "tricorn-asgi-"));
    const bind = unixSocket === true ? ["--uds", join(folder, "socket")] : ["--port", "0"];
    const args = ["-m", "uvicorn", app, "--http", "h11", ...bind, "--no-access-log", ...options, ...uvicorn];
    const child = started(spawn(peerPython, args, {
      cwd: appsDirectory,
      env: { ...process.env, TEST_FOLDER: folder, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }));
    const server = new Uvicorn(child, folder);
    try {
      await eventually("uvicorn serves", readyTimeoutMs, () => {
        if (server.exitStatus !== undefined) throw new Error(`uvicorn ended with ${server.exitStatus}`);
        server.port = Number(/running on http:\/\/127\.0\.0\.1:(\d+)/.exec(server.output)?.[1] ?? 0);
        return server.port > 0 || server.output.includes("running on unix socket");
      });
    } catch (cause) {
      await server[Symbol.asyncDispose]();
      throw new Error(`uvicorn did not start:\n${server.output}`, { cause });
    }
    return server;
  }

  get socketPath(): string {
    return join(this.#folder, "socket");
  }

  get output(): string {
    return this.#printed.join("");
  }

  connect(): Promise<Connection> {
    return Connection.open({ port: this.port });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A second signal forces it to leave requests that hang.
    await end(this.#process, { signal: "SIGINT", afterMs: 300 });
    await rm(this.#folder, { recursive: true, force: true });
  }
}
