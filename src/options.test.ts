import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { World } from "./config/directive.ts";
import { environmentName } from "./config/environment.ts";
import { formatDiagnostics } from "./config/diagnostic.ts";
import type { AppSettings, Bind } from "./config/model.ts";
import type { Configuration, LocationSettings } from "./edge/model.ts";
import { buildFromText } from "./configuration.ts";
import { configure, optionRows, textOf } from "./options.ts";
import { err, ok } from "./std/result.ts";

function world(environment: Record<string, string> = {}, files: Record<string, string> = {}): World {
  return {
    cwd: "/srv/shop",
    environment,
    cpuCount: 4,
    fileCountMax: 1_000_000,
    isRoot: false,
    kindOf: (path) => (path in files ? "file" : path.startsWith("/srv/shop") ? "directory" : undefined),
    readText: (path) => (files[path] === undefined ? err("ENOENT") : ok(files[path])),
  };
}

/** What a command line says, by where it is in the configuration. */
interface Said {
  readonly process: Configuration["process"];
  readonly app: AppSettings;
  readonly location: LocationSettings;
  readonly binds: readonly Bind[];
  readonly backlogs: readonly number[];
  readonly formats: Configuration["site"]["logFormats"];
}

function config(argv: readonly string[], environment: Record<string, string> = {}): Said {
  const result = configure(argv, world(environment));
  assert.equal(formatDiagnostics(result.diagnostics), "");
  assert.ok(result.configuration !== undefined);
  return saidBy(result.configuration);
}

function saidBy({ process, apps: [app], site }: Configuration): Said {
  const location = site.locations.find(({ handler }) => handler.kind === "app");
  assert.ok(app !== undefined && location !== undefined);
  const { listeners, logFormats } = site;
  return {
    process, app, location, formats: logFormats,
    binds: listeners.map(({ bind }) => bind), backlogs: listeners.map(({ backlog }) => backlog),
  };
}

/** All that is said about `argv`. */
function messages(argv: readonly string[], environment: Record<string, string> = {}): string {
  return formatDiagnostics(configure(argv, world(environment)).diagnostics);
}

test("without options the defaults are nginx's and gunicorn's", () => {
  const { process, app, location: { http, access, accessLogs }, binds, backlogs } = config([]);
  assert.deepEqual(binds, [{ kind: "tcp", host: "127.0.0.1", port: 8000 }]);
  assert.deepEqual([process.workerProcesses, process.daemon, process.gracefulTimeoutMs], [1, false, 30_000]);
  assert.deepEqual([app.workers, app.threads, app.timeoutMs, app.gracefulTimeoutMs], [1, 1, 30_000, 30_000]);
  assert.deepEqual([app.chdir, app.appDir, app.backlog, backlogs], ["/srv/shop", "/srv/shop", 2048, [2048]]);
  assert.deepEqual(
    [http.keepaliveTimeoutMs, http.clientHeaderTimeoutMs, http.keepaliveRequests, http.headSizeMax],
    [75_000, 60_000, 100_000, 32_768],
  );
  assert.deepEqual(access.forwardedAllowIps, ["127.0.0.1", "::1"]);
  assert.deepEqual([accessLogs.logs, process.errorLogs], [[], [{ path: "-", level: "info" }]]);
});

test("the configuration is plain data, which survives its way to the edge", () => {
  const { configuration } = configure(["shop.wsgi", "-b", ":80", "--access-log", "--header", "A: b"], world());
  assert.deepEqual(structuredClone(configuration), configuration);
});

