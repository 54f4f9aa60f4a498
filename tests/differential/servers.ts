// Two servers with one configuration and one tree of files: Debian's nginx, and Tricorn under the name of nginx.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { root } from "../../tools/venv.ts";
import { end, isOpen, isRunning, started } from "../support/children.ts";
import { eventually } from "../support/wait.ts";

/** Text of each file by its name below the root; a link is `{ link: "where to" }`, a folder ends in a slash. */
export type Tree = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>;

/**
 * `http`: what stands in the http block. In it %PORT%, %PORT2% … %PORT9% are free ports, %ROOT% is the tree (the same
 * for both), %PREFIX% a folder of the server's own.
 */
export interface Configured {
  readonly http: string;
  readonly main?: string;
  readonly files?: Tree;
  /** Called before a server is started, again if that fails for a port: who listens on a part of its ports. */
  readonly prepare?: (own: { readonly ports: readonly number[]; readonly prefix: string }) => Promise<void>;
}

const startTimeoutMs = 30_000;
const startAttempts = 3;
const portCount = 9;
/** The age of every file, so that dates and tags are known: 6 November 1994, 08:49:37 GMT. */
const changedS = 784_111_777;

export class Server {
  readonly #process: ChildProcess;
  /** By their numbers in %PORT2%; %PORT% is the first. */
  readonly ports: readonly number[];
  readonly prefix: string;

  constructor(child: ChildProcess, { ports, prefix }: { ports: readonly number[]; prefix: string }) {
    this.#process = child;
    this.ports = ports;
    this.prefix = prefix;
  }

  get hasEnded(): boolean {
    return !isRunning(this.#process);
  }

  stop(): Promise<void> {
    return end(this.#process);
  }
}

export class Pair {
  readonly folder: string = mkdtempSync(join(tmpdir(), "tricorn-differential-"));
  readonly #servers: Server[] = [];

  get nginx(): Server {
    return this.#at(0);
  }

  get tricorn(): Server {
    return this.#at(1);
  }

  #at(index: number): Server {
    const server = this.#servers[index];
    if (server === undefined) throw new Error("the servers are not started");
    return server;
  }

  /** Builds the tree and starts both. Rejects with what a server said when it does not start. */
  async start({ http, main = "", files = {}, prepare }: Configured): Promise<void> {
    makeTree(join(this.folder, "root"), files);
    // Names of one length: a path may be part of a body whose length is told.
    const settled = await Promise.allSettled(["first", "other"].map(async (name) => {
      mkdirSync(join(this.folder, name));
      // Somebody else may take a port between looking and binding.
      for (let left = startAttempts; ; left--) {
        try {
          return await this.#start(name, { http, main, prepare });
        } catch (error) {
          if (left <= 1 || !/EADDRINUSE|Address (?:already )?in use/i.test(String(error))) throw error;
        }
      }
    }));
    for (const result of settled) if (result.status === "fulfilled") this.#servers.push(result.value);
    for (const result of settled) if (result.status === "rejected") throw result.reason;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #start(name: string, { http, main, prepare }: Texts): Promise<Server> {
    const isNginx = name === "first" || secondIsNginx;
    const prefix = join(this.folder, name);
    const ports = await freePorts(portCount);
    await prepare?.({ ports, prefix });
    const filled = (text: string): string => text
      .replace(/%PORT(\d?)%/g, (_, digit: string) => String(ports[Number(digit || "1") - 1]))
      .replaceAll("%ROOT%", join(this.folder, "root")).replaceAll("%PREFIX%", prefix);
    const text = `pid ${prefix}/pid;\nerror_log ${prefix}/error.log info;\n${filled(main)}\nevents {\n}\n` +
      `http {\n${isNginx ? temporary(prefix) : ""}client_body_temp_path ${prefix}/b;\naccess_log off;\n` +
      `${filled(http)}\n}\n`;
    const file = join(prefix, "nginx.conf");
    writeFileSync(file, text);
    const globals = `daemon off; master_process off;${process.getuid?.() === 0 ? " user root;" : ""}`;
    const args = ["-p", `${prefix}/`, "-c", file, "-e", join(prefix, "error.log"), "-g", globals];
    const [command = "", ...before] = isNginx ? [findProgram("nginx") ?? ""] : [join(root, "bin/tricorn"), "nginx"];
    const child = started(spawn(command, [...before, ...args], { stdio: ["ignore", "pipe", "pipe"] }));
    let said = "";
    const printed = createWriteStream(join(prefix, "printed"));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        said += part;
        printed.write(part);
      });
    }
    const server = new Server(child, { ports, prefix });
    const asked = ports.filter((port) => text.includes(`:${port}`) || text.includes(` ${port}`));
    try {
      await eventually(`${command} listens`, startTimeoutMs, async () => {
        if (server.hasEnded) throw new Error(`${isNginx ? "nginx" : "Tricorn"} ended:\n${said}`);
        return (await Promise.all(asked.map(isOpen))).every(Boolean);
      });
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }
}

interface Texts {
  readonly http: string;
  readonly main: string;
  readonly prepare: Configured["prepare"] | undefined;
}

/** What is compared is what this version does; later ones join fields that are repeated, for instance. */
const comparedVersion = "1.22.";

/** The `skip` option of a test that compares with nginx. @returns false when Debian 12's is there, else the reason */
export function requireNginx(): false | string {
  const missing = requireProgram("nginx", "apt-get install nginx");
  if (missing !== false) return missing;
  const { stderr } = spawnSync(findProgram("nginx") ?? "", ["-v"], { encoding: "utf8" });
  const version = /nginx\/([\d.]+)/.exec(stderr)?.[1] ?? "?";
  if (version.startsWith(comparedVersion)) return false;
  return `compares with Debian 12's nginx ${comparedVersion}x, not with ${version}`;
}

/** To see that the suite itself is sound, two nginx are compared: `DIFFERENTIAL=nginx npm test -- differential`. */
export const secondIsNginx: boolean = process.env["DIFFERENTIAL"] === "nginx";

/** Debian's defaults are folders of the system. */
function temporary(prefix: string): string {
  return ["proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${prefix}/${name};\n`).join("");
}

function makeTree(directory: string, files: Tree): void {
  mkdirSync(directory);
  const paths = Object.keys(files).map((name) => join(directory, name));
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    mkdirSync(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (name.endsWith("/")) continue;
    if (typeof content === "string" || content instanceof Uint8Array) writeFileSync(path, content);
    else symlinkSync(content.link, path);
  }
  // Folders last, and from below, since their files change them.
  const folders = new Set<string>();
  for (const path of paths) {
    for (let up = dirname(path); up.length >= directory.length; up = dirname(up)) folders.add(up);
  }
  const isLink = (path: string): boolean => {
    const content = files[path.slice(directory.length + 1)];
    return typeof content === "object" && !(content instanceof Uint8Array);
  };
  const dated = [...paths.filter((path) => !isLink(path)), ...[...folders].sort((a, b) => b.length - a.length)];
  for (const path of dated) utimesSync(path, changedS, changedS);
}

/** Outside the range that the system takes for connections of clients, and with five digits each. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) ports.add(port);
  }
  return [...ports];
}
