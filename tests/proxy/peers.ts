// Other people's servers as upstreams.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { venvPython } from "../../tools/venv.ts";
import { end, isOpen, isRunning, started } from "../support/children.ts";
import { appsDirectory, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const readyTimeoutMs = 20_000;

/** What a peer is started with; it knows its own port, socket and folder then. */
interface Own {
  readonly port: number;
  /** The path of its Unix socket. */
  readonly socket: string;
  readonly folder: string;
}

export interface PeerSettings {
  readonly command: string;
  readonly args: (own: Own) => readonly string[];
  /** Where it listens: on TCP if left out. */
  readonly on?: "tcp" | "unix";
  /** What it needs in its folder. */
  readonly prepare?: (own: Own) => Promise<void>;
}

export class Peer implements AsyncDisposable, Own {
  readonly #process: ChildProcess;
  readonly port: number;
  readonly socket: string;
  readonly folder: string;
  #output = "";

  private constructor(child: ChildProcess, { port, socket, folder }: Own) {
    this.#process = child;
    this.port = port;
    this.socket = socket;
    this.folder = folder;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
  }

  /** Starts it and waits until it listens. Rejects with what it printed when it does not. */
  static async start({ command, args, on = "tcp", prepare }: PeerSettings): Promise<Peer> {
    const folder = await mkdtemp(join(tmpdir(), "tricorn-peer-"));
    const own = { port: await freePort(), socket: join(folder, "socket"), folder };
    await prepare?.(own);
    const env = { ...process.env, TEST_FOLDER: folder, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" };
    const child = started(spawn(command, args(own), { cwd: appsDirectory, env, stdio: ["ignore", "pipe", "pipe"] }));
    const peer = new Peer(child, own);
    try {
      await eventually(`${command} listens`, readyTimeoutMs, () => {
        if (!isRunning(child)) throw new Error("it ended");
        return isOpen(on === "tcp" ? own.port : own.socket);
      });
    } catch (cause) {
      await peer.stop();
      throw new Error(`${command} did not start:\n${peer.output}`, { cause });
    }
    return peer;
  }

  /** Everything that it has printed. */
  get output(): string {
    return this.#output;
  }

  async stop(): Promise<void> {
    await end(this.#process);
    await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** gunicorn of the checkout's environment with tests/support/apps/wsgi_app.py. */
export function gunicorn(on: "tcp" | "unix", options: readonly string[] = []): Promise<Peer> {
  return Peer.start({
    command: venvPython,
    on,
    args: ({ port, socket }) => [
      "-m", "gunicorn", "wsgi_app:app", "--bind", on === "tcp" ? `127.0.0.1:${port}` : `unix:${socket}`, "--workers",
        "1",
      "--threads", "4", "--worker-tmp-dir", "/tmp", ...options,
    ],
  });
}