/** What each option changes, and where: nothing that can be typed is without effect. */
const effects: readonly (readonly [argv: string, (said: Said) => unknown, value: unknown])[] = [
  ["--factory", ({ app }) => app.factory, true],
  ["--interface wsgi", ({ app }) => app.interface, "wsgi"],
  ["--python /venv", ({ app }) => app.python, "/venv"],
  ["--python .venv --chdir /srv/shop/lib", ({ app }) => app.python, "/srv/shop/.venv"],
  ["--chdir /srv/shop/lib", ({ app }) => [app.chdir, app.appDir], ["/srv/shop/lib", "/srv/shop/lib"]],
  ["--app-dir src", ({ app }) => [app.chdir, app.appDir], ["/srv/shop", "/srv/shop/src"]],
  ["--pythonpath a,/b", ({ app }) => app.pythonpath, ["/srv/shop/a", "/b"]],
  ["--env A=$x", ({ app }) => app.env, [["A", "$x"]]],
  ["--root-path /shop/", ({ app }) => app.rootPath, "/shop"],
  ["--loop uvloop", ({ app }) => app.loop, "uvloop"],
  ["--lifespan off", ({ app }) => app.lifespan, "off"],
  ["--workers 3", ({ app }) => app.workers, 3],
  ["--threads 5", ({ app }) => app.threads, 5],
  ["--preload", ({ app }) => app.preload, true],
  ["--timeout 1500ms", ({ app }) => app.timeoutMs, 1500],
  ["--graceful-timeout 7", ({ app, process }) => [app.gracefulTimeoutMs, process.gracefulTimeoutMs], [7000, 7000]],
  ["--max-requests 9", ({ app }) => app.maxRequests, 9],
  ["--max-requests-jitter 2", ({ app }) => app.maxRequestsJitter, 2],
  ["--backlog 7", ({ app, backlogs }) => [app.backlog, backlogs], [7, [7]]],
  ["--limit-concurrency 4", ({ process }) => process.limitConcurrency, 4],
  ["--worker-connections 99", ({ process }) => process.workerConnections, 99],
  ["--worker-processes 2", ({ process }) => process.workerProcesses, 2],
  ["--pid shop.pid", ({ process }) => process.pid, "/srv/shop/shop.pid"],
  ["--user shop --group www", ({ process }) => [process.user, process.group], ["shop", "www"]],
  ["--group www", ({ process }) => [process.user, process.group], [undefined, "www"]],
  ["--umask 027", ({ process }) => process.umask, 0o27],
  ["--uds a.sock", ({ binds }) => binds, [{ kind: "unix", path: "/srv/shop/a.sock", mode: undefined }]],
  ["--bind unix:/a:0660", ({ binds }) => binds, [{ kind: "unix", path: "/a", mode: 0o660 }]],
  ["--fd 3", ({ binds }) => binds, [{ kind: "fd", fd: 3 }]],
  ["--port 0", ({ binds }) => binds, [{ kind: "tcp", host: "127.0.0.1", port: 0 }]],
  ["--host ::1", ({ binds }) => binds, [{ kind: "tcp", host: "::1", port: 8000 }]],
  ["--limit-request-line 4k", ({ location }) => location.http.requestLineSizeMax, 4096],
  ["--limit-request-fields 9", ({ location }) => location.http.fieldCountMax, 9],
  ["--limit-request-field-size 4k", ({ location }) => location.http.fieldSizeMax, 4096],
  ["--large-client-header-buffers 2x10000", ({ location }) => location.http.headSizeMax, 20_000],
  ["--large-client-header-buffers 9001", ({ location }) => location.http.headSizeMax, 9001],
  ["--client-max-body-size 1g", ({ location }) => location.http.clientMaxBodySize, 1024 ** 3],
  ["--client-max-body-size 0", ({ location }) => location.http.clientMaxBodySize, Number.MAX_SAFE_INTEGER],
  ["--client-body-buffer-size 5000", ({ location }) => location.http.clientBodyBufferSize, 5000],
  ["--keepalive-requests 8", ({ location }) => location.http.keepaliveRequests, 8],
  ["--underscores-in-headers", ({ location }) => location.http.underscoresInHeaders, true],
  ["--client-header-timeout 5", ({ location }) => location.http.clientHeaderTimeoutMs, 5000],
  ["--client-body-timeout 5", ({ location }) => location.http.clientBodyTimeoutMs, 5000],
  ["--send-timeout 5", ({ location }) => location.http.sendTimeoutMs, 5000],
  ["--keep-alive 5", ({ location }) => location.http.keepaliveTimeoutMs, 5000],
  ["--keep-alive 0", ({ location }) => location.http.keepaliveTimeoutMs, 0],
  ["--keepalive-time 5", ({ location }) => location.http.keepaliveTimeMs, 5000],
  ["--no-proxy-headers", ({ location }) => location.access.forwardedAllowIps, undefined],
  ["--forwarded-allow-ips 10.0.0.0/8,::1", ({ location }) => location.access.forwardedAllowIps, ["10.0.0.0/8", "::1"]],
  ["--forwarded-allow-ips *", ({ location }) => location.access.forwardedAllowIps, ["*"]],
  ["--server-header", ({ location }) => location.http.serverHeader, "tricorn"],
  ["--no-server-header", ({ location }) => location.http.serverHeader, undefined],
  ["--no-date-header", ({ location }) => location.http.dateHeader, false],
  ["--header X-A:b", ({ location }) => location.responses !== undefined, true],
  ["--ws none", ({ location }) => location.webSocket.enabled, false],
  ["--ws-max-size 1g", ({ location }) => location.webSocket.messageSizeMax, 1024 ** 3],
  ["--ws-max-queue 4", ({ location }) => location.webSocket.queueMax, 4],
  ["--ws-ping-interval 0", ({ location }) => location.webSocket.pingIntervalMs, 0],
  ["--ws-ping-timeout 5", ({ location }) => location.webSocket.pingTimeoutMs, 5000],
  ["--ws-per-message-deflate off", ({ location }) => location.webSocket.perMessageDeflate, false],
  ["--access-logfile $a.log", ({ location }) => location.accessLogs.logs.length, 1],
  ["--access-log --access-logformat %(h)s", ({ formats }) => formats.at(-1), {
    name: "gunicorn", escape: "atoms", value: "%(h)s",
  }],
  ["--error-logfile e.log", ({ process }) => process.errorLogs, [{ path: "/srv/shop/e.log", level: "info" }]],
  ["--log-level warning", ({ process }) => process.errorLogs, [{ path: "-", level: "warning" }]],
  ["--log-level critical", ({ process }) => process.errorLogs, [{ path: "-", level: "critical" }]],
  ["--log-level trace", ({ process }) => process.errorLogs, [{ path: "-", level: "trace" }]],
  ["--use-colors", ({ process }) => process.useColors, true],
  ["--no-use-colors", ({ process }) => process.useColors, false],
];

