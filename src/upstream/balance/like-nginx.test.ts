// Debian's nginx and this balancer, asked the same: which server comes first for a key, which one next if that fails.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireNginx } from "../../../tests/differential/servers.ts";
import { eventually } from "../../../tests/support/wait.ts";
import { findProgram } from "../../../tools/needs.ts";
import type { BalanceSettings, UpstreamServerSettings } from "../settings.ts";
import type { Peer } from "./peer.ts";
import { serverOf, Simulation } from "./simulation.ts";

interface Case {
  readonly title: string;
  /** As nginx is told. */
  readonly method?: string;
  readonly balance?: BalanceSettings;
  /** Nobody listens there: each attempt fails at once. */
  readonly servers: readonly (readonly [name: string, changes?: Partial<UpstreamServerSettings>])[];
  readonly keys?: readonly string[];
  readonly clients?: readonly string[];
  readonly count?: number;
  /** Whether a request goes on to the next server. */
  readonly goesOn: boolean;
}

const steady = { maxFails: 0 };
const numbers = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `key-${index * 7}`);
const hash = (consistent: boolean): BalanceSettings => ({ kind: "hash", key: [], consistent });
const three = [["127.0.0.1:1", steady], ["127.0.0.2:1", steady], ["127.0.0.3:1", steady]] as const;
const weighted = [
  ["127.0.0.1:1", { ...steady, weight: 5 }], ["127.0.0.2:2", steady], ["127.0.0.3", { ...steady, weight: 2 }],
  ["unix:/nowhere/a.sock", { ...steady, weight: 3 }],
] as const;
const oneDown = [
  ["127.0.0.1:1", steady], ["127.0.0.2:1", { down: true }], ["127.0.0.3:1", { ...steady, weight: 2 }],
] as const;
const clients = [
  "192.0.2.1", "192.0.3.1", "10.1.2.3", "10.1.2.200", "203.0.113.9", "198.51.100.77", "8.8.8.8", "1.2.3.4",
  "100.64.9.1", "2001:db8::1", "2001:db8::2", "2001:db8:5::77", "fe80::1", "::1", "::ffff:192.0.2.1",
];

const cases: readonly Case[] = [
  { title: "the rotation by weight", servers: weighted, count: 40, goesOn: false },
  { title: "the rotation, going on", servers: weighted, count: 12, goesOn: true },
  {
    title: "weights that sink with failures", count: 30, goesOn: false,
    servers: [
      ["127.0.0.1:1", { weight: 9, maxFails: 3 }], ["127.0.0.2:1", { weight: 4, maxFails: 4 }],
      ["127.0.0.3:1", { weight: 6, maxFails: 7 }], ["127.0.0.4:1", { maxFails: 20 }],
    ],
  },
  {
    title: "servers that are put aside, and backup ones", count: 12, goesOn: true,
    servers: [
      ["127.0.0.1:1", { maxFails: 2 }], ["127.0.0.2:1", { maxFails: 3, weight: 2 }], ["127.0.0.5:1", { down: true }],
      ["127.0.0.3:1", { maxFails: 2, backup: true }], ["127.0.0.4:1", { maxFails: 5, backup: true }],
    ],
  },
  { title: "a single server, never put aside", servers: [["127.0.0.1:1"]], count: 4, goesOn: true },
  {
    title: "a single server and a backup one", count: 4, goesOn: true,
    servers: [["127.0.0.1:1"], ["127.0.0.2:1", { backup: true }]],
  },
  {
    title: "least_conn among equals", method: "least_conn", balance: { kind: "least_conn" }, servers: weighted,
    count: 30, goesOn: true,
  },
  ...hashCases("three equal servers", three),
  ...hashCases("weights", weighted),
  {
    title: "hash with servers that are down", method: "hash $http_key", balance: hash(false), keys: numbers(40),
    goesOn: true, servers: oneDown,
  },
  {
    title: "consistent hash with servers that are down", method: "hash $http_key consistent", balance: hash(true),
    servers: oneDown,
    keys: numbers(40), goesOn: true,
  },
  {
    title: "ip_hash with servers that are down", method: "ip_hash", balance: { kind: "ip_hash" }, clients, goesOn: true,
    servers: oneDown,
  },
];

