import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, readText, refusals, textIn } from "../../tests/conf/blocks.ts";
import type { Block } from "../config/nginx/block.ts";
import { KEEPALIVE_DEFAULTS } from "./defaults.ts";
import {
  appMembers, healthCheckOf, healthMistakes, resolverSettings, upstreamDirectives, upstreamMistakes, upstreamSettings,
} from "./directives.ts";
import type { HealthCheckSettings, UpstreamServerSettings, UpstreamSettings } from "./settings.ts";

/** The http block of a text in it. */
function httpOf(text: string): Block {
  const { block, mistakes } = readText(textIn("http", text), upstreamDirectives);
  assert.deepEqual(mistakes, []);
  const http = block.directives.at(-1)?.block;
  assert.ok(http !== undefined);
  return http;
}

/** What `upstream u { … }` says. */
function upstreamOf(text: string): UpstreamSettings {
  const [upstream] = upstreamSettings(httpOf(`upstream u { ${text} }`));
  assert.ok(upstream !== undefined);
  return upstream;
}

function serverOf(words: string): UpstreamServerSettings {
  const [server] = upstreamOf(`server ${words};`).servers;
  assert.ok(server !== undefined);
  return server;
}

function refused(text: string): readonly string[] {
  return refusals(textIn("upstream", text), upstreamDirectives);
}

/** What is wrong with an upstream as a whole. */
function wrong(text: string): readonly string[] {
  return upstreamMistakes(httpOf(text)).map(({ severity = "error", nginx }) => `${severity}: ${nginx}`);
}

describe("the directives of upstreams", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(upstreamDirectives), []);
  });

  test("may stand where nginx's reference says", () => {
    assert.deepEqual(contextMistakes(upstreamDirectives), []);
  });

  test("have nginx's defaults", () => {
    assert.deepEqual(upstreamOf("server 127.0.0.1;"), {
      name: "u",
      balance: { kind: "round_robin" },
      sticky: undefined,
      servers: [{
        name: "127.0.0.1", address: { kind: "tcp", host: "127.0.0.1", port: 80 }, weight: 1, maxConns: 0, maxFails: 1,
        failTimeoutMs: 10_000, backup: false, down: false, drain: false, slowStartMs: 0, resolve: false,
        service: undefined, route: undefined,
      }],
      keepalive: { connections: 32, requests: 1000, timeMs: 3_600_000, timeoutMs: 60_000 },
      resolver: undefined,
    });
    assert.deepEqual(upstreamOf("server a;").keepalive, KEEPALIVE_DEFAULTS, "as without an upstream block");
  });

  test("are called as requests name them, whatever the case", () => {
    assert.deepEqual(upstreamSettings(httpOf("upstream Shop { server a; } upstream b { server b; }"))
      .map(({ name }) => name), ["shop", "b"]);
    assert.deepEqual(wrong("upstream a { server a; } upstream A { server a; }"), ['error: duplicate upstream "A"']);
  });

  test("keep connections as they say", () => {
    const text = "server a; keepalive 64 local; keepalive_requests 5; keepalive_time 1m; keepalive_timeout 2s;";
    assert.deepEqual(upstreamOf(text).keepalive, { connections: 64, requests: 5, timeMs: 60_000, timeoutMs: 2000 });
    assert.equal(upstreamOf("server a; keepalive 0;").keepalive.connections, 0);
    assert.deepEqual(refused("keepalive x;"), ['invalid value "x" in "keepalive" directive']);
    assert.deepEqual(refused("keepalive -1;"), ['invalid value "-1" in "keepalive" directive']);
    assert.deepEqual(refused("keepalive 1 global;"), ['invalid parameter "global"']);
  });

  test("have a zone that is checked and does nothing", () => {
    assert.deepEqual(refused("zone a x;"), ['invalid zone size "x"']);
    assert.deepEqual(refused("zone a 31k;"), ['zone "a" is too small']);
    assert.deepEqual(refused('zone "" 64k;'), ['invalid zone name ""']);
    assert.deepEqual(refused("zone a 32k; zone a;"), []);
  });
});

