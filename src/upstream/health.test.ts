import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Socket } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import { Clock } from "../net/index.ts";
import { ResponseMemory, ResponseReader } from "../protocol/h1/index.ts";
import { readPattern } from "../route/index.ts";
import { allocate } from "../std/bytes.ts";
import type { Pattern } from "../route/index.ts";
import { DIAL, KEEPALIVE, Peerside, descriptorCount, serverLine } from "../../tests/support/upstream-connections.ts";
import { eventually } from "../../tests/support/wait.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { H2Sessions } from "./h2-sessions.ts";
import { HealthChecks, healthRequest } from "./health.ts";
import { HealthMatch } from "./health-match.ts";
import type { HealthCheckSettings, UpstreamServerSettings, UpstreamSettings } from "./settings.ts";
import type { Upstream } from "./upstreams.ts";
import { Upstreams } from "./upstreams.ts";
import { UpstreamZone } from "./zone.ts";

const WAIT_MS = 10_000;
const LIMITS = { requestLineSizeMax: 16_384, fieldCountMax: 1000, fieldSizeMax: 16_384, headSizeMax: 16_384 };
const ASKING = { host: "backend", software: "tricorn/0" };
const WELL = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-State: fine\r\n\r\nok";
const ILL = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
const CHECK: HealthCheckSettings = {
  intervalMs: 200, jitterMs: 0, fails: 1, passes: 1, uri: "/alive", port: undefined, match: undefined,
  mandatory: false, persistent: false, grpc: undefined,
};

/** A peer that answers as it is told. */
class Patient implements AsyncDisposable {
  readonly side: Peerside;
  readonly requests: string[] = [];
  answer: string | ((socket: Socket) => void) = WELL;

  private constructor(side: Peerside) {
    this.side = side;
    side.server.on("connection", (socket: Socket) => {
      socket.on("data", (bytes) => {
        this.requests.push(bytes.toString("latin1"));
        if (typeof this.answer === "string") socket.write(this.answer);
        else this.answer(socket);
      });
      socket.on("end", () => socket.end());
    });
  }

  static async listen(): Promise<Patient> {
    return new Patient(await Peerside.listen({ host: "127.0.0.1", port: 0 }));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.side[Symbol.asyncDispose]();
  }
}

