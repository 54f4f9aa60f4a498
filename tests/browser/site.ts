// One site of the demo, or all of it, served by the program as a user would start it: bin/tricorn in a process of its
// own, on a free port, with a throw-away folder for what it writes. Not a test; the tests beside it start from here.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { root, venvPython } from "../../tools/venv.ts";
import { end, started } from "../support/children.ts";
import { freePort } from "../support/program.ts";

const readyTimeoutMs = 20_000;

export type SiteName = "django over WSGI" | "django over ASGI" | "fastapi" | "flask";

/** What `bin/tricorn` is started with: the folder below examples/ and the application in it. */
const applications: Readonly<Record<SiteName, { readonly folder: string; readonly name: string }>> = {
  "django over WSGI": { folder: "django", name: "shop.wsgi:application" },
  "django over ASGI": { folder: "django", name: "shop.asgi:application" },
  fastapi: { folder: "fastapi", name: "app:app" },
  flask: { folder: "flask", name: "app:app" },
};

/** A running site. */
export interface Site {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** Everything that the program has printed so far. */
  readonly output: () => string;
  /** Sends the program a signal. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Stops the program and removes the throw-away folder. */
  readonly close: () => Promise<void>;
}

/** The whole demo, served from its file. */
export interface Demo extends Site {
  /** The throw-away folder. */
  readonly folder: string;
}

/**
 * Prepares and starts a site, with further options if wanted, and waits until it answers. Rejects with what the
 * program printed when it ends before that, or when it has not answered after 20 seconds.
 */
export async function startSite(siteName: SiteName, options: readonly string[]): Promise<Site> {
  const application = applications[siteName];
  return start(async (folder, bind) => {
    const environment = { ...process.env, SHOP_DATA_DIR: folder };
    if (application.folder === "django") await prepare(join(root, "examples"), environment);
    const target = ["--bind", bind, "--workers", "1", "--python", venvPython, application.name];
    return { args: [...target, ...options], cwd: join(root, "examples", application.folder), environment };
  });
}

/** What `npm start` serves, examples/tricorn.conf, with `edit` applied to its text; as `startSite` otherwise. */
export async function startDemo(edit: (text: string) => string = (text) => text): Promise<Demo> {
  return start(async (folder, bind) => {
    const examples = join(folder, "examples");
    const made = /^(?:__pycache__|db\.sqlite3|uploads|tricorn\.pid)$/;
    const isMade = (path: string): boolean => made.test(basename(path)) || path.endsWith("/django/static");
    await cp(join(root, "examples"), examples, { recursive: true, filter: (path) => !isMade(path) });
    await symlink(join(root, ".venv"), join(folder, ".venv"));
    await prepare(examples, process.env);
    const file = join(examples, "tricorn.conf");
    const text = await readFile(file, "utf8");
    await writeFile(file, edit(text.replaceAll("127.0.0.1:8000", bind)));
    return { args: ["-c", file], cwd: folder, environment: process.env };
  });
}

/** How `bin/tricorn` is started. */
interface Command {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** @param commandOf prepares the throw-away folder and says how to start; `bind` is the address to listen on */
async function start(commandOf: (folder: string, bind: string) => Promise<Command>): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-demo-"));
  try {
    const bind = `127.0.0.1:${await freePort()}`;
    const { args, cwd, environment } = await commandOf(folder, bind);
    const program = started(spawn(join(root, "bin/tricorn"), args, {
      cwd, env: environment, stdio: ["ignore", "pipe", "pipe"],
    }));
    const printed: string[] = [];
    for (const stream of [program.stdout, program.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => printed.push(text));
    }
    const site: Demo = {
      origin: `http://${bind}`,
      folder,
      output: () => printed.join(""),
      signal: (signal) => program.kill(signal),
      close: async () => {
        await end(program);
        await rm(folder, { recursive: true, force: true });
      },
    };
    await answers(site, program).catch(async (error: unknown) => {
      await end(program);
      throw error;
    });
    return site;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What lies under the shop: its database and its static files. */
async function prepare(examples: string, environment: NodeJS.ProcessEnv): Promise<void> {
  await promisify(execFile)(venvPython, [join(examples, "prepare.py")], { env: environment });
}

async function answers(site: Site, program: ChildProcess): Promise<void> {
  let spawnError: Error | undefined;
  program.once("error", (error) => {
    spawnError = error;
  });
  const deadline = performance.now() + readyTimeoutMs;
  while (performance.now() < deadline) {
    if (spawnError !== undefined) throw spawnError;
    if (program.exitCode !== null || program.signalCode !== null) {
      throw new Error(`the program ended with ${program.exitCode ?? program.signalCode}:\n${site.output()}`);
    }
    try {
      await (await fetch(site.origin, { redirect: "manual" })).bytes();
      return;
    } catch {
      // Refused: it does not listen yet. Any other trouble ends at the deadline, with the program's own words.
      await sleep(50);
    }
  }
  throw new Error(`the program has not answered within ${readyTimeoutMs} ms:\n${site.output()}`);
}
