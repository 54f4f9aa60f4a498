import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseComplexValue } from "../config/nginx/complex-value.ts";
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { serversOf, Simulation } from "./balance/simulation.ts";
import type { StickySettings } from "./settings.ts";
import { stickyCookie, stickyOf, stickySessionOf } from "./sticky.ts";

const A = "10.0.0.1:80", B = "10.0.0.2:80", C = "10.0.0.3:80";
const FAILED = { outcome: "failed" } as const;

function value(text: string): ComplexValue {
  const parsed = parseComplexValue(text);
  assert.ok(parsed.ok);
  return parsed.value;
}

type StickyCookie = Extract<StickySettings, { kind: "cookie" }>;

const COOKIE: StickyCookie = {
  kind: "cookie", name: "srv_id", expiresMs: undefined, domain: undefined, path: undefined, httpOnly: false,
  secure: false, sameSite: undefined,
};

function learning(size: number): Extract<StickySettings, { kind: "learn" }> {
  return {
    kind: "learn", create: [value("$upstream_cookie_sid")], lookup: [value("$cookie_sid"), value("$arg_sid")],
    zone: { name: "sessions", size }, timeoutMs: 600_000, header: false,
  };
}

/** Variables are what their names say. */
function evaluate(of: Readonly<Record<string, string>> = {}): (value: ComplexValue) => string {
  return (parts) => parts.map((part) => {
    return part.kind === "literal" ? part.text : part.kind === "variable" ? (of[part.name] ?? "") : "";
  }).join("");
}

describe("A request that sticks to a server", () => {
  const routes = serversOf({ route: "a" }, { route: "b" }, { route: "c" });

  test("gets it by its route, and a server by the method without one", () => {
    const simulation = new Simulation({ servers: routes, sticky: { kind: "route", variables: [] } });
    assert.deepEqual(simulation.requests(4, { sticky: "b" }), [B, B, B, B]);
    assert.deepEqual(simulation.requests(3), [A, B, C]);
    for (const sticky of ["", "nobody", "A"]) assert.deepEqual(simulation.requests(3, { sticky }), [A, B, C]);
  });

  test("gets it by the MD5 of its address where it has no route, as nginx's cookie says", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), sticky: COOKIE });
    // printf 10.0.0.2:80 | md5sum
    const sticky = "02bf6c443706f2465311f42c387f9d65";
    assert.equal(simulation.peer(B).id, sticky);
    assert.deepEqual(simulation.requests(3, { sticky }), [B, B, B]);
  });

  test("gets another by the method while its own cannot be asked", () => {
    const simulation = new Simulation({ servers: routes, sticky: COOKIE });
    assert.equal(simulation.request({ sticky: "b" }, FAILED), B);
    for (const name of simulation.requests(6, { sticky: "b" })) assert.notEqual(name, B);
    simulation.nowMs += 10_001;
    assert.equal(simulation.request({ sticky: "b" }), B);
    simulation.balancer.setHealth(simulation.peer(B), false);
    assert.notEqual(simulation.request({ sticky: "b" }), B);
  });

  test("gets another when it has tried its own", () => {
    const simulation = new Simulation({ servers: routes, sticky: COOKIE });
    const first = simulation.choose({ sticky: "c" });
    assert.equal(first?.name, C);
    assert.ok(first !== undefined);
    assert.equal(simulation.choose({ sticky: "c" }, [first])?.name, A);
  });

  test("gets another when its own has as many as it may", () => {
    const servers = serversOf({ route: "a", maxConns: 2 }, { route: "b", maxConns: 3 });
    const simulation = new Simulation({ servers, sticky: { kind: "route", variables: [] } });
    const names = Array.from({ length: 6 }, () => simulation.choose({ sticky: "a" })?.name);
    assert.deepEqual(names, [A, A, B, B, B, undefined]);
  });

  test("is the only one that a server gets while it is drained", () => {
    const servers = serversOf({ route: "a", drain: true }, { route: "b" });
    const simulation = new Simulation({ servers, sticky: { kind: "route", variables: [] } });
    assert.deepEqual(simulation.requests(3), [B, B, B]);
    assert.deepEqual(simulation.requests(2, { sticky: "a" }), [A, A]);
    const alone = new Simulation({ servers: serversOf({ route: "a", drain: true }), sticky: COOKIE });
    assert.deepEqual([alone.request(), alone.request({ sticky: "a" })], ["", A]);
  });

  test("gets those of one route in turns", () => {
    const servers = serversOf({ route: "a", drain: true }, { route: "b" }, { route: "a", drain: true });
    const simulation = new Simulation({ servers, sticky: COOKIE });
    assert.deepEqual(simulation.requests(4, { sticky: "a" }), [A, C, A, C]);
  });

  test("gets a backup server only while no primary one can be asked", () => {
    const servers = serversOf({}, { route: "b", backup: true }, { route: "c", backup: true });
    const simulation = new Simulation({ servers, sticky: COOKIE });
    assert.equal(simulation.request({ sticky: "c" }, FAILED), A);
    assert.deepEqual(simulation.requests(3, { sticky: "c" }), [C, C, C]);
  });

  test("does not change whose turn it is", () => {
    const simulation = new Simulation({ servers: serversOf({ route: "a", weight: 3 }, { weight: 2 }), sticky: COOKIE });
    simulation.requests(100, { sticky: "a" });
    assert.deepEqual(simulation.counts(100), [60, 40]);
  });
});

