// From a command to a server, or to a sentence that says why not.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import * as net from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { venvPython } from "../../tools/venv.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { lifeApps, tricorn } from "./command.ts";

const program = (
  options: readonly string[],
  rest: Partial<Parameters<typeof Program.start>[0]> = {},
): Promise<Program> => Program.start({ app: "life:app", cwd: lifeApps, options, ...rest });

test("the banner says what was found and where it listens", async () => {
  await using one = await program(["--workers", "2", "--threads", "3"]);
  for (const line of [
    /^tricorn 0|^Tricorn \d+\.\d+\.\d+ ready in \d/m,
    /^ {2}application +life:app \(WSGI\)$/m,
    /^ {2}python +CPython 3\.\d+\.\d+, .*python/m,
    /^ {2}workers +2 × 3 threads$/m,
    /^ {2}edge +1 thread, Node \d/m,
    /^ {2}listening +http:\/\/127\.0\.0\.1:\d+$/m,
    new RegExp(`^ {2}process +${one.pid}$`, "m"),
  ]) {
    assert.match(one.output, line);
  }
  assert.doesNotMatch(one.output, /\x1b/, "no colours without a terminal");
});

test("an application that cannot be imported ends the start with status 3 and the user's own traceback", async () => {
  const cases: readonly (readonly [readonly string[], readonly RegExp[]])[] = [
    [["nosuchmodule:app"], [/nosuchmodule/]],
    [["life:nothing"], [/nothing/, /app/]],
    [["raising:app"], [/no database at 10\.0\.0\.1/, /raising\.py", line 8/, /in connect/]],
    [["raising:app", "-w", "3", "--preload"], [/no database at 10\.0\.0\.1/]],
  ];
  for (const [args, patterns] of cases) {
    const { status, stderr } = await tricorn([...args, "--port", "0"]);
    assert.equal(status, 3, stderr);
    for (const pattern of patterns) assert.match(stderr, pattern);
    assert.doesNotMatch(stderr, /tricorn\/worker|ready in/, "only the user's own lines");
  }
});

test("the reason is told whatever the log level, and its place where the log is a file", async () => {
  const quiet = await tricorn(["raising:app", "--port", "0", "--log-level", "critical"]);
  assert.match(quiet.stderr, /critical worker-1 .*raising.*[\s\S]*no database/);
  const folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  const path = join(folder, "error.log");
  const filed = await tricorn(["raising:app", "--port", "0", "--error-logfile", path]);
  assert.equal(filed.stderr, `tricorn: error: the application cannot start\n  hint: the reason is in ${path}\n`);
  assert.match(await readFile(path, "utf8"), /no database/);
  await rm(folder, { recursive: true });
});

test("with many workers the reason is told once", async () => {
  const { status, stderr } = await tricorn(["raising:app", "-w", "4", "--port", "0"]);
  assert.equal(status, 3);
  assert.equal(stderr.split("`raising` cannot be imported: RuntimeError: no database at 10.0.0.1").length, 2);
  assert.equal(stderr.split("Traceback (most recent call last)").length, 2);
});

test("a lifespan whose start-up fails ends the start with status 3", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  await writeFile(join(folder, "broken"), "");
  const { status, stderr } = await tricorn(["lifespan:app", "--port", "0"], { env: { TEST_FOLDER: folder } });
  await rm(folder, { recursive: true });
  assert.equal(status, 3, stderr);
  assert.match(stderr, /the database is away/);
});

test("a port in use ends the start with status 1 and the name of its holder", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  const { status, stderr } = await tricorn(["life:app", "-b", `127.0.0.1:${port}`]);
  server.close();
  assert.equal(status, 1);
  assert.match(
    stderr,
    new RegExp(`^tricorn: error: cannot listen on 127.0.0.1:${port}: port ${port} is in use by .*${process.pid}`),
  );
  assert.match(stderr, /^ {2}hint: stop it, or choose another port$/m);
});

