import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "./config/directive.ts";
import { environmentName } from "./config/environment.ts";
import { formatDiagnostics } from "./config/diagnostic.ts";
import { configure, optionRows } from "./options.ts";
import type { Config } from "./config/model.ts";
import { err, ok } from "./std/result.ts";

function world(environment: Record<string, string> = {}, files: Record<string, string> = {}): World {
  return {
    cwd: "/srv/shop",
    environment,
    cpuCount: 4,
    fileCountMax: 1_000_000,
    kindOf: (path) => (path in files ? "file" : path.startsWith("/srv/shop") ? "directory" : undefined),
    readText: (path) => (files[path] === undefined ? err("ENOENT") : ok(files[path])),
  };
}

function config(argv: readonly string[], environment: Record<string, string> = {}): Config {
  const result = configure(argv, world(environment));
  assert.equal(formatDiagnostics(result.diagnostics), "");
  assert.ok(result.config !== undefined);
  return result.config;
}

/** All that is said about `argv`. */
function messages(argv: readonly string[], environment: Record<string, string> = {}): string {
  return formatDiagnostics(configure(argv, world(environment)).diagnostics);
}

test("without options the defaults are nginx's and gunicorn's", () => {
  const { process, http, forwarded, app, log } = config([]);
  assert.deepEqual(process.binds, [{ kind: "tcp", host: "127.0.0.1", port: 8000 }]);
  assert.equal(process.workerProcesses, 1);
  assert.deepEqual([app.workers, app.threads, app.timeoutMs, app.gracefulTimeoutMs], [1, 1, 30_000, 30_000]);
  assert.deepEqual([app.chdir, app.appDir, app.backlog], ["/srv/shop", "/srv/shop", 2048]);
  assert.deepEqual(
    [http.keepaliveTimeoutMs, http.clientHeaderTimeoutMs, http.keepaliveRequests, http.headSizeMax],
    [75_000, 60_000, 1000, 32_768],
  );
  assert.deepEqual(forwarded, { proxyHeaders: true, forwardedAllowIps: ["127.0.0.1", "::1"] });
  assert.deepEqual([log.accessLog, log.errorLog, log.level], [undefined, "-", "info"]);
});

test("the configuration is frozen all the way down and survives JSON", () => {
  const value = config(["shop.wsgi", "-b", ":80"]);
  assert.throws(() => Object.assign(value.app, { workers: 2 }), TypeError);
  assert.throws(() => Object.assign(value.process.binds[0] ?? {}, { port: 1 }), TypeError);
  const copy: unknown = JSON.parse(JSON.stringify(value));
  assert.equal(JSON.stringify(copy), JSON.stringify(value));
});

test("gunicorn's, uvicorn's and nginx's spellings mean the same", () => {
  const gunicorn = config(["shop", "-w", "3", "--max-requests=5", "--keep-alive", "7", "-t", "9"]);
  const uvicorn = config([
    "shop",
    "--workers=3",
    "--limit-max-requests",
    "5",
    "--timeout-keep-alive",
    "7",
    "--timeout=9",
  ]);
  const nginx = config(["shop", "-w3", "--max-requests", "5", "--keepalive-timeout", "7s", "--timeout", "9s"]);
  assert.deepEqual(gunicorn, uvicorn);
  assert.deepEqual(gunicorn, nginx);
});

test("the command line is stronger than TRICORN_*, which is stronger than the platform's variables", () => {
  const all = { WEB_CONCURRENCY: "2", TRICORN_WORKERS: "3" };
  assert.equal(config([], { WEB_CONCURRENCY: "2" }).app.workers, 2);
  assert.equal(config([], all).app.workers, 3);
  assert.equal(config(["-w", "4"], all).app.workers, 4);
  assert.equal(config(["-w", "auto"], all).app.workers, 4);
});

test("every option has a variable", () => {
  for (const row of optionRows) assert.match(environmentName(row), /^TRICORN_[A-Z_]+$/);
  const environment = {
    TRICORN_APP: "shop.wsgi",
    TRICORN_BIND: ":1, :2",
    TRICORN_PRELOAD: "yes",
    TRICORN_ENV: "A=1,2\nB=3",
  };
  const { app, process } = config([], environment);
  assert.deepEqual(
    [app.app, app.preload, app.env],
    [
      "shop.wsgi",
      true,
      [
        ["A", "1,2"],
        ["B", "3"],
      ],
    ],
  );
  assert.deepEqual(
    process.binds.map((one) => one.kind === "tcp" && one.port),
    [1, 2],
  );
});

test("PORT opens the server to everybody, --host and --port do what they say", () => {
  const binds = (argv: readonly string[], environment: Record<string, string> = {}): unknown =>
    config(argv, environment).process.binds;
  assert.deepEqual(binds([], { PORT: "5000" }), [{ kind: "tcp", host: "0.0.0.0", port: 5000 }]);
  assert.deepEqual(binds(["--port", "5001"], { PORT: "5000" }), [{ kind: "tcp", host: "127.0.0.1", port: 5001 }]);
  assert.deepEqual(binds(["--host", "[::1]"]), [{ kind: "tcp", host: "::1", port: 8000 }]);
  assert.deepEqual(binds(["-b", ":1"], { PORT: "5000" }), [{ kind: "tcp", host: "0.0.0.0", port: 1 }]);
  assert.deepEqual(binds(["--uds", "a.sock"], { TRICORN_BIND: ":1" }), [
    { kind: "unix", path: "/srv/shop/a.sock", mode: undefined },
  ]);
});

test("variables that Kubernetes makes for a service named tricorn are not options", () => {
  const environment = {
    TRICORN_PORT: "tcp://10.0.0.1:80",
    TRICORN_SERVICE_HOST: "10.0.0.1",
    TRICORN_PORT_80_TCP_ADDR: "x",
  };
  assert.deepEqual(config([], environment).process.binds, [{ kind: "tcp", host: "127.0.0.1", port: 8000 }]);
});

