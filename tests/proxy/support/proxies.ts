// Tricorn as a proxy: its file, and what it leaves behind.
import { existsSync, readFileSync } from "node:fs";
import { readdir, readlink, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Program, bodyFile } from "../../support/program.ts";
import { eventually } from "../../support/wait.ts";

const obeyMs = 10_000;

export interface ProxyText {
  readonly threads?: number;
  /** What stands in http beside the server: upstreams. */
  readonly http?: string;
  /** What stands in the server beside /health. */
  readonly server: string;
}

/** The text of a file whose access log says what went where, and whose /health costs nothing. */
export function fileOf({ threads = 1, http = "", server }: ProxyText): string {
  return `daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info; worker_processes ${threads};
    events { worker_connections 20000; }
    http {
      log_format passed '$status|$request_method|$request_uri|$upstream_addr|$upstream_status';
      access_log off;
      keepalive_requests 1000000;
      ${http}
      server {
        listen 127.0.0.1:%PORT% backlog=4096;
        location = /health { return 200 "well"; }
        ${server}
      }
    }`;
}

const inEdge = pathToFileURL(join(import.meta.dirname, "in-edge.ts")).href;

/** Started with such a file; `tellEdge` tells it more. */
export function startProxy(text: ProxyText): Promise<Program> {
  const env = { NODE_OPTIONS: `--disable-warning=ExperimentalWarning --import=${inEdge}` };
  return Program.start({ env, file: fileOf(text) });
}

/** Tells the edge what its master has no command for yet; resolves when it has obeyed. */
export async function tellEdge(program: Program, order: { readonly kind: string }): Promise<void> {
  const path = join(program.folder, "order.json");
  await writeFile(path, JSON.stringify(order));
  process.kill(program.edgePid, "SIGWINCH");
  await eventually("the edge has obeyed", obeyMs, () => !existsSync(path));
}

/** One request as the access log tells it. */
export interface Passed {
  readonly status: number;
  readonly method: string;
  readonly target: string;
  /** Who was asked, in turn, and what each answered. */
  readonly tries: readonly { readonly address: string; readonly status: number }[];
}

/** @param name of the file in the program's folder, in the format `passed` */
export function readAccessLog(program: Program, name: string = "access.log"): readonly Passed[] {
  const lines = readFileSync(join(program.folder, name), "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const [status, method = "", target = "", addresses = "", statuses = ""] = line.split("|");
    const answered = statuses.split(", ");
    const tries = addresses.split(", ").map((address, index) => ({ address, status: Number(answered[index]) }));
    return { status: Number(status), method, target, tries };
  });
}

/** Bytes that bodies take on disk, open files without a name included. */
export async function bodySize(program: Program): Promise<number> {
  const directory = `/proc/${program.edgePid}/fd`;
  let size = 0;
  for (const fd of await readdir(directory)) {
    const path = await readlink(join(directory, fd)).catch(() => "");
    if (!bodyFile.test(path.replace(/ \(deleted\)$/, ""))) continue;
    const stats = await stat(join(directory, fd));
    // Some systems reserve more than there is, and what was read may have been given back.
    size += Math.min(stats.size, stats.blocks * 512);
  }
  return size;
}
