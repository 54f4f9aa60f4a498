// WebSockets when something around them ends: the server, a worker, the edge, the client's attention.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { deed, notes, noted, step } from "./behaviour.ts";
import { type AsgiServer, type ServerName, type ServerSettings, appsDirectory, startServer } from "./servers.ts";
import { ws } from "./tables/websocket-talk.ts";
import { WebSocketClient } from "./websocket-client.ts";

const { receive } = step;
const settings: ServerSettings = { app: "websocket_app:app", peerPython: pythonOf(applications) };
const skipUvicorn = requireEnvironment(applications);
const graceS = 2;
const grace: ServerSettings = {
  ...settings,
  tricorn: ["--graceful-timeout", String(graceS)],
  uvicorn: ["--timeout-graceful-shutdown", String(graceS)],
};

/** Starts both, one after the other. */
function onBoth(name: string, server: ServerSettings, play: (server: AsgiServer) => Promise<void>): void {
  const run = async (which: ServerName): Promise<void> => {
    await using started = await startServer(which, server);
    await play(started);
  };
  test(`${name}, on tricorn`, () => run("tricorn"));
  test(`${name}, on uvicorn`, { skip: skipUvicorn }, () => run("uvicorn"));
}

/** Opens a WebSocket whose application prints how it ends. */
async function open(port: number, name: "print" | "deaf"): Promise<WebSocketClient> {
  const client = await WebSocketClient.open(port, deed(name));
  assert.equal(await client.hear(), "text there");
  return client;
}

async function ended(server: AsgiServer): Promise<void> {
  await eventually("the server ends", 10_000, () => server.exitStatus !== undefined);
}

describe("a WebSocket when the server is told to end", () => {
  onBoth("is closed with 1012, and its application hears that", settings, async (server) => {
    using client = await open(server.port, "print");
    const startMs = performance.now();
    server.signal("SIGTERM");
    assert.equal(await client.hear(), "close 1012");
    client.close(1012);
    await ended(server);
    assert.match(server.output, /heard disconnect 1012/);
    const elapsedMs = performance.now() - startMs;
    assert.ok(elapsedMs < 5000, `nobody waited for the grace time, but ${elapsedMs} ms went by`);
  });

  onBoth("does not delay that beyond the grace time when its application does not listen", grace, async (server) => {
    using client = await open(server.port, "deaf");
    server.signal("SIGTERM");
    assert.equal(await client.hear(), "close 1012");
    client.close(1012);
    await ended(server);
    assert.match(server.output, /heard nothing but a cancellation/);
  });

  onBoth("is answered 500 when it waits for its acceptance", grace, async (server) => {
    const { target, key } = deed("steps", { steps: [receive, receive] });
    const asked = await WebSocketClient.ask(server.port, { target });
    using _ = asked.connection;
    await noted(server, key, 1);
    server.signal("SIGTERM");
    assert.equal((await WebSocketClient.answered(asked.connection, asked.key)).status, 500);
    await ended(server);
  });
});

describe("a WebSocket when its worker or the edge goes", () => {
  const options = ["--workers", "1", "--graceful-timeout", String(graceS)];
  const start = (): Promise<Program> => Program.start({ app: settings.app, cwd: appsDirectory, options });

  test("is closed with 1012 within the grace time of a reload, and the next one is served", async () => {
    await using program = await start();
    using client = await open(program.port, "print");
    program.signal("SIGHUP");
    assert.deepEqual(await client.hearAll(), ["close 1012", "FIN"]);
    await eventually("the application hears it", 5000, () => program.output.includes("heard disconnect 1012"));
    using next = await open(program.port, "print");
    assert.equal(next.status, 101);
  });

  test("is closed with 1011 when the worker is killed, or answered 502 when it waits for its acceptance", async () => {
    await using program = await start();
    using client = await open(program.port, "print");
    const { target } = deed("steps", { steps: [receive, receive] });
    const asked = await WebSocketClient.ask(program.port, { target });
    using _ = asked.connection;
    // The worker has the second one too when it answers a third.
    (await open(program.port, "print"))[Symbol.dispose]();
    for (const pid of program.workerPids) process.kill(pid, "SIGKILL");
    assert.deepEqual(await client.hearAll(), ["close 1011", "FIN"]);
    assert.equal((await WebSocketClient.answered(asked.connection, asked.key)).status, 502);
    await eventually("another worker serves", 10_000, async () => {
      using next = await WebSocketClient.open(program.port, deed("print"));
      return next.status === 101;
    });
  });

  test("tells its application 1006 when the edge is killed", async () => {
    await using program = await start();
    using client = await open(program.port, "print");
    process.kill(program.edgePid, "SIGKILL");
    assert.match((await client.hearAll()).join(), /^(?:FIN|ECONNRESET)$/);
    await eventually("the application hears it", 5000, () => program.output.includes("heard disconnect 1006"));
  });
});

describe("a silent client", () => {
  // A client on a busy machine may take its time to answer.
  const intervalMs = 300, timeoutMs = 1200;
  onBoth("is pinged, and given up when it stays silent", {
    ...settings,
    tricorn: ["--ws-ping-interval", `${intervalMs}ms`, "--ws-ping-timeout", `${timeoutMs}ms`],
    uvicorn: ["--ws-ping-interval", String(intervalMs / 1000), "--ws-ping-timeout", String(timeoutMs / 1000)],
  }, async (server) => {
    using lively = await WebSocketClient.open(server.port, deed("echo"));
    const { target, key } = deed("steps", { steps: [receive, ws.accept(), receive] });
    using silent = await WebSocketClient.open(server.port, { target });
    const startMs = performance.now();
    const hears = notes(server, key, 3);
    for (let n = 0; n < 3; n++) await lively.answerPing();
    // Within interval and timeout; the rest is the clock's grain, and a busy machine.
    const told = await hears;
    const elapsedMs = performance.now() - startMs;
    assert.ok(elapsedMs < intervalMs + timeoutMs + 2000, `the application heard of it after ${elapsedMs} ms`);
    const [, , farewell = ""] = told;
    assert.equal(farewell, server.name === "tricorn" ? "disconnect 1011 keepalive ping timeout" : "disconnect 1005");
    assert.match((await silent.hearAll()).join(), /^ping .*,close 1011 keepalive ping timeout,(?:FIN|ECONNRESET)$/s);
    lively.send("alive");
    while (!(await lively.hear()).startsWith("text alive"));
  });
});

describe("a request for a WebSocket", () => {
  test("is a plain request to a WSGI application", async () => {
    await using program = await Program.start({ app: "wsgi_app:app", options: ["--workers", "1"] });
    using client = await WebSocketClient.open(program.port);
    assert.deepEqual([client.status, (await client.connection.response()).text], [200, "hello world"]);
  });

  onBoth("is a plain request with --ws none", { ...settings, options: ["--ws", "none"] }, async (server) => {
    using client = await WebSocketClient.open(server.port, { target: "/?do=task" });
    assert.equal((await client.connection.response()).text, "[true, true, true]");
  });
});
