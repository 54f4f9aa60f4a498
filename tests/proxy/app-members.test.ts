// Applications of ours among the servers of an upstream: real WSGI and ASGI workers beside servers elsewhere.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, describe, test } from "node:test";
import { WebSocketClient } from "../asgi/websocket-client.ts";
import { appBlock, ask, echoOf, get, linesOf, startSite } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { ScriptedUpstream } from "../support/scripted-upstream.ts";
import { eventually } from "../support/wait.ts";
import { gunicorn } from "./peers.ts";

const waitMs = 10_000;
const logFormat = "log_format up '$upstream_addr|$upstream_status|$status|$request_method';";
const remoteAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nremote";

/** A server elsewhere that always answers "remote". */
async function remoteServer(answer: string = remoteAnswer): Promise<ScriptedUpstream> {
  const remote = await ScriptedUpstream.listen();
  remote.play([{ steps: [answer] }]);
  return remote;
}

/** The program with `upstream u` and the applications `wsgi` and `asgi`, and a log of who was asked. */
function startMembers(
  { servers, location = "", server = "", app = "", apps, http = "" }: {
    readonly servers: string; readonly location?: string; readonly server?: string; readonly app?: string;
    readonly apps?: string; readonly http?: string;
  },
): Promise<Program> {
  return startSite({
    app, ...(apps !== undefined && { apps }),
    http: `${logFormat} access_log %FOLDER%/log up; ${http} upstream u { ${servers} }`,
    server: `location / { proxy_pass http://u; ${location} } ${server}`,
  });
}

/** Lines of the log, once there are so many. */
async function logged(program: Program, count: number): Promise<readonly string[]> {
  await eventually(`${count} lines of the log`, waitMs, async () => (await linesOf(program, "log")).length >= count);
  return linesOf(program, "log");
}

/** How often each line is there. */
function counted(lines: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of lines) counts[line] = (counts[line] ?? 0) + 1;
  return counts;
}

