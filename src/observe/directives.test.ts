import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { blockAt, readLogs } from "../../tests/observe/configuration.ts";
import { text } from "../../tests/route/facts.ts";
import {
  accessLogRows, accessLogSettings, errorLogRows, errorLogSettings, logColors, logFormatsOf, logMistakes,
  observeDirectives,
} from "./directives.ts";
import type { AccessLogSettings } from "./settings.ts";

/** nginx's words for the one thing that is wrong with directives of `http`, which were heard from nginx 1.22. */
function refusal(directives: string, context: "http" | "main" = "http"): string {
  const { mistakes } = readLogs(context === "main" ? `${directives}\n` : `http {\n${directives}\n}\n`);
  assert.equal(mistakes.length, 1, `${directives}: ${mistakes.join("")}`);
  return /^nginx: \[emerg\] (.*) in \/nginx\.conf:\d+$/m.exec(mistakes[0] ?? "")?.[1] ?? mistakes[0] ?? "";
}

const base = { format: "combined", bufferSize: 0, flushMs: undefined, gzip: undefined, condition: undefined };

/** The access logs of `http` with these directives in it. */
function logs(directives: string): AccessLogSettings["logs"] {
  const { block, mistakes } = readLogs(`http { ${directives} }`);
  assert.deepEqual(mistakes, [], directives);
  return accessLogSettings(blockAt(block, "http"), "/prefix").logs;
}

describe("access_log", () => {
  test("says where, in which format, and how lines are gathered", () => {
    assert.deepEqual(logs("access_log logs/a.log;"), [{ ...base, path: "/prefix/logs/a.log" }]);
    assert.deepEqual(logs("access_log /a timed buffer=32k flush=5m gzip=9 if=$arg_log;"), [{
      path: "/a", format: "timed", bufferSize: 32_768, flushMs: 300_000, gzip: 9, condition: text("$arg_log"),
    }]);
    assert.deepEqual(logs("access_log /a combined gzip;"), [{ ...base, path: "/a", bufferSize: 65_536, gzip: 1 }]);
    assert.deepEqual(logs("access_log -; access_log /b;").map(({ path }) => path), ["-", "/b"]);
    const server = "syslog:server=[::1]:5514,tag=shop,facility=local0,severity=error,nohostname";
    assert.deepEqual(logs(`access_log ${server} combined if=1;`).map(({ path }) => path), [server]);
  });

  test("finds a path with variables below the prefix, too", () => {
    assert.deepEqual(logs("access_log logs/$host.log; access_log $host; access_log /v/$1;").map(({ path }) => path), [
      text("/prefix/logs/$host.log"), text("/prefix/$host"), text("/v/$1"),
    ]);
  });

  test("holds for blocks inside that have none, and off ends it", () => {
    const { block } = readLogs(`
      http {
        access_log /a; log_subrequest on; open_log_file_cache max=10 inactive=20s min_uses=2 valid=1m;
        server { location / { limit_except GET { access_log /x; } if ($host) { access_log off; } } }
      }
      `);
    const settings = (path: string): AccessLogSettings => accessLogSettings(blockAt(block, path), "/");
    const inherited = settings("http server location");
    assert.deepEqual(inherited, settings("http"));
    assert.deepEqual(inherited.openFileCache, { max: 10, inactiveMs: 20_000, minUses: 2, validMs: 60_000 });
    assert.equal(inherited.logSubrequests, true);
    assert.deepEqual(settings("http server location limit_except").logs, [{ ...base, path: "/x" }]);
    assert.deepEqual(settings("http server location if").logs, []);
    assert.deepEqual(logs("access_log off; access_log /a;"), []);
    assert.deepEqual(logs(""), []);
  });

  test("refuses what nginx refuses, in its words", () => {
    const cases: readonly (readonly [args: string, words: string])[] = [
      ["off x", 'invalid parameter "x"'],
      ["x combined foo", 'invalid parameter "foo"'],
      ["x combined buffer=", 'invalid buffer size ""'],
      ["x combined buffer=0", 'invalid buffer size "0"'],
      ["x combined buffer=1g", 'invalid buffer size "1g"'],
      ["x combined flush=0", 'invalid flush time "0"'],
      ["x combined buffer=1m flush=1y", 'invalid flush time "1y"'],
      ["x combined flush=5m", 'no buffer is defined for access_log "x"'],
      ["x combined gzip=0", 'invalid compression level "0"'],
      ["x combined gzip=10", 'invalid compression level "10"'],
      ["x combined gzip=", 'invalid compression level ""'],
      ["x$host combined buffer=32k", "buffered logs cannot have variables in name"],
      ["x$host combined gzip", "buffered logs cannot have variables in name"],
      ["'x${'", "invalid variable name"],
      ["a combined if=$", "invalid variable name"],
      ["syslog:server=127.0.0.1 combined gzip", "logs to syslog cannot be buffered"],
    ];
    for (const [args, words] of cases) assert.equal(refusal(`access_log ${args};`), words, args);
    assert.equal(refusal("access_log;"), 'invalid number of arguments in "access_log" directive');
  });

  test("refuses syslog servers as nginx does, and those on Unix sockets with a way out", () => {
    const cases: readonly (readonly [rest: string, words: string])[] = [
      ["", 'unknown syslog parameter ""'],
      ["tag=x", "no syslog server specified"],
      ["server=", 'no host in syslog server ""'],
      ["server=[]", 'no host in syslog server "[]"'],
      ["server=[::1", 'invalid host in syslog server "[::1"'],
      ["server=[::1]x", 'invalid host in syslog server "[::1]x"'],
      ["server=::1", 'invalid port in syslog server "::1"'],
      ["server=:514", 'no host in syslog server ":514"'],
      ["server=a:0", 'invalid port in syslog server "a:0"'],
      ["server=a:65536", 'invalid port in syslog server "a:65536"'],
      ["server=a,foo=1", 'unknown syslog parameter "foo=1"'],
      ["server=a,nohostname=1", 'unknown syslog parameter "nohostname=1"'],
      ["server=a,facility=syslog", 'unknown syslog facility "syslog"'],
      ["server=a,severity=INFO", 'unknown syslog severity "INFO"'],
      ["server=a,tag=a-b", 'syslog "tag" only allows alphanumeric characters and underscore'],
      [`server=a,tag=${"a".repeat(33)}`, "syslog tag length exceeds 32"],
      ["server=a,tag=a,tag=b", 'duplicate syslog "tag"'],
      ["server=unix:", 'no path in the unix domain socket in syslog server "unix:"'],
    ];
    for (const [rest, words] of cases) assert.equal(refusal(`access_log syslog:${rest};`), words, rest);
    const [unix = ""] = readLogs("error_log syslog:server=unix:/dev/log;").mistakes;
    assert.match(unix, /syslog over Unix sockets is not spoken here.*syslog:server=127\.0\.0\.1/);
    logs(`access_log syslog:server=a,nohostname,nohostname,tag=${"a".repeat(32)};`);
  });
});