describe("health checks", () => {
  let clock: Clock;
  let pool: ConnectionPool;
  let sessions: H2Sessions;
  let notices: string[] = [];
  let running: { close(): void }[] = [];

  before(() => {
    clock = new Clock();
    pool = new ConnectionPool(clock);
    sessions = new H2Sessions(pool, { take: () => allocate(65_536), give: () => undefined });
  });

  afterEach(() => {
    for (const checks of running) checks.close();
    running = [];
    notices = [];
    equal(pool.size, 0, "no connection is left");
  });

  after(() => {
    pool.close();
    clock.close();
  });

  function backend(
    ports: readonly number[], down: readonly number[] = [], more: readonly UpstreamServerSettings[] = [],
  ): Upstream {
    const settings: UpstreamSettings = {
      name: "backend", balance: { kind: "round_robin" }, sticky: undefined, keepalive: KEEPALIVE, resolver: undefined,
      servers: [...ports.map((port) => ({
        ...serverLine(`127.0.0.1:${port}`, { kind: "tcp", host: "127.0.0.1", port }), down: down.includes(port),
      })), ...more],
    };
    const zone = new UpstreamZone(UpstreamZone.allocate([settings]));
    const upstreams = new Upstreams({ settings: [settings], zone, clock, pool, onNotice: () => undefined });
    running.push(upstreams);
    const upstream = upstreams.named("backend");
    ok(upstream !== undefined);
    return upstream;
  }

  function check(
    upstream: Upstream, more: Partial<HealthCheckSettings> = {}, known: ReadonlySet<string> = new Set(),
  ): HealthChecks {
    const memory = new ResponseMemory();
    const checks = new HealthChecks({
      clock, pool, sessions, onNotice: (level, text) => void notices.push(`${level} ${text}`),
      healthyBefore: known, onHealth: () => undefined,
      checks: [{
        upstream, check: { ...CHECK, ...more }, dial: { ...DIAL, readTimeoutMs: 300 },
        question: healthRequest("/alive", ASKING, () => new ResponseReader(LIMITS, memory)),
      }],
    });
    running.push(checks);
    return checks;
  }

  function states(upstream: Upstream): readonly boolean[] {
    return upstream.balancer.peers.map((peer) => upstream.balancer.isUp(peer));
  }

  test("ask each peer again and again, and put aside who does not answer well until it does", async () => {
    await using well = await Patient.listen();
    await using ill = await Patient.listen();
    const upstream = backend([well.side.port, ill.side.port]);
    const checks = check(upstream);
    await eventually("a first round", WAIT_MS, () => checks.healthy.size === 2);
    equal(well.requests[0], "GET /alive HTTP/1.1\r\nHost: backend\r\nConnection: close\r\n"
      + "User-Agent: tricorn/0 (health check)\r\n\r\n");
    deepEqual(notices, [], "who is well from the start needs no word");
    ill.answer = ILL;
    await eventually("one is out", WAIT_MS, () => states(upstream)[1] === false);
    deepEqual(states(upstream), [true, false]);
    const chosen = new Set(Array.from({ length: 10 }, () =>
      upstream.balancer.choose({ clientAddress: "192.0.2.1", hashKey: () => "", sticky: undefined }, [])?.name));
    deepEqual([...chosen], [`127.0.0.1:${well.side.port}`]);
    ill.answer = WELL;
    await eventually("it is back", WAIT_MS, () => states(upstream)[1] === true);
    const whose = `health check "" of peer 127.0.0.1:${ill.side.port} in upstream "backend"`;
    deepEqual(notices, [
      `warning peer is unhealthy while checking status code, ${whose}`, `info peer is healthy again, ${whose}`,
    ]);
  });

  test("pass over applications of ours, which nobody can connect to", async () => {
    await using well = await Patient.listen();
    const upstream = backend([well.side.port], [], [serverLine("app:shop", { kind: "app", name: "shop" })]);
    const checks = check(upstream, { mandatory: true, intervalMs: 1 });
    deepEqual(states(upstream), [false, true]);
    await eventually("the other one is checked", WAIT_MS, () => checks.healthy.size === 1);
    deepEqual(states(upstream), [true, true]);
    deepEqual(notices, []);
  });

  test("count failures and passes in a row", async () => {
    await using peer = await Patient.listen();
    const upstream = backend([peer.side.port]);
    const checks = check(upstream, { fails: 3, passes: 2, intervalMs: 1 });
    await eventually("it is well", WAIT_MS, () => checks.healthy.size === 1);
    const answers = [ILL, ILL, WELL, ILL, ILL, ILL];
    const seen: boolean[] = [];
    peer.answer = (socket) => {
      seen.push(states(upstream)[0] === true);
      socket.write(answers.shift() ?? WELL);
    };
    await eventually("all of it", WAIT_MS, () => seen.length >= 9);
    deepEqual(seen.slice(0, 9), [true, true, true, true, true, true, false, false, true]);
  });

  test("fail on everything that is no response", async () => {
    await using peer = await Patient.listen();
    const upstream = backend([peer.side.port]);
    for (const [answer, fault] of [
      [() => undefined, /reading response from peer: timed out/],
      [(socket: Socket) => socket.end(), /reading response from peer: /],
      [(socket: Socket) => socket.resetAndDestroy(), /recv\(\) failed \(104: Connection reset by peer\)/],
      ["ICY 200 OK\r\n\r\n", /reading response from peer: /],
    ] as const) {
      notices = [];
      peer.answer = answer;
      const checks = check(upstream, { intervalMs: 60_000 });
      await eventually(`a notice for ${fault}`, WAIT_MS, () => notices.length > 0);
      match(notices[0] ?? "", fault);
      checks.close();
      equal(states(upstream)[0], false);
    }
  });

  test("fail on a peer that nobody can connect to, and come to the port that they name", async () => {
    await using peer = await Patient.listen();
    const dead = await Peerside.listen({ host: "127.0.0.1", port: 0 });
    const upstream = backend([dead.port]);
    await dead[Symbol.asyncDispose]();
    const refused = check(upstream);
    await eventually("a notice", WAIT_MS, () => notices.length > 0);
    match(notices[0] ?? "", /unhealthy while connecting to peer: connect\(\) failed \(111: Connection refused\)/);
    refused.close();
    check(upstream, { port: peer.side.port });
    await eventually("it is well", WAIT_MS, () => states(upstream)[0] === true);
  });

  test("look at so much of a body and no more", async () => {
    await using peer = await Patient.listen();
    const upstream = backend([peer.side.port]);
    const needle = readPattern("needle", false);
    ok(needle.ok);
    const match = { name: "m", status: undefined, headers: [], body: { isNegated: false, pattern: needle.value } };
    for (const [before, isWell] of [[262_144 - 6, true], [262_144 - 5, false]] as const) {
      const body = `${"x".repeat(before)}needle${"x".repeat(100_000)}`;
      peer.answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      const checks = check(upstream, { match, intervalMs: 60_000 });
      await eventually("a result", WAIT_MS, () => checks.healthy.size > 0 || notices.length > 0);
      equal(checks.healthy.size === 1, isWell);
      checks.close();
    }
  });

  test("end what drips, and leave no descriptor behind", async () => {
    await using peer = await Patient.listen();
    const drips: NodeJS.Timeout[] = [];
    peer.answer = (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nX-Slow: ");
      drips.push(setInterval(() => socket.write("a"), 50));
      socket.on("close", () => clearInterval(drips.shift()));
    };
    const upstream = backend([peer.side.port]);
    const before = descriptorCount();
    const memory = new ResponseMemory();
    running.push(new HealthChecks({
      clock, pool, sessions, onNotice: (_level, text) => void notices.push(text), healthyBefore: new Set(),
      onHealth: () => undefined,
      checks: [{
        upstream, check: CHECK,
        question: healthRequest("/alive", ASKING, () => new ResponseReader(LIMITS, memory)),
        dial: { ...DIAL, connectTimeoutMs: 200, sendTimeoutMs: 200, readTimeoutMs: 200 },
      }],
    }));
    await eventually("a notice", WAIT_MS, () => notices.length > 0);
    match(notices[0] ?? "", /unhealthy while reading response from peer: timed out/);
    for (const checks of running) checks.close();
    for (const drip of drips) clearInterval(drip);
    await eventually("the descriptors", WAIT_MS, () => {
      for (const socket of peer.side.sockets) socket.destroy();
      return descriptorCount() <= before;
    });
  });

  test("keep requests from a mandatory peer that has not passed yet, unless it was well before", async () => {
    await using peer = await Patient.listen();
    let asked = 0;
    peer.answer = () => void asked++;
    const upstream = backend([peer.side.port]);
    check(upstream, { mandatory: true, intervalMs: 60_000 }).close();
    deepEqual(states(upstream), [false]);
    const known = new Set([`backend 127.0.0.1:${peer.side.port}`]);
    const again = backend([peer.side.port]);
    const checks = check(again, { mandatory: true, persistent: true, intervalMs: 60_000 }, known);
    deepEqual(states(again), [true]);
    deepEqual(checks.healthy, known);
    checks.close();
    peer.answer = WELL;
    check(upstream, { mandatory: true, passes: 5 });
    await eventually("the first pass", WAIT_MS, () => states(upstream)[0] === true);
  });

  test("leave peers alone that are down, and those that are members no more", async () => {
    await using peer = await Patient.listen();
    await using down = await Patient.listen();
    const upstream = backend([peer.side.port, down.side.port], [down.side.port]);
    check(upstream, { intervalMs: 1 });
    await eventually("some checks", WAIT_MS, () => peer.requests.length >= 2);
    equal(down.requests.length, 0);
    upstream.balancer.setMembers([]);
    const { coarseMs } = clock;
    await eventually("two ticks", WAIT_MS, () => clock.coarseMs > coarseMs + 400);
    const { length } = peer.requests;
    await eventually("two ticks", WAIT_MS, () => clock.coarseMs > coarseMs + 900);
    equal(peer.requests.length, length);
  });
});