describe("sticky learn", () => {
  test("remembers who began a session, in all threads", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}, {}), sticky: learning(65_536) });
    const other = simulation.view();
    const peer = simulation.peer(B);
    simulation.balancer.learn(peer, { created: "s1", asked: undefined });
    for (let count = 0; count < 3; count++) {
      assert.equal(simulation.choose({ sticky: "s1" }, [], other)?.name, B);
      assert.equal(simulation.request({ sticky: "s1" }), B);
    }
    assert.deepEqual(simulation.requests(3, { sticky: "S1" }), [A, B, C]);
  });

  test("forgets a session that nobody used for the timeout, and not one that is used", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), sticky: learning(65_536) });
    const peer = simulation.peer(B);
    for (const created of ["idle", "used", "moved"]) simulation.balancer.learn(peer, { created, asked: undefined });
    for (let minute = 0; minute < 15; minute++) {
      simulation.nowMs += 60_000;
      simulation.balancer.learn(peer, { created: undefined, asked: "used" });
      // Its response names another session, so that it does not live on.
      simulation.balancer.learn(peer, { created: "new", asked: "moved" });
    }
    assert.deepEqual(simulation.requests(3, { sticky: "used" }), [B, B, B]);
    assert.deepEqual(simulation.requests(2, { sticky: "idle" }), [A, B]);
    assert.deepEqual(simulation.requests(2, { sticky: "moved" }), [A, B]);
  });

  test("moves a session to the server that begins it anew", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), sticky: learning(65_536) });
    simulation.balancer.learn(simulation.peer(A), { created: "s", asked: undefined });
    simulation.balancer.learn(simulation.peer(B), { created: "s", asked: "s" });
    assert.deepEqual(simulation.requests(2, { sticky: "s" }), [B, B]);
    simulation.balancer.learn(simulation.peer(A), { created: undefined, asked: "s" });
    assert.equal(simulation.request({ sticky: "s" }), B);
  });

  test("keeps as many sessions as its zone has room for, the latest ones", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), sticky: learning(65_536) });
    const peer = simulation.peer(B);
    const names = Array.from({ length: 10_000 }, (_, index) => `session ${index}`);
    for (const created of names) {
      simulation.nowMs += 1;
      simulation.balancer.learn(peer, { created, asked: undefined });
    }
    simulation.balancer.setHealth(simulation.peer(A), true);
    // Known ones get B; of the others half do.
    const known = names.map((sticky) => [1, 2, 3].every(() => simulation.request({ sticky }) === B));
    const count = known.filter(Boolean).length;
    assert.ok(count > 1_800 && count <= 2_048, `${count} sessions in 64 KiB`);
    assert.ok(known.slice(-500).every(Boolean));
  });

  test("has room for some sessions even in a zone without any size", () => {
    const simulation = new Simulation({ servers: serversOf({}, {}), sticky: learning(0) });
    simulation.balancer.learn(simulation.peer(B), { created: "s", asked: undefined });
    assert.deepEqual(simulation.requests(3, { sticky: "s" }), [B, B, B]);
  });
});

