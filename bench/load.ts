// The load: wrk on a core of its own, asking as a browser does.
import { spawn } from "node:child_process";
import { join } from "node:path";

/** With Host, which wrk adds, the 13 fields of a browser that has been here before. */
const fields: readonly string[] = [
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language: en-GB,en;q=0.8,de;q=0.5",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Cache-Control: max-age=0",
  "Referer: http://shop.example/hats?sort=price",
  "Upgrade-Insecure-Requests: 1",
  "Sec-Fetch-Dest: document",
  "Sec-Fetch-Mode: navigate",
  "Sec-Fetch-Site: same-origin",
  "Sec-Fetch-User: ?1",
  "Cookie: sessionid=4x1v0ou7m8lq2c5s9e3rtw6yhzb7kd0n; csrftoken=Zs0eFhYq3Tn8oVbWk2LxR7dUcMp5AgJi",
];

export interface Load {
  readonly answered: number;
  readonly seconds: number;
  readonly p99Ms: number;
}

export interface LoadOptions {
  readonly taskset: string;
  readonly wrk: string;
  readonly url: string;
  readonly core: number;
  readonly connections: number;
  readonly seconds: number;
}

/** What a contender is asked, and how its answers are counted. */
export type LoadKind = "requests" | "echo" | "broadcast" | "full" | "resumed";

/** Lets `connections` clients do what `kind` says. @throws Error when an answer is not as it must be */
export function load(kind: LoadKind, options: LoadOptions): Promise<Load> {
  switch (kind) {
    case "requests": return request(options);
    case "echo": case "broadcast": return runScript("websocket-load.ts", kind, options);
    case "full": case "resumed": return runScript("handshake-load.ts", kind, options);
  }
}

/** Clients of our own, in a process of their own. */
async function runScript(name: string, kind: LoadKind, options: LoadOptions): Promise<Load> {
  const { taskset, url, core, connections, seconds } = options;
  const script = join(import.meta.dirname, name);
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", script];
  const command = ["-c", String(core), ...node, kind, new URL(url).port, String(connections), String(seconds)];
  const child = spawn(taskset, command, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const status = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  if (status !== 0) throw new Error(`the clients of ${name} ended with ${String(status)}`);
  const result = JSON.parse(output) as { readonly received: number; readonly seconds: number };
  return { answered: result.received, seconds: result.seconds, p99Ms: Number.NaN };
}

/** Asks for `seconds` seconds. @throws Error when an answer was not 2xx or a connection failed */
async function request({ taskset, wrk, url, core, connections, seconds }: LoadOptions): Promise<Load> {
  const head = fields.flatMap((field) => ["-H", field]);
  const args = ["-c", String(core), wrk, "-t1", `-c${connections}`, `-d${seconds}s`, "--latency", ...head, url];
  const child = spawn(taskset, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  const trouble = /Non-2xx.*|Socket errors.*/.exec(output);
  const [, count, taken, unit = ""] = /(\d+) requests in ([\d.]+)(us|ms|s|m)\b/.exec(output) ?? [];
  const answered = Number(count);
  if (trouble !== null || !(answered > 0)) throw new Error(`wrk: ${trouble?.[0].trim() ?? "no result"}`);
  return { answered, seconds: (Number(taken) * toMs(unit)) / 1000, p99Ms: latency(output, "99%") };
}

function toMs(unit: string): number {
  return { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit] ?? Number.NaN;
}

function latency(output: string, percentile: string): number {
  const [, number, unit = ""] = new RegExp(`\\s${percentile}\\s+([\\d.]+)(us|ms|s|m)\\b`).exec(output) ?? [];
  return Number(number) * toMs(unit);
}