describe("log_format", () => {
  test("joins its strings, and knows nginx's combined from the beginning", () => {
    const { block, mistakes } = readLogs(`http {
      log_format a '$host' 'name' " $status";
      log_format b escape=json '{"a":"$arg_a"}';
      log_format c escape=atoms '%(h)s ' '%(s)s $';
      log_format d escape=none;
    }`);
    assert.deepEqual(mistakes, []);
    const [combined, ...formats] = logFormatsOf(blockAt(block, "http"));
    assert.equal(combined?.name, "combined");
    assert.deepEqual(formats, [
      { name: "a", escape: "default", value: [
        { kind: "variable", name: "host" }, { kind: "literal", text: "name " }, { kind: "variable", name: "status" },
      ] },
      { name: "b", escape: "json", value: text('{"a":"$arg_a"}') },
      { name: "c", escape: "atoms", value: "%(h)s %(s)s $" },
      { name: "d", escape: "none", value: [] },
    ]);
  });

  test("refuses what nginx refuses, in its words", () => {
    assert.equal(refusal("log_format a;"), 'invalid number of arguments in "log_format" directive');
    assert.equal(refusal("log_format a escape=foo x;"), 'unknown log format escaping "foo"');
    assert.equal(refusal("log_format a '$';"), 'invalid parameter "$"');
    assert.equal(refusal("log_format a 'a$-b';"), 'invalid parameter "$-b"');
    assert.equal(refusal("log_format a '${host';"), 'the closing bracket in "host" variable is missing');
    assert.equal(refusal("log_format a 'x$1';"), 'unknown "1" variable');
    assert.equal(refusal("server { log_format a x; }"), '"log_format" directive is not allowed here');
  });

  test("must stand before what names it, once, and a file has one buffer", () => {
    const mistakes = (directives: string): readonly string[] => {
      const { block } = readLogs(`http {\n${directives}\n}`);
      const found = logMistakes(blockAt(block, "http"), "/prefix");
      return found.map(({ nginx, place }) => `${place.line}:${place.column} ${nginx}`);
    };
    assert.deepEqual(mistakes("access_log x later;\nlog_format later x;"), ['2:14 unknown log format "later"']);
    assert.deepEqual(mistakes("log_format a x;\nlog_format a y;\nlog_format combined z;"), [
      '3:12 duplicate "log_format" name "a"', '4:12 duplicate "log_format" name "combined"',
    ]);
    const inside = "server { location / { access_log x combind; } }";
    assert.deepEqual(mistakes(inside), ['2:36 unknown log format "combind"']);
    const conflict = 'access_log "x" already defined with conflicting parameters';
    assert.deepEqual(mistakes("access_log /prefix/x combined buffer=4k;\naccess_log x combined buffer=5k;"), [
      `3:12 ${conflict}`,
    ]);
    const server = "server { access_log x combined buffer=4k flush=1s; }";
    assert.deepEqual(mistakes(`access_log x combined buffer=4k;\n${server}`), [`3:21 ${conflict}`]);
    assert.deepEqual(mistakes("access_log x combined buffer=4k; access_log x; access_log x combined buffer=4k;"), []);
  });
});

