// Starts the programs of one contender on one core, waits until they answer, and ends them.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { cache, type Programs } from "./machine.ts";
import { apps, type CertificateKind, type Contender, nginxConf, type Scenario, siteConf } from "./scenarios.ts";

const startTimeoutMs = 20_000;
const stopTimeoutMs = 5000;
const logLinesShown = 15;

export interface ServerOptions {
  readonly scenario: Scenario;
  readonly contender: Contender;
  readonly programs: Programs;
  readonly venv: string;
  readonly core: number;
}

/** Processes that serve one scenario at `url`. */
export class Server {
  readonly url: string;
  readonly #directory: string;
  readonly #processes: readonly ChildProcess[];

  private constructor(url: string, directory: string, processes: readonly ChildProcess[]) {
    this.url = url;
    this.#directory = directory;
    this.#processes = processes;
  }

  /** @throws Error with the end of the programs' output, when the right answer does not come */
  static async start({ scenario, contender, programs, venv, core }: ServerOptions): Promise<Server> {
    mkdirSync(cache, { recursive: true });
    const directory = mkdtempSync(join(cache, "run-"));
    const log = join(directory, "output");
    const port = await freePort();
    const place = { venv, app: scenario.app, port, directory, nginx: programs.nginx ?? "nginx" };
    if (scenario.site !== undefined) {
      makeCertificate(directory, scenario.site);
      writeFileSync(join(directory, "site.conf"), siteConf(place));
    }
    const commands = [contender.command(place)];
    let front = port;
    if (contender.isBehindNginx) {
      front = await freePort();
      const conf = join(directory, "nginx.conf");
      writeFileSync(conf, nginxConf({ directory, port: front, upstream: port }));
      commands.push([programs.nginx ?? "nginx", "-c", conf]);
    }
    const processes = commands.map((command) => launch([programs.taskset, "-c", String(core), ...command], venv, log));
    const scheme = scenario.site === undefined ? "http" : "https";
    const server = new Server(`${scheme}://127.0.0.1:${front}/`, directory, processes);
    const problem = await server.#answers(scenario.body);
    if (problem === undefined) return server;
    const output = readFileSync(log, "utf8").trimEnd().split("\n").slice(-logLinesShown).join("\n");
    await server.stop();
    throw new Error(`${contender.name} does not serve ${scenario.name}: ${problem}\n${output}`);
  }

  /** Processor seconds that the programs, and all that they started, have used so far. */
  get cpuSeconds(): number {
    const roots = this.#processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    return cpuSecondsOf(roots);
  }

  /** Ends the programs and forgets their files. */
  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(end));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** @returns what is wrong, undefined once the answer is as wanted */
  async #answers(body: string): Promise<string | undefined> {
    const deadline = performance.now() + startTimeoutMs;
    let problem = "no answer";
    while (performance.now() < deadline && this.#processes.every(({ exitCode }) => exitCode === null)) {
      try {
        const { status, text } = await ask(this.url);
        // Frameworks differ in their blanks.
        if (status === 200 && text.replace(/[,:]\s/g, (found) => found.trim()).trim() === squeezed(body)) {
          return undefined;
        }
        problem = `it answered ${status} ${JSON.stringify(text.slice(0, 100))}`;
      } catch (error) {
        // Not up yet, most likely.
        problem = error instanceof Error ? error.message : String(error);
      }
      await sleep(50);
    }
    return problem;
  }
}

/** One request, whoever has signed the certificate. */
async function ask(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const signal = AbortSignal.timeout(2000);
  const request = url.startsWith("https:")
    ? https.get(url, { rejectUnauthorized: false, agent: false, signal }) : http.get(url, { agent: false, signal });
  const [response] = (await once(request, "response", { signal })) as [http.IncomingMessage];
  return { status: response.statusCode ?? 0, text: await text(response) };
}

/** @throws Error naming what is missing */
function makeCertificate(directory: string, kind: CertificateKind): void {
  const key = kind === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
  const files = ["-keyout", join(directory, "key.pem"), "-out", join(directory, "cert.pem")];
  const made = spawnSync(
    "openssl", ["req", "-x509", "-newkey", ...key, "-nodes", "-subj", "/CN=localhost", "-days", "2", ...files],
  );
  const why = made.error?.message ?? String(made.stderr);
  if (made.status !== 0) throw new Error(`openssl could not make a certificate: ${why}`);
}

function squeezed(body: string): string {
  return body.replace(/[,:]\s/g, (found) => found.trim());
}

function launch([command = "", ...args]: readonly string[], venv: string, log: string): ChildProcess {
  const output = openSync(log, "a");
  const child = spawn(command, args, {
    cwd: apps,
    // A session of its own, so that all it starts can be ended together.
    detached: true,
    stdio: ["ignore", output, output],
    env: { ...process.env, PATH: `${join(venv, "bin")}:${process.env["PATH"] ?? ""}`, PYTHONPATH: apps },
  });
  child.on("error", (error) => writeFileSync(log, `${command}: ${error.message}\n`, { flag: "a" }));
  closeSync(output);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  signal(pid, "SIGTERM");
  const timeout = new AbortController();
  await Promise.race([ended, sleep(stopTimeoutMs, undefined, { signal: timeout.signal }).catch(() => undefined)]);
  timeout.abort();
  signal(pid, "SIGKILL");
  await ended;
}

/** To the whole session, of which nobody may be left. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name);
  } catch {
    // ESRCH: all of them are gone.
  }
}

/** Linux counts in ticks of so many a second for every program, whatever its own clock. */
const ticksPerSecond = 100;

/** The processor time of these processes and their living descendants, from /proc. */
function cpuSecondsOf(roots: readonly number[]): number {
  const ticks = new Map<number, number>();
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = readIfThere(`/proc/${name}/stat`);
    // "pid (name) state ppid …": a name may hold anything, so the fields begin behind its last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    ticks.set(pid, Number(fields[11]) + Number(fields[12]));
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  let sum = 0;
  const left = [...roots];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    sum += ticks.get(pid) ?? 0;
    left.push(...(children.get(pid) ?? []));
  }
  return sum / ticksPerSecond;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The process has ended since its name was read.
    return "";
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const found = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (found === null || typeof found === "string") throw new Error("no free port was found");
  return found.port;
}
