// `npm run bench`: Tricorn and its peers side by side, each with one processor core for everything that serves.
//
// The server's processes share one core, the load has another. What is printed are requests for each second of
// processor time that all processes of the server used together, which is requests per second of that core, less what
// others on this machine took of it. Rounds are interleaved (A B C, A B C, …), because a machine is never the same for
// long; medians count, and of those only the ratios mean something elsewhere.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { load } from "./load.ts";
import { describeMachine, ensurePeers, findPrograms, type Programs, root } from "./machine.ts";
import { plot } from "./plot.ts";
import { bars, type Measured, type Result, table } from "./report.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { Server } from "./server.ts";

const help = `npm run bench -- [options] [scenario …]
  --rounds N        rounds of which the median counts (3)
  --seconds N       length of one measurement (3)
  --connections N   connections that ask at once (64)
  --cores S,L       processor cores of the server and of the load (0,1)
  --svg             also draw bench/results/requests.svg
scenarios: ${scenarios.map(({ name }) => name).join(", ")}
`;
const warmUpSeconds = 1;

interface Wishes {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly cores: readonly [server: number, load: number];
  readonly svg: boolean;
  readonly scenarios: readonly Scenario[];
}

try {
  const wishes = readWishes();
  if (wishes === undefined) process.stdout.write(help);
  else await compare(wishes);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}

/** @returns undefined when help is wanted. @throws Error naming what is wrong */
function readWishes(): Wishes | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "3" },
      seconds: { type: "string", default: "3" },
      connections: { type: "string", default: "64" },
      cores: { type: "string", default: "0,1" },
      svg: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  for (const name of positionals) {
    if (!scenarios.some((scenario) => scenario.name === name)) throw new Error(`there is no scenario ${name}\n${help}`);
  }
  const [server = Number.NaN, client = Number.NaN] = values.cores.split(",").map(Number);
  if (!Number.isInteger(server) || !Number.isInteger(client)) throw new Error("--cores takes two numbers: 0,1");
  return {
    rounds: positive("rounds", values.rounds),
    seconds: positive("seconds", values.seconds),
    connections: positive("connections", values.connections),
    cores: [server, client],
    svg: values.svg,
    scenarios: scenarios.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${name} takes a whole number above 0, not ${text}`);
}

async function compare(wishes: Wishes): Promise<void> {
  const programs = findPrograms(say);
  const venv = await ensurePeers(say);
  const machine = describeMachine(venv, programs);
  const { rounds, seconds, connections } = wishes;
  const how = `${connections} connections, 13 header fields, medians of ${rounds} rounds of ${seconds} s`;
  process.stdout.write(`${machine}\n${how}\n\n`);
  const results: Result[] = [];
  for (const scenario of wishes.scenarios) {
    const result = await measure(scenario, { wishes, programs, venv });
    process.stdout.write(`${bars(result)}\n`);
    results.push(result);
  }
  process.stdout.write(`Requests per second of one core; in brackets: how many times as many Tricorn answers.\n\n`);
  process.stdout.write(table(results));
  if (!wishes.svg) return;
  const path = "bench/results/requests.svg";
  mkdirSync(join(root, "bench/results"), { recursive: true });
  writeFileSync(join(root, path), plot(results, `requests per second of one core; ${how}`));
  say(`${path} is drawn`);
}

interface Means {
  readonly wishes: Wishes;
  readonly programs: Programs;
  readonly venv: string;
}

async function measure(scenario: Scenario, { wishes, programs, venv }: Means): Promise<Result> {
  const hasNginx = programs.nginx !== undefined;
  const contenders = scenario.contenders.filter(({ isBehindNginx, name }) =>
    hasNginx || !(isBehindNginx || name === "nginx"));
  const rows = contenders.map((contender) => ({ contender, name: contender.name, rounds: new Array<Measured>() }));
  const [core, loadCore] = wishes.cores;
  for (let round = 0; round < wishes.rounds; round++) {
    for (const { contender, rounds } of rows) {
      const server = await Server.start({ scenario, contender, programs, venv, core });
      try {
        const connections = scenario.connections ?? wishes.connections;
        const options = { ...programs, url: server.url, core: loadCore, connections };
        await load(scenario.load, { ...options, seconds: warmUpSeconds });
        const before = server.cpuSeconds;
        const { answered, seconds, p99Ms } = await load(scenario.load, { ...options, seconds: wishes.seconds });
        const used = server.cpuSeconds - before;
        rounds.push({ rate: answered / used, busy: used / seconds, p99Ms });
      } finally {
        await server.stop();
      }
    }
  }
  return { scenario: scenario.name, rows };
}

function say(text: string): void {
  process.stderr.write(`bench: ${text}\n`);
}