describe("What a request sticks to", () => {
  const cookie = (name: string): string => (name === "srv_id" ? "id" : "");

  test("is the cookie's value", () => {
    assert.equal(stickyOf(COOKIE, { cookie, evaluate: evaluate() }), "id");
    assert.equal(stickyOf({ ...COOKIE, name: "other" }, { cookie, evaluate: evaluate() }), undefined);
  });

  test("is the first route or session that is not empty", () => {
    const sticky: StickySettings = { kind: "route", variables: [value("$a"), value("$b"), value("$c")] };
    assert.equal(stickyOf(sticky, { cookie, evaluate: evaluate({ b: "x", c: "y" }) }), "x");
    assert.equal(stickyOf(sticky, { cookie, evaluate: evaluate() }), undefined);
    assert.equal(stickyOf(learning(0), { cookie, evaluate: evaluate({ arg_sid: "s" }) }), "s");
    assert.equal(stickySessionOf(learning(0), evaluate({ upstream_cookie_sid: "s" })), "s");
    assert.equal(stickySessionOf(learning(0), evaluate()), undefined);
  });
});

describe("The cookie that binds a client", () => {
  const nowMs = Date.UTC(2026, 10, 21, 15, 30, 5);
  const text = (changes: Partial<StickyCookie>, of: Readonly<Record<string, string>> = {}): string => {
    return stickyCookie({ ...COOKIE, ...changes }, "id", { evaluate: evaluate(of), nowMs });
  };

  test("has a name and the server's id", () => assert.equal(text({}), "srv_id=id"));

  test("has all that is said of it", () => {
    const all = {
      expiresMs: 3_780_000, domain: value("example.com"), path: value("/"), secure: true, httpOnly: true,
      sameSite: value("lax"),
    };
    assert.equal(
      text(all),
      "srv_id=id; expires=Sat, 21-Nov-26 16:33:05 GMT; max-age=3780; domain=example.com; path=/; secure; httponly; " +
      "samesite=lax",
    );
  });

  test("ends as late as nginx can say, or in a year of four digits", () => {
    assert.equal(text({ expiresMs: "max" }), "srv_id=id; expires=Thu, 31-Dec-37 23:55:55 GMT; max-age=315360000");
    assert.match(text({ expiresMs: 20 * 365 * 86_400_000 }), /expires=Fri, 16-Nov-2046 15:30:05 GMT;/);
  });

  test("leaves out what is empty, and makes samesite strict if it is no word of it", () => {
    assert.equal(text({ domain: value("$d"), path: value("$p"), sameSite: value("$s") }), "srv_id=id");
    assert.equal(text({ sameSite: value("$s") }, { s: "wrong" }), "srv_id=id; samesite=strict");
    assert.equal(text({ sameSite: value("$s") }, { s: "None" }), "srv_id=id; samesite=none");
  });

  test("does not let a value of a client add attributes or fields", () => {
    for (const d of ["x; secure", "x\r\nSet-Cookie: a=b", "x\0", "x\u007f"]) {
      assert.equal(text({ domain: value("$d") }, { d }), "srv_id=id");
    }
  });
});