describe("a member of an upstream", () => {
  test("is a host, an address or a socket", () => {
    assert.deepEqual(serverOf("backend.example:8080").address, { kind: "tcp", host: "backend.example", port: 8080 });
    assert.deepEqual(serverOf("[::1]:81").address, { kind: "tcp", host: "::1", port: 81 });
    assert.deepEqual(serverOf("unix:/run/app.sock").address, { kind: "unix", path: "/run/app.sock" });
  });

  test("is an application of the same file", () => {
    const { name, address, weight, backup } = serverOf("app:shop-2.x weight=3 backup");
    assert.deepEqual([name, address, weight, backup], ["app:shop-2.x", { kind: "app", name: "shop-2.x" }, 3, true]);
    const http = httpOf("upstream a { server app:b; server c; } upstream d { server app:e down; }");
    assert.deepEqual(appMembers(http).map((app) => [app.name, app.place.value]), [["b", "app:b"], ["e", "app:e"]]);
  });

  test("is a host with a port where that host is called app", () => {
    assert.deepEqual(serverOf("app:8000").address, { kind: "tcp", host: "app", port: 8000 });
    assert.deepEqual(serverOf("app").address, { kind: "tcp", host: "app", port: 80 });
    assert.deepEqual(refused("server app:0;"), ['invalid port in upstream "app:0"']);
  });

  test("that is an application has no name to look up, and is called as applications are", () => {
    assert.deepEqual(refused("server app:shop resolve;"), ['invalid parameter "resolve"']);
    assert.deepEqual(refused("server app:shop service=http resolve;"), ['invalid parameter "service=http"']);
    assert.deepEqual(refused("server app:-x;"), ['invalid app name "-x"']);
    assert.deepEqual(refused("server app:;"), ['invalid app name ""']);
    assert.deepEqual(refused(`server app:${"a".repeat(65)};`), [`invalid app name "${"a".repeat(65)}"`]);
  });

  test("has parameters in any order", () => {
    const words = "a slow_start=5s route=x drain down backup max_fails=3 weight=7 max_conns=9 fail_timeout=1m";
    assert.deepEqual(serverOf(words), {
      name: "a", address: { kind: "tcp", host: "a", port: 80 }, weight: 7, maxConns: 9, maxFails: 3,
      failTimeoutMs: 60_000, backup: true, down: true, drain: true, slowStartMs: 5000, resolve: false,
      service: undefined, route: "x",
    });
    const { resolve, service } = serverOf("a service=http resolve");
    assert.deepEqual([resolve, service], [true, "http"]);
  });

  // What the nginx of Debian 12 says, as far as it has the parameter.
  test("is refused in nginx's words", () => {
    for (const [words, nginx] of [
      ["a:x", 'invalid port in upstream "a:x"'],
      ["a:0", 'invalid port in upstream "a:0"'],
      ["http://a", 'invalid host in upstream "http://a"'],
      ["*:80", 'host not found in upstream "*:80"'],
      ["a@b", 'host not found in upstream "a@b"'],
      ["unix:", 'no path in the unix domain socket in upstream "unix:"'],
      ['""', 'no host in upstream ""'],
      ["a weight=0", 'invalid parameter "weight=0"'],
      ["a weight=65536", 'invalid parameter "weight=65536"'],
      ["a max_fails=-1", 'invalid parameter "max_fails=-1"'],
      ["a fail_timeout=500ms", 'invalid parameter "fail_timeout=500ms"'],
      ["a max_conns=x", 'invalid parameter "max_conns=x"'],
      ["a backup=1", 'invalid parameter "backup=1"'],
      ["a route=", 'invalid parameter "route="'],
      ["a weight", 'invalid parameter "weight"'],
      ["a service=http", 'service upstream "a" requires "resolve" parameter'],
      ["a:80 service=http resolve", 'service upstream "a:80" may not have port'],
    ] as const) assert.deepEqual(refused(`server ${words};`), [nginx], words);
    assert.deepEqual(refused("server a weight=65535;"), []);
  });

  test("must be there, and not only as a backup", () => {
    assert.deepEqual(wrong("upstream a { }"), ["error: no servers are inside upstream"]);
    assert.deepEqual(wrong("upstream a { server b backup; }"), ['error: no servers in upstream "a"']);
    const { block } = readText(textIn("http", "upstream a { server b weight=0; }"), upstreamDirectives);
    const [http] = block.directives;
    assert.deepEqual(http?.block && upstreamMistakes(http.block), [], "one that is refused is there");
    assert.deepEqual(wrong("upstream a { server b down; server c backup; }"), []);
  });
});

