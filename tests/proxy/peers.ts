// Other people's servers as upstreams.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../../tools/needs.ts";
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

/** nginx. @param files what lies in its root, by name @param http what it says in http besides */
export function nginx(files: Readonly<Record<string, string | Buffer>>, http: (own: Own) => string): Promise<Peer> {
  return Peer.start({
    command: findProgram("nginx") ?? "",
    prepare: async (own) => {
      const { folder } = own;
      await mkdir(join(folder, "www"));
      for (const [name, content] of Object.entries(files)) await writeFile(join(folder, "www", name), content);
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
      await writeFile(join(folder, "nginx.conf"), `pid ${folder}/pid; error_log ${folder}/error.log; daemon off;
        master_process off; ${process.getuid?.() === 0 ? "user root;" : ""} events { }
        http { access_log off; ${temporary} root ${folder}/www; ${http(own)} }`);
    },
    args: ({ folder }) => ["-p", folder, "-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")],
  });
}