test("two servers do not share a port, whatever their number of threads", async () => {
  await using one = await program(["--worker-processes", "2"]);
  for (const threads of ["1", "2"]) {
    const { status, stderr } = await tricorn([
      "life:app",
      "-b",
      `127.0.0.1:${one.port}`,
      "--worker-processes",
      threads,
    ]);
    assert.equal(status, 1, stderr);
    assert.match(stderr, /is in use by/);
  }
});

test("wrong options end the start with status 2, all of them in one run", async () => {
  const { status, stderr, stdout } = await tricorn(["life:app", "--wrkers", "2", "--timeout", "never"]);
  assert.equal(status, 2);
  assert.equal(stdout, "");
  assert.equal(stderr.match(/^tricorn: error: /gm)?.length, 2);
  assert.match(stderr, /did you mean --workers\?/);
});

test("an interpreter that is missing, or no Python, is a sentence", async () => {
  const missing = await tricorn(["life:app", "--python", "/no/such/python"]);
  assert.equal(missing.status, 2);
  assert.match(missing.stderr, /no interpreter and no virtual environment \/no\/such\/python/);
  const other = await tricorn(["life:app", "--python", "/bin/false", "--port", "0"]);
  assert.equal(other.status, 3, other.stderr);
  assert.match(other.stderr, /worker-1 +exited with status 1 before it was ready/);
});