describe("an application among the servers of an upstream", () => {
  let remote: ScriptedUpstream;
  let where: string;
  before(async () => {
    remote = await remoteServer();
    where = `127.0.0.1:${remote.port}`;
  });
  after(() => remote.close());

  test("gets its share by weight, beside gunicorn and another application", async () => {
    await using peer = await gunicorn("tcp");
    await using program = await startMembers({
      servers: `server app:wsgi weight=3; server 127.0.0.1:${peer.port} weight=2; server app:asgi;`,
    });
    using connection = await program.connect();
    for (let count = 0; count < 300; count++) assert.equal((await connection.get("/hello")).status, 200);
    const lines = await logged(program, 300);
    const shares = counted(lines.map((line) => line.split("|")[0] ?? ""));
    assert.deepEqual(shares, { "app:wsgi": 150, [`127.0.0.1:${peer.port}`]: 100, "app:asgi": 50 });
  });

  test("is asked as by app_pass, and by proxy_pass with a URI for that one", async () => {
    await using program = await startMembers({
      servers: "server app:wsgi;",
      location: "proxy_set_header X-Added a; proxy_request_buffering off;",
      server: "location /under/ { proxy_pass http://u/inner/; } location /bare { proxy_pass_request_body off; "
        + "proxy_pass http://u; }",
    });
    const echo = echoOf(await get(program, "/a%20b/c?d=e", { method: "POST", body: "0123" }));
    assert.deepEqual([echo.name, echo.method, echo.path, echo.query, echo.size], ["wsgi", "POST", "/a b/c", "d=e", 4]);
    assert.equal(echo.fields["HTTP_X_ADDED"], undefined);
    assert.equal(echo.client, "127.0.0.1");
    const under = echoOf(await get(program, "/under/x%20y?z=1"));
    assert.deepEqual([under.path, under.query, under.raw], ["/inner/x y", "z=1", "/inner/x%20y?z=1"]);
    const bare = echoOf(await get(program, "/bare", { method: "POST", body: "0123" }));
    assert.deepEqual([bare.size, bare.length], [0, null]);
    assert.deepEqual(await logged(program, 3), [
      "app:wsgi|200|200|POST", "app:wsgi|200|200|GET", "app:wsgi|200|200|POST",
    ]);
  });

  for (const name of ["wsgi", "asgi"] as const) {
    test(`has the app_ directives of its location, files and streams: ${name}`, async () => {
      await using program = await startMembers({
        servers: `server app:${name};`,
        location: "app_hide_header X-Inner; app_intercept_errors on; error_page 404 /missing;",
        server: "location = /missing { return 200 missing; } location /internal/ { internal; return 200 $uri; }",
      });
      const shown = await ask(program, "/", { headers: [["X-Inner", "1"], ["X-Outer", "2"]], parts: ["a"] });
      assert.deepEqual([shown.fields.has("x-inner"), shown.fields.get("x-outer"), shown.text], [false, "2", "a"]);
      assert.equal((await ask(program, "/", { status: 404 })).text, "missing");
      const led = await ask(program, "/", { headers: [["X-Accel-Redirect", "/internal/x"]], parts: ["no"] });
      assert.equal(led.text, "/internal/x");
      const streamed = await ask(program, "/", { parts: ["ab", "cd"], mode: "stream", pause: 0.05 });
      assert.deepEqual([streamed.text, streamed.complete], ["abcd", true]);
      const file = await ask(program, "/", { parts: [join(program.folder, "tricorn.conf")], mode: "file" });
      assert.equal(file.text, await readFile(join(program.folder, "tricorn.conf"), "utf8"));
      const large = await ask(program, "/", { parts: ["x"], times: 3_000_000 });
      assert.equal(large.body.length, 3_000_000);
      assert.deepEqual(counted(await logged(program, 6)), {
        [`app:${name}|200|200|GET`]: 5, [`app:${name}|404|404|GET`]: 1,
      });
    });
  }

  test("whose exception is a 500 is no reason to ask another one, unless http_500 is written", async () => {
    await using program = await startMembers({
      servers: `server app:wsgi max_fails=0; server ${where} backup;`,
      server: `location /next { proxy_next_upstream error timeout http_500 http_503 http_404; proxy_pass http://u; }`,
    });
    assert.equal((await ask(program, "/", { mode: "fail" })).status, 500);
    assert.equal((await ask(program, "/next", { mode: "fail" })).text, "remote");
    assert.equal((await ask(program, "/next", { status: 503 })).text, "remote");
    assert.equal((await ask(program, "/next", { status: 404, parts: ["a"], mode: "stream" })).text, "remote");
    assert.equal((await ask(program, "/next", { status: 404 }, { method: "POST", body: "a" })).status, 404);
    assert.equal((await ask(program, "/", { status: 503 })).status, 503);
    assert.deepEqual(await logged(program, 6), [
      "app:wsgi|500|500|GET", `app:wsgi, ${where}|500, 200|200|GET`, `app:wsgi, ${where}|503, 200|200|GET`,
      `app:wsgi, ${where}|404, 200|200|GET`, "app:wsgi|404|404|POST", "app:wsgi|503|503|GET",
    ]);
  });

  for (const name of ["wsgi", "asgi"] as const) {
    test(`that dies under load loses nothing idempotent, and no POST is sent again: ${name}`, async () => {
      remote.play([{ steps: [remoteAnswer] }]);
      await using program = await startMembers({
        servers: `server app:${name} fail_timeout=1s; server ${where};`, app: "threads 4;",
      });
      const deadly = await ask(program, "/", { mode: "die" }, { method: "POST", body: "a" });
      assert.equal(deadly.status === 502 || deadly.text === "remote", true, deadly.text);
      const answers = await Promise.all(Array.from({ length: 120 }, (_, index) =>
        index === 40 ? ask(program, "/", { mode: "die" }) : ask(program, "/", { parts: ["app"], pause: 0.01 })));
      for (const { status, text } of answers) assert.match(`${status} ${text}`, /^200 (?:app|remote)$/);
      await eventually("it answers again", waitMs, async () =>
        (await ask(program, "/", { parts: ["app"] })).text === "app");
      // The one that was started went nowhere else.
      const posts = (await linesOf(program, "log")).filter((line) => line.endsWith("POST"));
      assert.ok([`app:${name}|502|502|POST`, `${where}|200|200|POST`].includes(posts.join()), posts.join());
    });
  }

  test("whose worker dies: a started POST gets 502, a GET and non_idempotent go on", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({
      servers: `server app:wsgi max_fails=0; server ${where} backup;`,
      server: `location /again { proxy_next_upstream error non_idempotent; proxy_pass http://u; }`,
    });
    assert.equal((await ask(program, "/", { mode: "die" }, { method: "POST", body: "a" })).status, 502);
    assert.equal(remote.requestCount, 0);
    assert.equal((await ask(program, "/", { mode: "die" })).text, "remote");
    assert.equal((await ask(program, "/again", { mode: "die" }, { method: "POST", body: "abc" })).text, "remote");
    assert.match(remote.text, /\r\n\r\nabc$/);
    assert.deepEqual(await logged(program, 3), [
      "app:wsgi|502|502|POST", `app:wsgi, ${where}|502, 200|200|GET`, `app:wsgi, ${where}|502, 200|200|POST`,
    ]);
    assert.match(program.output, /the worker of the application ended while reading response from it, client: /);
  });

  test("that takes too long is started: 504 for a POST, the next one for a GET", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({
      servers: `server app:wsgi max_fails=0; server ${where} backup;`, app: "timeout 1s; graceful_timeout 1s;",
    });
    assert.equal((await ask(program, "/", { mode: "hang" }, { method: "POST", body: "a" })).status, 504);
    assert.equal((await ask(program, "/", { mode: "hang" })).text, "remote");
    assert.deepEqual(await logged(program, 2), [
      "app:wsgi|504|504|POST", `app:wsgi, ${where}|504, 200|200|GET`,
    ]);
  });

  test("that dies in the middle of a response: the client's connection is cut", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({
      servers: `server app:asgi max_conns=1; server ${where} backup;`,
    });
    using connection = await program.connect();
    const said = JSON.stringify({ parts: ["x"], mode: "endless" });
    connection.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Say: ${said}\r\n\r\n`);
    assert.match(await connection.read(12), /200$/);
    for (const pid of program.workerPids) process.kill(pid, "SIGKILL");
    assert.doesNotMatch(await connection.rest(), /\r\n0\r\n\r\n$/);
    assert.equal(remote.requestCount, 0);
    assert.equal((await get(program, "/")).text, "remote", "it is left alone for a while");
    assert.match(program.output, /upstream server temporarily disabled: app:asgi/);
  });

  test("with a full queue passes even a POST on", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({
      servers: `server app:wsgi max_fails=0; server ${where} backup;`, app: "threads 1; backlog 1;",
    });
    const busy = [ask(program, "/", { parts: ["slow"], mode: "stream", pause: 1 })];
    await eventually("the queue is full", waitMs, async () => {
      const answer = ask(program, "/", { parts: ["app"] }, { method: "POST", body: "abc" });
      busy.push(answer);
      return Promise.race([answer.then(({ text }) => text === "remote"), sleep(50, false)]);
    });
    assert.match(remote.text, /^POST [^]*\r\n\r\nabc$/);
    for (const { status } of await Promise.all(busy)) assert.equal(status, 200);
    assert.ok((await logged(program, busy.length)).includes(`app:wsgi, ${where}|503, 200|200|POST`));
  });

  test("that cannot start leaves everything to a backup, which else gets nothing", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({
      servers: `server app:sick; server ${where} backup;`,
      http: `upstream well { server app:wsgi; server ${where} backup; }`,
      apps: `${appBlock("wsgi", "saying:wsgi")} ${appBlock("sick", "nowhere:app")}`,
      server: "location /well { proxy_pass http://well; }",
    });
    for (let count = 0; count < 20; count++) assert.equal(echoOf(await get(program, "/well")).name, "wsgi");
    assert.equal(remote.requestCount, 0);
    assert.equal((await get(program, "/", { method: "POST", body: "a" })).text, "remote");
    assert.equal((await get(program, "/")).text, "remote");
    const lines = await logged(program, 22);
    assert.deepEqual(lines.slice(20), [`app:sick, ${where}|503, 200|200|POST`, `${where}|200|200|GET`]);
    assert.match(program.output, /upstream server temporarily disabled: app:sick/);
  });

  test("alone and without a worker answers as by app_pass", async () => {
    await using program = await startMembers({
      servers: "server app:sick;", apps: `${appBlock("wsgi", "saying:wsgi")} ${appBlock("sick", "nowhere:app")}`,
      server: "location /pass { app_pass sick; }",
    });
    const [direct, member] = [await get(program, "/pass"), await get(program, "/")];
    assert.deepEqual([member.status, member.text, member.fields.get("retry-after")],
      [503, direct.text, direct.fields.get("retry-after")]);
  });

  test("gives a body in a file to the next one, and leaves none behind", async () => {
    const body = Buffer.alloc(300_000, "tricorn ");
    const sha = createHash("sha256").update(body).digest("hex");
    for (const name of ["wsgi", "asgi"] as const) {
      await using program = await startMembers({
        servers: "server app:wsgi max_fails=0; server app:asgi max_fails=0 backup;",
        http: `upstream one { server app:${name}; }`,
        location: "client_body_buffer_size 1k; proxy_next_upstream error non_idempotent http_503;",
        server: "location /one { client_body_buffer_size 1k; proxy_pass http://one; }",
      });
      const echo = echoOf(await get(program, "/one", { method: "POST", body }));
      assert.deepEqual([echo.name, echo.size, echo.sha], [name, body.length, sha]);
      const said = { status: 503 };
      const next = await ask(program, "/", said, { method: "POST", body });
      assert.equal(next.status, 503);
      assert.deepEqual((await logged(program, 2))[1], "app:wsgi, app:asgi|503, 503|503|POST");
      await eventually("no body is left", waitMs, async () => {
        const names = await readdir(program.folder, { recursive: true });
        return names.every((path) => !/\/(?:body|request)-\d/.test(path));
      });
    }
  });

  test("is released when the client leaves, and counts for max_conns", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({ servers: `server app:asgi max_conns=1; server ${where} backup;` });
    {
      using connection = await program.connect();
      const said = JSON.stringify({ parts: ["x"], mode: "endless" });
      connection.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Say: ${said}\r\n\r\n`);
      assert.match(await connection.read(12), /200$/);
      assert.equal((await ask(program, "/", { parts: ["app"] })).text, "remote");
    }
    await eventually("it is free", waitMs, async () => (await ask(program, "/", { parts: ["app"] })).text === "app");
    for (let count = 0; count < 20; count++) assert.equal((await ask(program, "/", { parts: ["app"] })).text, "app");
  });

  test("keeps its clients by a cookie", async () => {
    await using program = await startMembers({
      servers: "server app:wsgi; server app:asgi; sticky cookie who;", location: "app_hide_header X-Inner;",
    });
    const first = await get(program, "/");
    const cookie = first.fields.get("set-cookie")?.split(";")[0] ?? "";
    assert.match(cookie, /^who=/);
    for (let count = 0; count < 10; count++) {
      assert.equal(echoOf(await get(program, "/", { fields: { Cookie: cookie } })).name, echoOf(first).name);
    }
  });

  test("speaks WebSocket, and is released at its end", async () => {
    remote.play([{ steps: [remoteAnswer] }]);
    await using program = await startMembers({ servers: "server app:asgi max_conns=1;" });
    for (let count = 0; count < 3; count++) {
      using client = await WebSocketClient.open(program.port, { target: "/talk" });
      assert.equal(client.status, 101);
      assert.match(await client.hear(), /^text asgi \/talk 127\.0\.0\.1 ws$/);
      client.send("hello");
      assert.equal(await client.hear(), "text hello");
      assert.equal((await get(program, "/")).status, 502, "it is full");
      client.close(1000);
      assert.equal(await client.hear(), "close 1000");
      await eventually("it is free", waitMs, async () => (await get(program, "/")).status === 200);
    }
    await eventually("all are in the log", waitMs, async () =>
      counted(await linesOf(program, "log"))["app:asgi|101|101|GET"] === 3);
  });

  test("is written to the end when the program stops", async () => {
    const program = await startMembers({ servers: "server app:wsgi;" });
    const answer = ask(program, "/", { parts: ["a", "b"], mode: "stream", pause: 0.5 });
    using other = await program.connect();
    await other.get("/");
    await eventually("it is asked", waitMs, async () => (await linesOf(program, "log")).length > 0);
    const stopped = program.stop();
    assert.equal((await answer).text, "ab");
    await stopped;
  });
});