describe("a match", () => {
  const pattern = (source: string): Pattern => {
    const read = readPattern(source, false);
    ok(read.ok);
    return read.value;
  };

  test("without a word wants 200 to 399", () => {
    const plain = new HealthMatch(undefined);
    deepEqual([199, 200, 399, 400].map((status) => plain.head(status, [])), [
      "status code", undefined, undefined, "status code",
    ]);
    equal(plain.wantsBody, false);
  });

  test("wants the status that it names, or any other", () => {
    const settings = { name: "m", headers: [], body: undefined };
    const some = new HealthMatch({ ...settings, status: { isNegated: false, ranges: [[200, 200], [301, 303]] } });
    const others = new HealthMatch({ ...settings, status: { isNegated: true, ranges: [[500, 599]] } });
    deepEqual([200, 201, 302].map((status) => some.head(status, [])), [undefined, "status code", undefined]);
    deepEqual([200, 503].map((status) => others.head(status, [])), [undefined, "status code"]);
    equal(new HealthMatch({ ...settings, status: undefined }).head(503, []), undefined);
  });

  test("wants headers to be there or not, to say something or something else", () => {
    const lines = [["Content-Type", "text/html"], ["X-State", "fine"], ["x-state", "slow"]] as const;
    const verdict = (name: string, isNegated: boolean, test: object): string | undefined =>
      new HealthMatch({
        name: "m", status: undefined, body: undefined,
        headers: [{ name, isNegated, test: test as { kind: "present" } }],
      }).head(200, lines);
    const present = { kind: "present" }, slow = { kind: "equal", value: "slow" };
    const html = { kind: "regex", pattern: pattern("html$") };
    equal(verdict("content-type", false, present), undefined);
    equal(verdict("refresh", false, present), "header");
    equal(verdict("refresh", true, present), undefined);
    equal(verdict("X-State", false, slow), undefined, "any of several lines");
    equal(verdict("X-State", true, slow), "header");
    equal(verdict("Refresh", true, slow), undefined, "what is not there says something else");
    equal(verdict("Content-Type", false, html), undefined);
    equal(verdict("Content-Type", true, html), "header");
  });

  test("wants a body that an expression matches, or does not", () => {
    const settings = { name: "m", status: undefined, headers: [] };
    const welcome = new HealthMatch({ ...settings, body: { isNegated: false, pattern: pattern("Welcome") } });
    const calm = new HealthMatch({ ...settings, body: { isNegated: true, pattern: pattern("maintenance") } });
    equal(welcome.wantsBody, true);
    deepEqual(["... Welcome", ""].map((body) => welcome.whole({ body })), [undefined, "body"]);
    deepEqual(["fine", "in maintenance"].map((body) => calm.whole({ body })), [undefined, "body"]);
  });
});