test("questions are answered without starting anything", async () => {
  const version = await tricorn(["--version"]);
  assert.deepEqual([version.status, version.stderr], [0, ""]);
  assert.match(version.stdout, /^tricorn\/\d+\.\d+\.\d+ \(Node \d+\.\d+\.\d+\)\n$/);
  const help = await tricorn(["--help"]);
  assert.equal(help.status, 0);
  for (const group of ["Application", "Addresses", "Workers", "Timeouts", "Logs", "Signals"]) {
    assert.match(help.stdout, new RegExp(`^${group}`, "m"));
  }
  assert.equal((await tricorn(["life:app", "--check-config"])).stdout, "tricorn: the configuration is fine\n");
  const env = { PORT: "5000", TRICORN_THREADS: "2" };
  const print = await tricorn(["--print-config", "-w", "3", "-e", "A=b c"], { env });
  assert.match(print.stdout, /^--workers 3 {2}# command line$/m);
  assert.match(print.stdout, /^--threads 2 {2}# TRICORN_THREADS$/m);
  assert.match(print.stdout, /^--port 5000 {2}# PORT$/m);
  assert.match(print.stdout, /^--env 'A=b c' {2}# command line$/m);
  assert.match((await tricorn(["-T", "-w", "3"])).stdout, /^ {4}workers 3;$/m);
});

test("the environment sets options, the application gets its own variables", async () => {
  await using one = await program(["-e", "SHOP=hats", "--umask", "027"], { env: { TRICORN_WORKERS: "2" } });
  assert.equal(one.workerPids.length, 2);
  using connection = await one.connect();
  assert.equal((await connection.get("/env?name=SHOP")).text, "hats");
  assert.match((await connection.get("/env?name=SERVER_SOFTWARE")).text, /^tricorn\//);
  assert.equal((await connection.get("/env?name=NODE_COMPILE_CACHE")).text, "-");
  assert.equal((await connection.get("/umask")).text, "27");
});

test("what the application prints reaches the log with the worker's name", async () => {
  await using one = await program([]);
  using connection = await one.connect();
  await connection.get("/print");
  await eventually("all is in the log", 3000, () => {
    const lines = [/printed to stdout/, /printed to stderr/, /bytes .*\\x00 and/];
    return lines.every((line) => new RegExp(`output +worker-1 +${line.source}\\n`).test(one.output));
  });
});

test("several addresses serve at once, a Unix socket with its mode", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  const [plain, closed] = [join(folder, "plain.sock"), join(folder, "closed.sock")];
  {
    await using one = await program(["-b", `unix:${plain}`, "-b", `unix:${closed}:0600`, "-b", "127.0.0.2:0"]);
    assert.equal((await stat(plain)).mode & 0o777, 0o666);
    assert.equal((await stat(closed)).mode & 0o777, 0o600);
    for (const path of [plain, closed]) {
      const socket = net.connect(path);
      socket.end("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      const [first] = (await once(socket, "data")) as [Buffer];
      assert.match(first.toString(), /^HTTP\/1\.1 200 OK/);
    }
    assert.equal(one.output.match(/^ {2}listening/gm)?.length, 4);
  }
  await assert.rejects(stat(plain), /ENOENT/);
  await rm(folder, { recursive: true });
});

test("[::] takes IPv4, too", async (context) => {
  if (!Object.values(networkInterfaces()).flat().some((one) => one?.family === "IPv6")) return context.skip("no IPv6");
  await using one = await program(["--bind", "[::]:0"]);
  const port = Number(/listening +http:\/\/\[::\]:(\d+)/.exec(one.output)?.[1]);
  using connection = await one.connect({ port });
  assert.equal((await connection.get("/")).status, 200);
});

test("an inherited descriptor is listened on", async () => {
  const script = [
    "import os, socket, sys",
    "one = socket.socket(); one.bind(('127.0.0.1', 0))",
    "os.dup2(one.fileno(), 9)",
    "print('inherited', one.getsockname()[1], flush=True)",
    "os.execvp(sys.argv[1], sys.argv[1:])",
  ].join("\n");
  await using one = await program(["--bind", "fd://9"], { within: ["python3", "-c", script] });
  const port = Number(/inherited (\d+)/.exec(one.output)?.[1]);
  using connection = await one.connect({ port });
  assert.equal((await connection.get("/")).status, 200);
});

test("the pid file is there while the server runs, and one that runs is not overwritten", async () => {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  const path = join(folder, "tricorn.pid");
  {
    await using one = await program(["--pid", path]);
    assert.equal(await readFile(path, "utf8"), `${one.pid}\n`);
    const other = await tricorn(["life:app", "--port", "0", "--pid", path]);
    assert.equal(other.status, 1);
    assert.match(other.stderr, new RegExp(`belongs to process ${one.pid}, which is running`));
    assert.equal(await readFile(path, "utf8"), `${one.pid}\n`);
  }
  await assert.rejects(stat(path), /ENOENT/);
  await rm(folder, { recursive: true });
});

test("with --user the edge and the workers are somebody else, groups included", async (context) => {
  if (process.getuid?.() !== 0) return context.skip("only root can become somebody else");
  // The tests' own interpreter may lie where only root can read.
  const nobody = { uid: 65_534, gid: 65_534 };
  const python = [venvPython, "/usr/bin/python3"].find(
    (path) => spawnSync(path, ["-c", "import urllib.parse"], nobody).status === 0,
  );
  if (python === undefined) return context.skip("no interpreter that everybody may use");
  const path = join(tmpdir(), `tricorn-test-${process.pid}.sock`);
  const swap = "import os, sys; a = sys.argv[2:]; a[a.index('--python') + 1] = sys.argv[1]; os.execvp(a[0], a)";
  await using one = await program(["--user", "nobody", "--bind", `unix:${path}`], {
    env: { TMPDIR: tmpdir() },
    within: ["python3", "-c", swap, python],
  });
  using connection = await one.connect();
  const { uid } = await stat(`/proc/${one.edgePid}`);
  assert.notEqual(uid, 0);
  assert.match((await connection.get("/who")).text, new RegExp(`^${uid} \\d+ \\[(?!0[,\\]])`));
  assert.equal((await stat(path)).uid, uid);
  assert.equal((await stat(`/proc/${one.pid}`)).uid, 0);
});