for (const [argv, read, value] of effects) {
  test(`${argv} is in the configuration`, () => {
    assert.deepEqual(read(config(argv.split(" "))), value);
  });
}

/** Options that say something about each other: addresses exclude each other, paths begin at --chdir. */
const entangled = /--(python|chdir|app-dir|uds|bind|fd|port|host|group|error-logfile|no-proxy-headers)/;

test("an interpreter that is not where one is stays a name, for PATH or the application's directory", () => {
  const kindOf: World["kindOf"] = (path) => (path === "/srv/shop" ? "directory" : undefined);
  const elsewhere: World = { ...world(), cwd: "/home", kindOf };
  const { statements = [] } = configure(["--chdir", "/srv/shop", "--python", "python3.12"], elsewhere);
  const text = textOf(statements);
  assert.match(text, /^ +python python3\.12;$/m);
});

test("options have their effects in any company and order, and so has the text that -T prints", () => {
  const alone = effects.filter(([argv]) => !entangled.test(argv));
  const nameOf = ([argv]: (typeof effects)[number]): string => argv.replace(/^--(no-)?([\w-]+).*/, "$2");
  const onceEach = fc.shuffledSubarray(alone).map((chosen) =>
    [...new Map(chosen.map((each) => [nameOf(each), each])).values()]);
  fc.assert(
    fc.property(onceEach, (chosen) => {
      const { statements = [], configuration } = configure(chosen.flatMap(([argv]) => argv.split(" ")), world());
      assert.ok(configuration !== undefined);
      const said = saidBy(configuration);
      for (const [argv, read, value] of chosen) assert.deepEqual(read(said), value, argv);
      assert.deepEqual(buildFromText(textOf(statements), world()).configuration, configuration);
    }),
    { numRuns: 50 },
  );
});

test("every option but those that ask has its effect in this table or above", () => {
  const elsewhere = [
    "app", "bind", "host", "port", "env-file", "access-log", "https", "acme", "acme-email", "acme-issuer",
    "acme-state-path",
    // With real certificates: tests/tls/applications.test.ts.
    "certfile", "keyfile", "ssl-keyfile-password", "ca-certs", "cert-reqs", "ciphers",
  ];
  const typed = effects.flatMap(([argv]) => argv.split(" ")).map((word) => word.replace(/^--(no-)?/, ""));
  const rest = optionRows.filter(({ name, group, aliases = [] }) =>
    group !== "Information" && ![name, ...aliases].some((each) => typed.includes(each)));
  assert.deepEqual(rest.map(({ name }) => name).filter((name) => !elsewhere.includes(name)), []);
});

test("the text says what differs from the defaults of nginx's language, and is read again as the same", () => {
  const { statements = [], configuration } = configure(["shop.wsgi", "-w", "2", "--header", "X-A: $1"], world());
  const text = textOf(statements);
  assert.equal(text, `daemon off;
error_log stderr info;
events {
    worker_connections 10240;
}
app app {
    module shop.wsgi;
    chdir /srv/shop;
    workers 2;
}
http {
    geo $dollar {
        default $;
    }
    limit_request_line 8190;
    max_headers 128;
    limit_request_field_size 8190;
    client_max_body_size 10g;
    client_body_buffer_size 64k;
    keepalive_requests 100000;
    forwarded_allow_ips 127.0.0.1 ::1;
    add_header X-A "\${dollar}1" always;
    server {
        listen 127.0.0.1:8000 backlog=2048;
        location / {
            app_pass app;
        }
    }
}
`);
  assert.ok(configuration !== undefined);
  assert.deepEqual(buildFromText(text, world()).configuration, configuration);
});