describe("a method of balancing", () => {
  const balanceOf = (text: string): unknown => upstreamOf(`server a; ${text}`).balance;

  test("is read with its parameters", () => {
    assert.deepEqual(balanceOf("least_conn;"), { kind: "least_conn" });
    assert.deepEqual(balanceOf("ip_hash;"), { kind: "ip_hash" });
    const key = [{ kind: "variable", name: "uri" }];
    assert.deepEqual(balanceOf("hash $uri;"), { kind: "hash", key, consistent: false });
    assert.deepEqual(balanceOf("hash $uri consistent;"), { kind: "hash", key, consistent: true });
    assert.deepEqual(balanceOf("random;"), { kind: "random", two: undefined });
    assert.deepEqual(balanceOf("random two;"), { kind: "random", two: "least_conn" });
    assert.deepEqual(balanceOf("random two least_time=last_byte;"), { kind: "random", two: "last_byte" });
    assert.deepEqual(balanceOf("least_time header inflight;"), { kind: "least_time", until: "header", inflight: true });
  });

  test("is refused in nginx's words", () => {
    assert.deepEqual(refused("hash a b;"), ['invalid parameter "b"']);
    assert.deepEqual(refused("random three;"), ['invalid parameter "three"']);
    assert.deepEqual(refused("random two best;"), ['invalid parameter "best"']);
    assert.deepEqual(refused("random two constructor;"), ['invalid parameter "constructor"']);
    assert.deepEqual(refused("least_time first;"), ['invalid parameter "first"']);
  });

  test("is the last of several, of which a warning tells", () => {
    assert.deepEqual(balanceOf("ip_hash; least_conn;"), { kind: "least_conn" });
    assert.deepEqual(wrong("upstream a { ip_hash; hash x; server b; }"), [
      "warning: load balancing method redefined",
    ]);
  });

  test("has no backups behind it, if it is a hash or random", () => {
    for (const method of ["ip_hash", "hash x", "random"]) {
      assert.deepEqual(wrong(`upstream a { ${method}; server b; server c backup; }`), [
        'error: balancing method does not support parameter "backup"',
      ]);
      assert.deepEqual(wrong(`upstream a { server c backup; ${method}; server b; }`), []);
    }
    assert.deepEqual(wrong("upstream a { random; server b slow_start=1s; }"), [
      'error: balancing method does not support parameter "slow_start"',
    ]);
  });
});

describe("stickiness", () => {
  const stickyOf = (text: string): unknown => upstreamOf(`server a; sticky ${text};`).sticky;
  const literal = (text: string): unknown => [{ kind: "literal", text }];
  const variable = (name: string): unknown => [{ kind: "variable", name }];

  test("is a cookie, a route, or learnt", () => {
    assert.deepEqual(stickyOf("cookie id expires=1h domain=.a.example path=/ httponly secure samesite=Lax"), {
      kind: "cookie", name: "id", expiresMs: 3_600_000, domain: literal(".a.example"), path: literal("/"),
      httpOnly: true, secure: true, sameSite: literal("Lax"),
    });
    assert.deepEqual(stickyOf("cookie id expires=max samesite=$s"), {
      kind: "cookie", name: "id", expiresMs: "max", domain: undefined, path: undefined, httpOnly: false, secure: false,
      sameSite: variable("s"),
    });
    assert.deepEqual(stickyOf("route $cookie_a $arg_b"), {
      kind: "route", variables: [variable("cookie_a"), variable("arg_b")],
    });
    assert.deepEqual(stickyOf("learn create=$upstream_cookie_a lookup=$cookie_a zone=z:1m timeout=5s header"), {
      kind: "learn", create: [variable("upstream_cookie_a")], lookup: [variable("cookie_a")],
      zone: { name: "z", size: 1_048_576 }, timeoutMs: 5000, header: true,
    });
  });

  test("is refused where something is missing or unknown", () => {
    for (const [words, nginx] of [
      ["cookie", 'invalid number of arguments in "sticky" directive'],
      ["cake a", 'invalid parameter "cake"'],
      ["cookie a=b", 'invalid parameter "a=b"'],
      ["cookie a expires=x", 'invalid parameter "expires=x"'],
      ["cookie a samesite=maybe", 'invalid parameter "samesite=maybe"'],
      ["cookie a insecure", 'invalid parameter "insecure"'],
      ["learn lookup=a zone=z:1m", '"create" parameter is required'],
      ["learn create=a zone=z:1m", '"lookup" parameter is required'],
      ["learn create=a lookup=a", '"zone" parameter is required'],
      ["learn create=a lookup=a zone=z:1k", 'invalid parameter "zone=z:1k"'],
      ["learn create=a lookup=a zone=z:1m sync", 'invalid parameter "sync"'],
    ] as const) assert.deepEqual(refused(`sticky ${words};`), [nginx], words);
  });
});

