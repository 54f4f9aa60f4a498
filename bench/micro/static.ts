// `node bench/micro/static.ts [rounds]`: files through our handler (static-server.ts) and from nginx, one core each for
// server and load. All servers run; in each round wrk asks them one after the other for a second, so that what disturbs
// the machine disturbs all. Printed are medians: requests a second, requests a second of the server's processor time,
// and the ratio of each to nginx's, round by round.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPrograms } from "../machine.ts";

const rounds = Number(process.argv[2] ?? 7);
const sizes: readonly (readonly [name: string, size: number, connections: number])[] = [
  ["1k", 1024, 64], ["100k", 102_400, 64], ["10m", 10_485_760, 8],
];
const ports = { nginx: 8190, ours: 8191, uncached: 8192, reads: 8193 };
const fields = [
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
  "Accept-Language: en-US,en;q=0.9", "Accept-Encoding: gzip, deflate, br, zstd", "Sec-Fetch-Site: none",
  "Sec-Fetch-Mode: navigate", "Sec-Fetch-User: ?1", "Sec-Fetch-Dest: document", "Upgrade-Insecure-Requests: 1",
  "Cookie: csrftoken=8Qe2lXgk5XvAfN1wqJrUq1uA7Zt3m9oB; sessionid=k3j4h5g6f7d8s9a0q1w2e3r4t5y6u7i8",
];

interface Server {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
}

interface Sample {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const { taskset, wrk, nginx } = findPrograms(say);
if (nginx === undefined) throw new Error("nginx is missing: apt-get install nginx");
const folder = mkdtempSync(join(tmpdir(), "tricorn-bench-static-"));
// Started by root, nginx reads as nobody.
chmodSync(folder, 0o755);
for (const [name, size] of sizes) writeFileSync(join(folder, `${name}.bin`), randomBytes(size));
writeFileSync(join(folder, "nginx.conf"), `daemon off; worker_processes 1; pid ${folder}/pid;
  error_log ${folder}/error.log warn; events { worker_connections 4096; }
  http {
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_time 10h;
    open_file_cache max=1000; client_body_temp_path ${folder}/body;
    server { listen 127.0.0.1:${ports.nginx}; root ${folder}; }
  }`);

const ours = (port: number, ...settings: readonly string[]): readonly string[] =>
  [process.execPath, "--disable-warning=ExperimentalWarning", join(import.meta.dirname, "static-server.ts"), folder,
    String(port), ...settings];
const commands: Readonly<Record<keyof typeof ports, readonly string[]>> = {
  nginx: [nginx, "-c", join(folder, "nginx.conf")],
  ours: ours(ports.ours),
  uncached: ours(ports.uncached, "off"),
  reads: ours(ports.reads, "on", "off"),
};
const servers = Object.entries(commands).map(([name, command]): Server => ({
  name,
  port: ports[name as keyof typeof ports],
  process: spawn(taskset, ["-c", "0", ...command], { stdio: "ignore" }),
}));

/** Nanoseconds of processor time of a process, its children and all their threads. */
function cpuTime(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter((word) => word !== "");
  let sum = children.reduce((total, child) => total + cpuTime(Number(child)), 0);
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return sum;
}

function ask(server: Server, file: string, connections: number): Sample {
  const pid = server.process.pid ?? 0;
  const url = `http://127.0.0.1:${server.port}/${file}.bin`;
  const headers = fields.flatMap((field) => ["-H", field]);
  const start = cpuTime(pid);
  const load = [taskset, "-c", "1", wrk, "-t1", `-c${connections}`, "-d1s", ...headers, url];
  const { stdout } = spawnSync(load[0] ?? "", load.slice(1), { encoding: "utf8" });
  const cpuS = (cpuTime(pid) - start) / 1e9;
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${server.name}: ${stdout}`);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  return { perSecond, perCpuSecond: requests / cpuS };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function compare(file: string, connections: number): void {
  const samples = new Map(servers.map(({ name }) => [name, new Array<Sample>()]));
  for (const server of servers) ask(server, file, connections);
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) samples.get(server.name)?.push(ask(server, file, connections));
  }
  const reference = samples.get("nginx") ?? [];
  say(`${file}, ${connections} connections`);
  for (const [name, got] of samples) {
    const figure = (key: keyof Sample): string => {
      const ratios = got.map((sample, index) => sample[key] / (reference[index]?.[key] ?? Number.NaN));
      return `${median(got.map((sample) => sample[key])).toFixed(0).padStart(8)} (× ${median(ratios).toFixed(2)})`;
    };
    say(`  ${name.padEnd(9)} ${figure("perSecond")} a second   ${figure("perCpuSecond")} a second of processor time`);
  }
}

try {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  for (const [name, , connections] of sizes) compare(name, connections);
} finally {
  for (const server of servers) server.process.kill();
  rmSync(folder, { recursive: true });
}