test("certificates come by themselves for names of the public, on the ports where browsers look", () => {
  const { configuration } = configure([
    "shop.wsgi", "--acme", "a.example.org,b.example.org", "--acme-email", "owner@example.org",
    "--acme-issuer", "staging", "--acme-state-path", "state",
  ], world());
  const { acme, site } = configuration ?? {};
  assert.deepEqual(acme?.certificates.map(({ names }) => names), [["a.example.org"], ["b.example.org"]]);
  assert.deepEqual(acme?.issuers.map(({ name, contacts }) => [name, contacts]),
    [["letsencrypt-staging", ["mailto:owner@example.org"]]]);
  assert.equal(acme?.statePath, "/srv/shop/state");
  const listeners = site?.listeners.map(({ bind, isTls }) => [bind, isTls]);
  const tcp = (port: number): Bind => ({ kind: "tcp", host: "0.0.0.0", port });
  assert.deepEqual(listeners, [[tcp(443), true], [tcp(80), false]]);
  // Elsewhere than on port 443 nobody would be redirected right.
  const other = configure(["shop.wsgi", "--acme", "a.example.org", "-b", ":8443"], world()).configuration;
  assert.deepEqual(other?.site.listeners.map(({ bind }) => bind.kind === "tcp" && bind.port), [8443]);
  assert.equal(other?.acme?.statePath, "/srv/shop/acme");
});

test("HTTPS for development is where HTTP would be, and no certificate of one's own is beside it", () => {
  const { configuration } = configure(["shop.wsgi", "--https"], world());
  assert.deepEqual(configuration?.acme?.issuers.map(({ uri }) => uri), ["local:"]);
  assert.deepEqual(configuration?.site.listeners.map(({ bind, isTls }) => [bind, isTls]),
    [[{ kind: "tcp", host: "127.0.0.1", port: 8000 }, true]]);
  assert.equal(configuration?.acme?.authorityPath, undefined);
  assert.match(messages(["a", "--https", "--certfile", "c.pem"]), /--certfile was given together with --acme or/);
  assert.match(messages(["a", "--keyfile", "k.pem"]), /--keyfile was given without --certfile/);
  assert.match(messages(["a", "--certfile", "c.pem", "--cert-reqs", "2"]), /--cert-reqs was given without --ca-certs/);
  assert.match(messages(["a", "--certfile", "c.pem"]), /cannot load certificate "\/srv\/shop\/c\.pem"/);
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
  const { app, binds } = config([], environment);
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
    binds.map((one) => one.kind === "tcp" && one.port),
    [1, 2],
  );
});

test("PORT opens the server to everybody, --host and --port do what they say", () => {
  const binds = (argv: readonly string[], environment: Record<string, string> = {}): unknown =>
    config(argv, environment).binds;
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
  assert.deepEqual(config([], environment).binds, [{ kind: "tcp", host: "127.0.0.1", port: 8000 }]);
});

test("a file of variables adds to --env and never overrides", () => {
  const files = { "/srv/shop/.env": "A=file\nB=file\nC=file\nC=last\n" };
  const result = configure(["-e", "A=option", "--env-file", ".env"], world({ B: "real" }, files));
  assert.deepEqual(result.configuration?.apps[0]?.env, [
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
  assert.ok(result.configuration !== undefined);
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
  assert.equal(quiet.configuration?.process.workerConnections, 768);
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
  assert.equal(config(["--no-proxy-headers"]).location.access.forwardedAllowIps, undefined);
  assert.equal(config(["--proxy-headers=off"]).location.access.forwardedAllowIps, undefined);
  assert.equal(config([], { TRICORN_SERVER_HEADER: "0" }).location.http.serverHeader, undefined);
});

test("the access log is off, to standard output, or to a file", () => {
  const logOf = (argv: readonly string[]): unknown => config(argv).location.accessLogs.logs[0]?.path;
  assert.equal(logOf(["--access-log"]), "-");
  assert.equal(logOf(["--access-logfile", "-"]), "-");
  assert.equal(logOf(["--access-logfile", "log/access"]), "/srv/shop/log/access");
  assert.equal(logOf(["--access-logfile", "x", "--no-access-log"]), undefined);
});

test("fields for every response must be legal ones", () => {
  const { statements = [] } = configure(["--header", "X-A: b:c", "--header=X-D:"], world());
  const both = textOf(statements);
  assert.match(both, /add_header X-A b:c always;\n +add_header X-D "" always;/);
  assert.match(messages(["--header", "X A: b"]), /is not a field/);
  assert.match(messages(["--header", "X-A: b\r\nX-B: c"]), /is not a field/);
});