test("open_log_file_cache takes off, or max and more, and refuses in nginx's words", () => {
  const cache = (args: string): unknown => {
    const { block, mistakes } = readLogs(`http { open_log_file_cache ${args}; }`);
    assert.deepEqual(mistakes, [], args);
    return accessLogSettings(blockAt(block, "http"), "/").openFileCache;
  };
  assert.equal(cache("off"), undefined);
  assert.equal(cache("max=10 off"), undefined);
  assert.deepEqual(cache("max=10"), { max: 10, inactiveMs: 10_000, minUses: 1, validMs: 60_000 });
  assert.deepEqual(cache("max=10 inactive=0 min_uses=0 valid=0"), { max: 10, inactiveMs: 0, minUses: 0, validMs: 0 });
  for (const word of ["max=x", "max=-1", "foo", "valid=500ms", "inactive=500ms", "min_uses=x"]) {
    const words = `invalid "open_log_file_cache" parameter "${word}"`;
    assert.equal(refusal(`open_log_file_cache max=1 ${word};`), words);
  }
  for (const args of ["inactive=20s", "max=0"]) {
    assert.equal(refusal(`open_log_file_cache ${args};`), '"open_log_file_cache" must have "max" parameter');
  }
});

describe("error_log", () => {
  const settings = (directives: string, path: string = ""): ReturnType<typeof errorLogSettings> => {
    const { block, mistakes } = readLogs(directives);
    assert.deepEqual(mistakes, [], directives);
    return errorLogSettings(blockAt(block, path), "/prefix/", "-");
  };

  test("says where and from which level on; nginx's levels are ours", () => {
    assert.deepEqual(settings("error_log e.log;"), [{ path: "/prefix/e.log", level: "error" }]);
    const levels = [
      "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "debug_http debug_event", "trace",
    ];
    assert.deepEqual(levels.map((level) => settings(`error_log stderr ${level};`)[0]?.level), [
      "critical", "critical", "critical", "error", "warning", "info", "info", "debug", "debug", "trace",
    ]);
    const standard = settings("error_log stderr; error_log - info; error_log '';");
    assert.deepEqual(standard.map(({ path }) => path), ["-", "-", "-"]);
    const server = "syslog:server=127.0.0.1";
    assert.deepEqual(settings(`error_log ${server} warn;`), [{ path: server, level: "warning" }]);
  });

  test("holds for blocks inside, and what is not written goes where -e says", () => {
    const text = "error_log /a; error_log /b info; http { server { location / { error_log /c debug; } } }";
    assert.deepEqual(settings(text, "http server").map(({ path }) => path), ["/a", "/b"]);
    assert.deepEqual(settings(text, "http server location"), [{ path: "/c", level: "debug" }]);
    const { block } = readLogs("");
    assert.deepEqual(errorLogSettings(block, "/prefix", "e.log"), [{ path: "/prefix/e.log", level: "error" }]);
  });

  test("refuses what nginx refuses, and memory", () => {
    const levels: readonly (readonly [args: string, words: string])[] = [
      ["x warning", 'invalid log level "warning"'], ["x INFO", 'invalid log level "INFO"'],
      ["x toString", 'invalid log level "toString"'], ["x warn error", 'duplicate log level "error"'],
      ["x warn debug_http", 'duplicate log level "debug_http"'], ["x error json", 'invalid log level "json"'],
      ["syslog:server=a,foo", 'unknown syslog parameter "foo"'],
    ];
    for (const [args, words] of levels) assert.equal(refusal(`error_log ${args};`, "main"), words, args);
    const [memory = ""] = readLogs("error_log memory:32m debug;").mistakes;
    assert.match(memory, /nothing is kept in memory here/);
    const [json = ""] = readLogs("error_log e.log error json;").mistakes;
    assert.match(json, /lines are not written as JSON here/);
  });
});

test("log_colors says whether there are colours", () => {
  assert.deepEqual(["log_colors on;", "log_colors off;", ""].map((line) => logColors(readLogs(line).block)), [
    true, false, undefined,
  ]);
});

test("every example is accepted, and what settings depend on is among the rows", () => {
  for (const { example, contexts } of observeDirectives) {
    const { mistakes } = readLogs(contexts.includes("main") ? example : `http { ${example} }`);
    assert.deepEqual(mistakes, [], example);
  }
  for (const row of [...accessLogRows, ...errorLogRows]) assert.ok(observeDirectives.includes(row), row.name);
});
