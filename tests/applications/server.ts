// The servers that every application runs on, with one face: Tricorn, and the one that its users would run otherwise,
// which shows that application, client and test are right. All in the environment of requirements.txt.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import { end, isOpen, started } from "../support/children.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const readyTimeoutMs = 30_000;
/** Requests that a test has left hanging are left. */
const hurry = { signal: "SIGINT", afterMs: 500 } as const;

/** The `skip` option of a test that runs an application. */
export const skip: false | string = requireEnvironment(applications);

/** The interpreter of applications and clients. */
export const python: string = pythonOf(applications);

const appsDirectory = join(import.meta.dirname, "apps");

/** uvicorn for ASGI, gunicorn for WSGI. */
export type ServerName = "uvicorn" | "gunicorn" | "tricorn";

export interface ServerOptions {
  /** Seconds that requests may take to end when it stops. */
  readonly graceSeconds?: number;
  /** Worker processes, 1 if left out. */
  readonly workers?: number;
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface Server {
  readonly name: ServerName;
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string;
  /** Everything that it has printed so far, what the application prints with it. */
  output(): string;
  /** Sends its first process a signal. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it, whatever it is doing. */
  close(): Promise<void>;
}

/**
 * Starts a server on a free port.
 * @param app `module:attribute` in tests/applications/apps
 * @returns it, once it accepts connections; rejects with what it printed if it does not come to that
 */
export async function start(name: ServerName, app: string, options: ServerOptions = {}): Promise<Server> {
  return name === "tricorn" ? startTricorn(app, options) : startPeer(name, app, options);
}

async function startTricorn(app: string, { graceSeconds, workers = 1, env = {} }: ServerOptions): Promise<Server> {
  const options = ["--workers", String(workers), ...grace("--graceful-timeout", graceSeconds)];
  const program = await Program.start({ app, cwd: appsDirectory, env, python, options });
  return {
    name: "tricorn",
    origin: `http://127.0.0.1:${program.port}`,
    output: () => program.output,
    signal: (signal) => program.signal(signal),
    close: () => program.stop(),
  };
}

async function startPeer(
  name: "uvicorn" | "gunicorn", app: string, { graceSeconds, workers = 1, env = {} }: ServerOptions,
): Promise<Server> {
  const args = {
    uvicorn: ["uvicorn", app, "--port", "0", "--no-access-log", ...grace("--timeout-graceful-shutdown", graceSeconds)],
    gunicorn: ["gunicorn", app, "--bind", "127.0.0.1:0", "--no-control-socket"],
  }[name];
  const child = started(spawn(python, ["-m", ...args, "--workers", String(workers)], {
    cwd: appsDirectory,
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  }));
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => printed.push(text));
  }
  const output = (): string => printed.join("");
  try {
    const port = await eventually(`${name} accepts connections`, readyTimeoutMs, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
      const found = Number(/(?:running on|Listening at:) http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1] ?? 0);
      // With several workers, uvicorn names its port before anybody listens on it.
      return found > 0 && (await isOpen(found)) ? found : undefined;
    });
    return {
      name,
      origin: `http://127.0.0.1:${port}`,
      output,
      signal: (signal) => child.kill(signal),
      close: () => end(child, hurry),
    };
  } catch (cause) {
    await end(child, hurry);
    throw new Error(`${name} did not start:\n${output()}`, { cause });
  }
}

function grace(option: string, seconds: number | undefined): readonly string[] {
  return seconds === undefined ? [] : [option, String(seconds)];
}