test("a file of variables adds to --env and never overrides", () => {
  const files = { "/srv/shop/.env": "A=file\nB=file\nC=file\nC=last\n" };
  const result = configure(["-e", "A=option", "--env-file", ".env"], world({ B: "real" }, files));
  assert.deepEqual(result.config?.app.env, [
    ["A", "option"],
    ["C", "last"],
  ]);
});

test("all errors are told in one run, each with the next action", () => {
  const text = messages(["shop", "--wrkers", "3", "-w", "0", "--log-level", "inof", "--bind", "a:b:c", "--timeout"]);
  assert.equal(
    text,
    `tricorn: error: unknown option --wrkers
  hint: did you mean --workers?
tricorn: error: --timeout needs a value (TIME)
  hint: for example: tricorn shop.wsgi --timeout 2m
tricorn: error: -w: "0" is not a number from 1 to 1024, or auto
  hint: for example: tricorn shop.wsgi -w 4
tricorn: error: --bind: "a:b:c" is not HOST:PORT, [IPv6]:PORT, :PORT, unix:PATH, unix:PATH:MODE or fd://N
  hint: for example: tricorn shop.wsgi -b :8000 -b '[::1]:8000' -b unix:/run/shop.sock:0660
tricorn: error: --log-level: "inof" is not one of critical, error, warning, info, debug, trace
  hint: did you mean info?
`,
  );
});

test("an option given twice is an error, however it was spelled", () => {
  assert.match(messages(["-w", "1", "--workers", "2"]), /--workers was given twice, as -w and as --workers/);
  assert.match(
    messages(["--keep-alive=1", "--keepalive-timeout=1"]),
    /given twice, as --keep-alive and as --keepalive-timeout/,
  );
  assert.match(messages(["--preload", "--no-preload"]), /--preload was given twice/);
});

test("contradictions are errors", () => {
  assert.match(messages(["-b", ":1", "--port", "2"]), /given together with --host or --port/);
  assert.match(messages(["a", "b"]), /unexpected "b": the application is "a" already/);
  assert.match(messages(["--chdir", "/nowhere"]), /there is no directory \/nowhere/);
  assert.match(messages(["--env-file", "none"]), /none cannot be read: ENOENT/);
  assert.match(messages(["--large-client-header-buffers", "4k"]), /4096 bytes in all, but a line may have 8190/);
  assert.match(messages(["--root-path", "shop"]), /does not begin with a slash/);
  assert.match(messages(["--factory=maybe"]), /"maybe" is not on or off/);
});

test("a variable that no option has is a warning, not an error", () => {
  const result = configure([], world({ TRICORN_WORKRES: "3" }));
  assert.ok(result.config !== undefined);
  assert.match(
    formatDiagnostics(result.diagnostics),
    /warning: TRICORN_WORKRES .*\n  hint: did you mean TRICORN_WORKERS\?/,
  );
});

test("options of the peers that Tricorn does without say what to do instead", () => {
  assert.match(
    messages(["shop", "-k", "uvicorn.workers.UvicornWorker"]),
    /^.*-k is not an option.*\n  hint: leave it out/,
  );
  assert.equal(messages(["shop", "-k", "gthread"]).split("error:").length, 2);
});

test("connections are no more than the limit of open files leaves room for", () => {
  const small = { ...world(), fileCountMax: 1024 };
  const quiet = configure([], small);
  assert.equal(quiet.config?.app.workerConnections, 768);
  assert.deepEqual(quiet.diagnostics, []);
  assert.match(
    formatDiagnostics(configure(["--worker-connections", "5000"], small).diagnostics),
    /768 instead of 5000/,
  );
});

test("every default is a value of its own option, and every row reads well", () => {
  for (const row of optionRows) {
    const { name, default: text, separator, doc, example } = row;
    if (text !== undefined) {
      for (const part of separator === undefined ? [text] : text.split(separator)) {
        assert.ok(row.argument.parse(part).ok, `--${name}: default ${part}`);
      }
    }
    assert.match(doc, /[.]$/, name);
    assert.match(example, /^tricorn/, name);
  }
});

test("no two rows share a spelling", () => {
  const spellings = optionRows.flatMap(({ name, short, aliases = [] }) => [name, short ?? `(${name})`, ...aliases]);
  assert.equal(new Set(spellings).size, spellings.length);
});

test("switches are turned off by --no-, and by their value", () => {
  assert.equal(config(["--no-proxy-headers"]).forwarded.proxyHeaders, false);
  assert.equal(config(["--proxy-headers=off"]).forwarded.proxyHeaders, false);
  assert.equal(config([], { TRICORN_SERVER_HEADER: "0" }).http.serverHeader, false);
});

test("the access log is off, to standard output, or to a file", () => {
  const logOf = (argv: readonly string[]): string | undefined => config(argv).log.accessLog;
  assert.equal(logOf(["--access-log"]), "-");
  assert.equal(logOf(["--access-logfile", "-"]), "-");
  assert.equal(logOf(["--access-logfile", "log/access"]), "/srv/shop/log/access");
  assert.equal(logOf(["--access-logfile", "x", "--no-access-log"]), undefined);
});

test("fields for every response must be legal ones", () => {
  assert.deepEqual(config(["--header", "X-A: b:c", "--header=X-D:"]).http.headers, [
    ["X-A", "b:c"],
    ["X-D", ""],
  ]);
  assert.match(messages(["--header", "X A: b"]), /is not a field/);
  assert.match(messages(["--header", "X-A: b\r\nX-B: c"]), /is not a field/);
});