/** Each method that hashes, with and without going on. */
function hashCases(name: string, servers: Case["servers"]): readonly Case[] {
  return [false, true].flatMap((goesOn): readonly Case[] => {
    const title = `over ${name}${goesOn ? ", going on" : ""}`;
    const [balance, ring] = [hash(false), hash(true)];
    const keys = numbers(60);
    return [
      { title: `hash ${title}`, method: "hash $http_key", balance, servers, keys, goesOn },
      { title: `consistent hash ${title}`, method: "hash $http_key consistent", balance: ring, servers, keys, goesOn },
      { title: `ip_hash ${title}`, method: "ip_hash", balance: { kind: "ip_hash" }, servers, clients, goesOn },
    ];
  });
}

describe("The balancer chooses as nginx does", { skip: requireNginx() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "tricorn-balance-"));
  const socketPath = join(folder, "socket");
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let nginx: ChildProcess | undefined;

  before(async () => {
    writeFileSync(join(folder, "nginx.conf"), configuration(folder));
    const globals = `daemon off; master_process off;${process.getuid?.() === 0 ? " user root;" : ""}`;
    const log = join(folder, "error.log");
    const args = ["-p", `${folder}/`, "-c", join(folder, "nginx.conf"), "-e", log, "-g", globals];
    nginx = spawn(findProgram("nginx") ?? "", args, { stdio: "inherit" });
    await eventually("nginx listens", 10_000, () => existsSync(socketPath));
  });

  after(async () => {
    agent.destroy();
    if (nginx?.exitCode === null) {
      const exited = once(nginx, "exit");
      nginx.kill("SIGTERM");
      await exited;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  for (const [index, { title, ...what }] of cases.entries()) {
    test(title, async () => {
      const simulation = new Simulation({
        servers: what.servers.map(([name, changes]) => serverOf(name, changes)), balance: what.balance,
      });
      const askings = what.keys ?? what.clients ?? Array.from({ length: what.count ?? 0 }, () => "");
      for (const [count, text] of askings.entries()) {
        const theirs = await ask({ agent, socketPath, path: `/${index}`, text });
        const ours = orderOf(simulation, { text, goesOn: what.goesOn });
        assert.equal(ours, theirs, `request ${count}, ${text}`);
      }
    });
  }
});

/** Whom the simulated balancer asks, one after the other, as `$upstream_addr` would say it. */
function orderOf(simulation: Simulation, { text, goesOn }: { text: string; goesOn: boolean }): string {
  const tried: Peer[] = [];
  const tries = goesOn ? simulation.settings.servers.filter(({ down }) => !down).length : 1;
  const names: string[] = [];
  while (names.length < tries) {
    const peer = simulation.choose({ clientAddress: text, hashKey: () => text }, tried);
    names.push(peer?.name ?? "backend");
    if (peer === undefined) break;
    simulation.balancer.release(peer, { outcome: "failed" });
    tried.push(peer);
  }
  return names.join(", ");
}

function configuration(folder: string): string {
  const texts = cases.map(({ method, servers, goesOn }, index) => {
    const lines = servers.map(([name, changes = {}]) => {
      const { weight = 1, maxFails = 1, backup = false, down = false } = changes;
      return `server ${name} weight=${weight} max_fails=${maxFails}${backup ? " backup" : ""}${down ? " down" : ""};`;
    });
    return {
      upstream: `upstream backend${index} { ${method === undefined ? "" : `${method};`} ${lines.join(" ")} }`,
      location: `location /${index} { proxy_pass http://backend${index};
        proxy_next_upstream ${goesOn ? "error" : "off"}; add_header X-Order $upstream_addr always; }`,
    };
  });
  return `pid ${folder}/pid; events { }
    http {
      access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      set_real_ip_from unix:; real_ip_header X-Real-IP;
      ${texts.map(({ upstream }) => upstream).join("\n")}
      server {
        listen unix:${folder}/socket; keepalive_requests 100000;
        ${texts.map(({ location }) => location).join("\n")}
      }
    }`;
}

interface Asking {
  readonly agent: Agent;
  readonly socketPath: string;
  readonly path: string;
  readonly text: string;
}

async function ask({ agent, socketPath, path, text }: Asking): Promise<string> {
  const headers = text === "" ? {} : { key: text, "x-real-ip": text };
  const sent = request({ agent, socketPath, path, headers }).end();
  const [response] = await once(sent, "response") as [IncomingMessage];
  response.resume();
  await once(response, "end");
  return String(response.headers["x-order"]).replace(/backend\d+/, "backend");
}
