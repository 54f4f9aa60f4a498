import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test, type TestContext } from "node:test";

const root = dirname(import.meta.dirname);
const directory = mkdtempSync(join(tmpdir(), "tricorn-file-"));
after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, "www"));
writeFileSync(join(directory, "www/index.html"), "hello");

interface Answer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: "nginx" | "tricorn", ...argv: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync(join(root, "bin", program), argv, { cwd: directory, encoding: "utf8" });
  return { status, stdout, stderr: stderr.replaceAll(directory, "DIR") };
}

/** Writes a configuration and returns its name. */
function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return name;
}

const asNginx = (...argv: readonly string[]): Answer => run("nginx", "-p", directory, "-e", "start.log", ...argv);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

function bodyOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, host: "127.0.0.1", agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part)).on("end", () => resolve(text));
    }).on("error", reject);
  });
}

/** Waits until it holds; the test's time limit ends the waiting. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const http = "events {} http { server { listen 127.0.0.1:0; } }\n";
const plain = file("plain.conf", `daemon off; pid plain.pid; error_log plain.log; ${http}`);

describe("nginx -t", () => {
  test("says what nginx says of a file that is sound, and nothing with -q", () => {
    assert.deepEqual(asNginx("-t", "-c", plain), {
      status: 0,
      stdout: "",
      stderr: "nginx: the configuration file DIR/plain.conf syntax is ok\n"
        + "nginx: configuration file DIR/plain.conf test is successful\n",
    });
    assert.deepEqual(asNginx("-tq", "-c", plain), { status: 0, stdout: "", stderr: "" });
  });

  test("fails with nginx's sentence, the place and a hint, and writes the sentence to the log of -e", () => {
    const { status, stderr } = asNginx("-t", "-c", file("bad.conf", "events {}\nhtpp {}\n"));
    assert.equal(status, 1);
    assert.equal(stderr, `nginx: [emerg] unknown directive "htpp" in DIR/bad.conf:2
DIR/bad.conf:2:1: error: unknown directive "htpp"
    2 | htpp {}
      | ^^^^
  hint: did you mean "http"? It is allowed in: main
nginx: configuration file DIR/bad.conf test failed
`);
    const [last = ""] = readFileSync(join(directory, "start.log"), "utf8").trimEnd().split("\n").slice(-1);
    assert.match(last, /^\d{4}(\/\d\d){2} [\d:]{8} \[emerg\] \d+#\d+: unknown directive "htpp" in .*bad\.conf:2$/);
  });

  test("makes the logs that a start would make, and takes standard streams whatever they are", () => {
    // Those of a child of this process are sockets, which cannot be opened by name.
    const logs = "error_log /dev/stderr; http { access_log /dev/stdout; server { listen 127.0.0.1:0;";
    const name = file("logs.conf", `events {} ${logs} location /a { error_log made.log; } } }`);
    assert.equal(asNginx("-tq", "-c", name).stderr, "");
    assert.ok(existsSync(join(directory, "made.log")));
  });

  test("fails for users and directories that are not there, as a start would", () => {
    const name = file("staff.conf", `user nobody-has-this-name; error_log /nonexistent/e.log; ${http}`);
    const { status, stderr } = asNginx("-t", "-c", name);
    assert.equal(status, 1);
    assert.match(stderr, /^nginx: \[(emerg|warn)\] .*user/m);
    assert.match(stderr, /^nginx: \[emerg\] open\(\) "\/nonexistent\/e\.log" failed \(2: No such file or \w+\)$/m);
    assert.match(stderr, /staff\.conf test failed\n$/);
  });

  test("tells of a file that is not there, and of directives of -g", () => {
    const missing = asNginx("-t", "-c", "none.conf").stderr;
    assert.match(missing, /^nginx: \[emerg\] open\(\) "DIR\/none\.conf" failed \(2: No such file or directory\)\n/);
    const given = asNginx("-t", "-c", plain, "-g", "foo bar;").stderr;
    assert.match(given, /^nginx: \[emerg\] unknown directive "foo" in command line\n/);
  });

  test("-T prints every file, --explain what has no effect and what is otherwise than written", () => {
    file("inner.conf", "multi_accept on;\n");
    const events = "events { include inner.conf; worker_connections 2000000000; }";
    const name = file("outer.conf", `pid p.pid; ${http.replace("events {}", events)}`);
    const dumped = asNginx("-T", "-c", name).stdout.replaceAll(directory, "DIR");
    const [outer, inner] = dumped.split("\n\n");
    assert.match(outer ?? "", /^# configuration file DIR\/outer\.conf:\npid p\.pid;/);
    assert.equal(inner, "# configuration file DIR/inner.conf:\nmulti_accept on;");
    const explained = asNginx("-t", "--explain", "-c", name).stdout.replaceAll(directory, "DIR");
    assert.match(explained, /^DIR\/inner\.conf:1: multi_accept on: \S.*\n/);
    assert.match(explained, /outer\.conf:1: worker_connections 2000000000: \d+ connections/);
    assert.equal(asNginx("-t", "--explain", "-c", plain).stdout, "every directive has its effect\n");
  });
});

describe("the command line", () => {
  test("what is wrong with it is said as nginx says it", () => {
    assert.deepEqual(run("nginx", "-x"), { status: 1, stdout: "", stderr: 'nginx: invalid option: "x"\n' });
    assert.deepEqual(run("tricorn", "nginx", "-s", "restart"), {
      status: 1, stdout: "", stderr: 'nginx: invalid option: "-s restart"\n',
    });
  });

  test("-v, -V and -h answer on standard error", () => {
    assert.match(run("nginx", "-v").stderr, /^nginx version: nginx\/\S+ \(tricorn\/\S+\)\n$/);
    const build = run("nginx", "-V");
    assert.match(build.stderr, /\nconfigure arguments: .*--with-http_realip_module/);
    assert.deepEqual([build.status, build.stdout, run("tricorn", "-V").stderr], [0, "", build.stderr]);
    assert.match(run("nginx", "-h").stderr, /^nginx version: .*\nUsage: nginx \[/);
  });

  test("tricorn -c FILE excludes an application and its options, and tells of variables it does not use", () => {
    const both = run("tricorn", "-c", plain, "shop.wsgi");
    assert.equal(both.status, 2);
    assert.match(both.stderr, /"shop\.wsgi" and -c exclude each other/);
    assert.match(run("tricorn", "-c", "gunicorn.conf.py").stderr, /gunicorn's configuration files are not read yet/);
    const environment = { ...process.env, TRICORN_WORKERS: "4" };
    const checked = spawnSync(join(root, "bin/tricorn"), ["-t", "-c", plain], {
      cwd: directory, env: environment, encoding: "utf8",
    });
    assert.equal(checked.status, 0);
    assert.match(checked.stderr, /TRICORN_WORKERS is not used.*\n.*\ntricorn: the configuration file .* is ok\n/);
  });

  test("tricorn APP -T is a configuration that reads as one", () => {
    const printed = run("tricorn", "--chdir", directory, "-b", "127.0.0.1:0", "-T");
    assert.equal(printed.status, 0);
    assert.match(printed.stdout, /^# configuration file command line:\ndaemon off;\n/);
    const name = file("printed.conf", printed.stdout);
    assert.match(run("tricorn", "-t", "-c", name).stderr, /test is successful\n$/);
  });
});

describe("a master", () => {
  test("is the process that was started, and obeys -s as nginx's does", { timeout: 60_000 }, async (t) => {
    const port = await freePort();
    const name = file("run.conf", `daemon off; pid run.pid; error_log run.log;
events {} http { server { listen 127.0.0.1:${port}; root www; } }\n`);
    const master = start(t, "-c", name);
    await until(() => existsSync(join(directory, "run.pid")));
    assert.equal(readFileSync(join(directory, "run.pid"), "utf8"), `${master.pid}\n`);
    assert.equal(readFileSync(`/proc/${master.pid}/comm`, "utf8"), "nginx\n");
    assert.equal(await bodyOf(port), "hello");
    assert.deepEqual(asNginx("-c", name, "-s", "reopen"), { status: 0, stdout: "", stderr: "" });
    assert.deepEqual(asNginx("-c", name, "-s", "quit"), { status: 0, stdout: "", stderr: "" });
    assert.equal(await ended(master), 0);
    assert.equal(existsSync(join(directory, "run.pid")), false);
    const again = asNginx("-c", name, "-s", "quit");
    assert.deepEqual([again.status, again.stderr], [
      1, 'nginx: [error] open() "DIR/run.pid" failed (2: No such file or directory)\n',
    ]);
  });

  test("leaves the terminal with daemon on: the command returns when it listens", { timeout: 60_000 }, async () => {
    const port = await freePort();
    const name = file("daemon.conf", `pid daemon.pid; error_log daemon.log;
events {} http { server { listen 127.0.0.1:${port}; root www; } }\n`);
    assert.deepEqual(asNginx("-c", name), { status: 0, stdout: "", stderr: "" });
    assert.equal(await bodyOf(port), "hello");
    const second = asNginx("-c", name);
    assert.equal(second.status, 1);
    assert.match(second.stderr, /^nginx: \[emerg\] /);
    assert.equal(asNginx("-c", name, "-s", "stop").status, 0);
    await until(() => !existsSync(join(directory, "daemon.pid")));
  });
});

function start(t: TestContext, ...argv: readonly string[]): ChildProcess {
  const master = spawn(join(root, "bin/nginx"), ["-p", directory, "-e", "start.log", ...argv], { stdio: "ignore" });
  t.after(() => master.exitCode === null && master.kill("SIGKILL"));
  return master;
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => (child.exitCode === null ? child.once("exit", resolve) : resolve(child.exitCode)));
}