describe("a health check", () => {
  const checkOf = (words: string, more: string = ""): HealthCheckSettings => {
    const http = httpOf(`${more} server { location / { health_check ${words}; } }`);
    const location = http.directives.at(-1)?.block?.directives[0]?.block;
    assert.ok(location !== undefined);
    const check = healthCheckOf(location, http);
    assert.ok(check !== undefined);
    return check;
  };
  const said = (text: string): readonly string[] => healthMistakes(httpOf(text)).map(({ nginx }) => nginx);

  test("has nginx's defaults", () => {
    assert.deepEqual(checkOf(""), {
      intervalMs: 5000, jitterMs: 0, fails: 1, passes: 1, uri: "/", port: undefined, match: undefined,
      mandatory: false, persistent: false, grpc: undefined,
    });
  });

  test("asks by gRPC where it says so", () => {
    assert.deepEqual(checkOf("type=grpc").grpc, { service: "", status: 0 });
    assert.deepEqual(checkOf("type=grpc grpc_service=shop.Orders grpc_status=12").grpc,
      { service: "shop.Orders", status: 12 });
    assert.equal(checkOf("type=http").grpc, undefined);
  });

  test("has parameters, and a match that it names", () => {
    const match = "match ok { status 200 301-303; header Content-Type = text/html; header ! X-A; body !~ err(or)?; }";
    const words = "interval=1s jitter=500ms fails=3 passes=2 uri=/alive?x port=81 match=ok mandatory persistent";
    const { match: found, ...rest } = checkOf(words, match);
    assert.deepEqual(rest, {
      intervalMs: 1000, jitterMs: 500, fails: 3, passes: 2, uri: "/alive?x", port: 81, mandatory: true,
      persistent: true, grpc: undefined,
    });
    assert.deepEqual(found?.status, { isNegated: false, ranges: [[200, 200], [301, 303]] });
    assert.deepEqual(found.headers, [
      { name: "content-type", isNegated: false, test: { kind: "equal", value: "text/html" } },
      { name: "x-a", isNegated: true, test: { kind: "present" } },
    ]);
    assert.deepEqual([found.body?.isNegated, found.body?.pattern.source], [true, "err(or)?"]);
  });

  test("is refused where something is unknown", () => {
    const inLocation = (words: string): readonly string[] =>
      refusals(textIn("location", `health_check ${words};`), upstreamDirectives);
    for (const words of ["x", "interval=0", "interval=x", "fails=0", "fails=1001", "port=0", "uri=x", "type=tcp",
      "grpc_status=0", "grpc_status=17", "grpc_service=a/b"]) {
      assert.deepEqual(inLocation(words), [`invalid parameter "${words}"`]);
    }
    assert.deepEqual(inLocation("persistent"), ['"persistent" requires "mandatory"']);
    const needsGrpc = '"grpc_service" and "grpc_status" require "type=grpc"';
    assert.deepEqual(inLocation("grpc_status=12"), [needsGrpc]);
    assert.deepEqual(inLocation("grpc_service=a type=http"), [needsGrpc]);
    for (const words of ["type=grpc uri=/a", "match=b type=grpc"]) {
      assert.deepEqual(inLocation(words), ['"type=grpc" takes neither "uri" nor "match"']);
    }
    assert.deepEqual(inLocation("fails=1000"), []);
  });

  test("needs a match that is there, once", () => {
    assert.deepEqual(said("match a { status 200; } match a { status 200; status 201; }"), [
      'duplicate match "a"', '"status" directive is duplicate',
    ]);
    assert.deepEqual(said("server { location / { health_check match=b; } }"), ['match "b" is not defined']);
  });

  test("needs lines in its match that say something", () => {
    const inMatch = (text: string): readonly string[] =>
      refusals(textIn("http", `match a { ${text}; }`), upstreamDirectives);
    for (const [text, nginx] of [
      ["status", 'invalid parameter ""'], ["status !", 'invalid parameter "!"'],
      ["status 2000", 'invalid parameter "2000"'],
      ["status 300-200", 'invalid parameter "300-200"'], ["header A B", 'invalid parameter "A"'],
      ["header A > B", 'invalid parameter ">"'], ["body ok", 'invalid parameter "ok"'],
      ["send x", 'unknown directive "send"'],
    ] as const) assert.deepEqual(inMatch(text), [nginx], text);
    assert.deepEqual(inMatch("status ! 500-599; header A; header B !~ x; header C ~* y; body ~ ok"), []);
  });
});

