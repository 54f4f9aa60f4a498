// HUP to a master that serves a configuration file: what changes, and that nothing is lost.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { venvPython } from "../../tools/venv.ts";
import { WebSocketClient } from "../asgi/websocket-client.ts";
import { isOpen } from "../support/children.ts";
import { isAlive } from "../support/processes.ts";
import { freePort, Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { lifeApps } from "./command.ts";
import { Load, noFailures } from "./load.ts";

interface Text {
  /** What stands beside http. */
  readonly main?: string;
  readonly app?: string;
  /** What stands in the server. */
  readonly server?: string;
  readonly http?: string;
}

const app = (name: string, more: string = ""): string =>
  `app ${name} { module ${name}:app; chdir ${lifeApps}; python ${venvPython}; ${more} }`;

/** A whole file: /file is static, all else goes to the application. */
function fileOf({ main = "", app: block = app("life"), server = "", http = "" }: Text = {}): string {
  return `daemon off; pid %FOLDER%/tricorn.pid; error_log stderr debug; ${main} events { }
    ${block}
    http {
      root %FOLDER%;
      server {
        listen 127.0.0.1:%PORT%;
        ${server === "" ? "location /file { } location / { app_pass life; }" : server}
      }
      ${http}
    }`;
}

const start = (file: string): Promise<Program> => Program.start({ file });

const takeovers = (one: Program): number => one.output.match(/the new configuration has taken over/g)?.length ?? 0;

/** Another file, and a HUP; waits until it is in force. */
async function reload(one: Program, file: string): Promise<void> {
  const before = takeovers(one);
  await one.configure(file);
  one.signal("SIGHUP");
  await eventually("the new configuration is in force", 15_000, () => takeovers(one) > before);
}

/** Another file that is refused, and a HUP; waits until the log says why. */
async function refused(one: Program, file: string, why: RegExp): Promise<void> {
  await one.configure(file);
  one.signal("SIGHUP");
  await eventually(`it says ${why}`, 15_000, () => why.test(one.output));
}

async function statusOf(one: Program, target: string): Promise<number> {
  using connection = await one.connect();
  return (await connection.get(target)).status;
}

describe("a reload", () => {
  test("of a file that has not changed replaces the workers, and the edge stays", async () => {
    await using one = await start(fileOf());
    const { edgePid, workerPids: [worker] } = one;
    one.signal("SIGHUP");
    await eventually("there is another worker", 8000, () =>
      one.workerPids.length === 1 && one.workerPids[0] !== worker);
    assert.equal(one.edgePid, edgePid);
    assert.match(one.output, /the configuration is the same as before/);
  });

  test("five times with a changed file under load loses nothing, and leaves nothing behind", async () => {
    const variants: readonly Text[] = [
      { main: "worker_processes 2;" },
      { main: "worker_processes 3;", app: app("life", "workers 2;") },
      { main: "worker_processes 1;", app: app("life", "threads 2;") },
      { main: "worker_processes 2;", app: app("life", "preload on;") },
      { main: "worker_processes 1;", app: app("life", "max_requests 100000;") },
    ];
    // Three sockets, which fewer and as many threads have to share out.
    await using one = await start(fileOf({ main: "worker_processes 3;" }));
    await writeFile(join(one.folder, "file"), "static");
    const loads = [
      new Load(one, { clients: 3 }),
      new Load(one, { clients: 2, target: "/file" }),
      new Load(one, { clients: 2, reconnect: true }),
      new Load(one, { clients: 1, reconnect: true, target: "/file" }),
    ];
    await eventually("all serve", 8000, () => loads.every(({ okCount }) => okCount > 10));
    for (const variant of variants) {
      const { edgePid } = one;
      await reload(one, fileOf(variant));
      await eventually("the old edge is gone", 8000, () => !isAlive(edgePid));
    }
    const counts = loads.map(({ okCount }) => okCount);
    const goesOn = ({ okCount }: Load, index: number): boolean => okCount > (counts[index] ?? 0) + 10;
    await eventually("it goes on", 8000, () => loads.every(goesOn));
    await Promise.all(loads.map((load) => load.stop()));
    for (const load of loads) assert.equal(load.failures, noFailures);
    await eventually("one worker is left", 8000, () => one.workerPids.length === 1);
  });

  test("lets the generation of before finish what it has begun", async () => {
    await using one = await start(fileOf());
    using slow = await one.connect();
    const { edgePid, workerPids: [worker] } = one;
    const answer = slow.get("/sleep?s=2");
    await sleep(200);
    await reload(one, fileOf({ app: app("life", "workers 2;") }));
    assert.ok(isAlive(edgePid) && isAlive(worker ?? 0));
    assert.equal(await statusOf(one, "/"), 200);
    const { status, text } = await answer;
    assert.deepEqual([status, text], [200, String(worker)]);
    await eventually("it ends then", 5000, () => !isAlive(edgePid) && !isAlive(worker ?? 0));
  });

  test("cuts off what outlives worker_shutdown_timeout", async () => {
    await using one = await start(fileOf({ main: "worker_shutdown_timeout 1s;" }));
    using slow = await one.connect();
    const { edgePid } = one;
    const answer = slow.get("/sleep?s=30").catch(() => undefined);
    await sleep(200);
    await reload(one, fileOf({ app: app("life", "workers 2;") }));
    await eventually("the old edge ends", 4000, () => !isAlive(edgePid));
    await answer;
    const words = "cuts off requests that still run: worker_shutdown_timeout is 1 s";
    await eventually("it is told", 2000, () => one.output.includes(words));
    assert.equal(await statusOf(one, "/"), 200);
  });

  test("closes a connection that has sent a part of a request, too", async () => {
    await using one = await start(fileOf({ main: "worker_shutdown_timeout 10ms;" }));
    using connection = await one.connect();
    await connection.get("/");
    connection.send("GET / HTTP/1.1\r\nHost:");
    await reload(one, fileOf({ app: app("life", "workers 2;") }));
    assert.equal(await connection.rest(), "");
  });

  test("closes WebSockets with 1012", async () => {
    const server = "location / { app_pass greeting; }";
    await using one = await start(fileOf({ app: app("greeting"), server }));
    using client = await WebSocketClient.open(one.port, {});
    assert.equal(await client.hear(), "text hello");
    await reload(one, fileOf({ app: app("greeting", "workers 2;"), server }));
    assert.equal(await client.hear(), "close 1012");
    client.close(1012);
  });

  test("with a file that makes no sense changes nothing and says why", async () => {
    await using one = await start(fileOf());
    const { edgePid, workerPids } = one;
    await refused(one, fileOf({ server: "nonsense on;" }), /unknown directive "nonsense"/);
    await refused(one, fileOf({ app: "app life { python /no/such; }" }), /app "life": python: there is no interpreter/);
    await eventually("it says what follows", 3000, () => /the configuration of before stays/.test(one.output));
    assert.deepEqual([one.edgePid, one.workerPids], [edgePid, workerPids]);
    assert.equal(await statusOf(one, "/"), 200);
    await reload(one, fileOf({ app: app("life", "workers 2;") }));
    await eventually("the old edge is gone", 8000, () => !isAlive(edgePid));
  });

  test("with an address that somebody else has changes nothing, and binds nothing", async () => {
    await using other = await start(fileOf());
    await using one = await start(fileOf());
    const { edgePid } = one;
    const path = join(one.folder, "new.sock");
    const server = (port: number): string => `listen unix:${path}; listen 127.0.0.1:${port}; app_pass life;`;
    await refused(one, fileOf({ server: server(other.port) }), new RegExp(`port ${other.port} is in use`));
    assert.deepEqual([one.edgePid, existsSync(path)], [edgePid, false]);
    assert.equal(await statusOf(one, "/"), 200);
    await reload(one, fileOf({ server: server(await freePort()) }));
    assert.equal(existsSync(path), true);
    assert.equal(await statusOf(other, "/"), 200);
  });

  test("opens new addresses and closes those that are gone", async () => {
    await using one = await start(fileOf());
    const [port, other] = [await freePort(), await freePort()];
    const path = join(one.folder, "some.sock");
    const server = `listen 127.0.0.1:${port}; listen unix:${path}; app_pass life;`;
    await reload(one, fileOf({ server }));
    assert.equal(existsSync(path), true);
    assert.equal(await isOpen(port), true);
    // The whole port, in place of two of its addresses.
    const wide = `listen ${port}; listen 127.0.0.1:${other}; app_pass life;`;
    await reload(one, fileOf({ server: wide }));
    await eventually("the socket's name is gone", 5000, () => !existsSync(path));
    assert.deepEqual([await isOpen(port), await isOpen(other)], [true, true]);
    await reload(one, fileOf());
    await eventually("both are closed", 5000, async () => !(await isOpen(port)) && !(await isOpen(other)));
    assert.equal(await statusOf(one, "/"), 200);
  });

  test("whose application cannot start leaves the one of before in force", async () => {
    await using one = await start(fileOf());
    const { edgePid, workerPids } = one;
    const broken = `app life { module nowhere:app; chdir ${lifeApps}; python ${venvPython}; }`;
    await refused(one, fileOf({ app: broken }), /the configuration of before stays: life cannot start/);
    assert.equal(one.edgePid, edgePid);
    await eventually("nothing of the new one is left", 5000, () => one.workerPids.length === 1);
    assert.deepEqual(one.workerPids, workerPids);
    assert.equal(await statusOf(one, "/"), 200);
  });

  test("takes another log and another pid file", async () => {
    await using one = await start(fileOf());
    const path = (name: string): string => join(one.folder, name);
    assert.equal(readFileSync(path("tricorn.pid"), "utf8"), `${one.pid}\n`);
    await reload(one, fileOf({ main: "worker_processes 2;" }));
    const printed = one.output.length;
    const toFile = fileOf().replace("error_log stderr", "error_log %FOLDER%/error.log");
    await one.configure(toFile.replace("tricorn.pid", "other.pid"));
    one.signal("SIGHUP");
    await eventually("the other pid file is there", 8000, () => existsSync(path("other.pid")));
    assert.equal(readFileSync(path("other.pid"), "utf8"), `${one.pid}\n`);
    await eventually("that of before is gone", 3000, () => !existsSync(path("tricorn.pid")));
    one.signal("SIGUSR2");
    await eventually("the log is written", 3000, () => readFileSync(path("error.log"), "utf8").includes("SIGUSR2"));
    assert.doesNotMatch(one.output.slice(printed), /SIGUSR2/);
    // What is refused is said in both places: whoever has typed the command looks at the terminal.
    await refused(one, fileOf({ server: "nonsense on;" }), /unknown directive "nonsense"/);
    await eventually("it is in the log", 3000, () => /nonsense/.test(readFileSync(path("error.log"), "utf8")));
  });

  test("that comes while another is under way is made afterwards", async () => {
    await using one = await start(fileOf());
    await one.configure(fileOf({ app: app("life", "workers 2;") }));
    one.signal("SIGHUP");
    await eventually("the first has begun", 8000, () => one.workerPids.length > 1);
    await one.configure(fileOf({ app: app("life", "workers 3;") }));
    one.signal("SIGHUP");
    await eventually("both have been made", 15_000, () => takeovers(one) === 2);
    await eventually("three workers are left", 8000, () => one.workerPids.length === 3);
  });
});

describe("several applications", () => {
  const both = `${app("life")} ${app("fragile")}`;
  const server = "location / { app_pass life; } location /fragile { app_pass fragile; }";

  test("have workers of their own, which the log tells apart", async () => {
    await using one = await start(fileOf({ app: both, server }));
    assert.deepEqual([await statusOf(one, "/"), await statusOf(one, "/fragile")], [200, 200]);
    assert.equal(one.workerPids.length, 2);
    assert.match(one.output, /life\/worker-\d ready after/);
    assert.match(one.output, /fragile\/worker-\d ready after/);
  });

  test("have the environment of the program, with what the file sets for all and for each", async () => {
    const own = app("life", "env OWN=life;");
    await using one = await start(fileOf({ main: "env ALL=all; env OWN=all; env PATH;", app: own }));
    using connection = await one.connect();
    const valueOf = async (name: string): Promise<string> => (await connection.get(`/env?name=${name}`)).text;
    assert.deepEqual([await valueOf("ALL"), await valueOf("OWN")], ["all", "life"]);
    assert.equal(await valueOf("PATH"), process.env["PATH"]);
  });

  test("one that cannot start gets 503, the other serves, and it is tried again until it can", async () => {
    await using one = await Program.start({
      file: fileOf({ app: both, server }),
      within: ["sh", "-c", 'touch "$TEST_FOLDER/broken"; exec "$@"', "--"],
    });
    assert.deepEqual([await statusOf(one, "/"), await statusOf(one, "/fragile")], [200, 503]);
    assert.match(one.output, /the new code is broken/);
    assert.match(one.output, /the next attempt to start a worker of fragile is in/);
    await rm(join(one.folder, "broken"));
    await eventually("it serves", 10_000, async () => (await statusOf(one, "/fragile")) === 200);
  });

  test("none at all is a server of files, which may get some", async () => {
    await using one = await start(fileOf({ app: "", server: "location / { }" }));
    await writeFile(join(one.folder, "file"), "static");
    assert.deepEqual([await statusOf(one, "/file"), await statusOf(one, "/env?name=HOME")], [200, 404]);
    await reload(one, fileOf());
    assert.deepEqual([await statusOf(one, "/file"), await statusOf(one, "/env?name=HOME")], [200, 200]);
  });
});