describe("name servers", () => {
  const refusedInHttp = (words: string): readonly string[] =>
    refusals(textIn("http", `resolver ${words};`), upstreamDirectives);

  test("are addresses with parameters", () => {
    const http = httpOf("resolver 127.0.0.53 [::1]:5353 localhost:54 valid=30s ipv6=off; resolver_timeout 5s;");
    assert.deepEqual(resolverSettings(http), {
      servers: ["127.0.0.53", "[::1]:5353", "127.0.0.1:54"], validMs: 30_000, ipv4: true, ipv6: false,
      timeoutMs: 5000,
    });
    assert.equal(resolverSettings(httpOf("resolver_timeout 5s;")), undefined);
  });

  test("are those of the upstream, or of the block around it", () => {
    const [own, other] = upstreamSettings(httpOf(`resolver 192.0.2.1;
      upstream a { server a; resolver 192.0.2.2 valid=1s; resolver_timeout 1s; } upstream b { server b; }`));
    assert.deepEqual([own?.resolver?.servers, own?.resolver?.timeoutMs], [["192.0.2.2"], 1000]);
    assert.deepEqual([other?.resolver?.servers, other?.resolver?.timeoutMs], [["192.0.2.1"], 30_000]);
  });

  test("are refused in nginx's words", () => {
    for (const [words, nginx] of [
      ["127.0.0.1 valid=x", "invalid parameter: valid=x"],
      ["127.0.0.1 valid=10ms", "invalid parameter: valid=10ms"],
      ["127.0.0.1 ipv6=x", "invalid parameter: ipv6=x"],
      ["127.0.0.1 ipv4=off ipv6=off", '"ipv4" and "ipv6" cannot both be "off"'],
      ["127.0.0.1:x", 'invalid port in resolver "127.0.0.1:x"'],
      ["localhost:99999", 'invalid port in resolver "127.0.0.1:99999"'],
      ["*", 'host not found in resolver "*"'],
      ["dns.example", 'host not found in resolver "dns.example"'],
      ['""', 'no host in resolver ""'],
      ["valid=10s", "no name servers defined"],
      ["", 'invalid number of arguments in "resolver" directive'],
    ] as const) assert.deepEqual(refusedInHttp(words), [nginx], words);
    const many = Array.from({ length: 32 }, () => "127.0.0.1").join(" ");
    assert.deepEqual(refusedInHttp(many), []);
    assert.deepEqual(refusedInHttp(`${many} ::1`), ['invalid number of arguments in "resolver" directive']);
    assert.deepEqual(refusedInHttp("[::1]:53 ::1 ipv4=off ipv6=on status_zone=z valid=1m"), []);
  });
});
