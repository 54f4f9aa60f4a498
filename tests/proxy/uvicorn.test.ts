// uvicorn behind the proxy: HTTP, WebSockets, and streams of events.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import { type AsgiServer, startServer } from "../asgi/servers.ts";
import { WebSocketClient } from "../asgi/websocket-client.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { startProxy } from "./support/proxies.ts";

const upgraded = `proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $upgrade;
  proxy_set_header Host $host;`;

for (const unixSocket of [false, true]) {
  describe(`uvicorn on ${unixSocket ? "a Unix socket" : "TCP"}`, { skip: requireEnvironment(applications) }, () => {
    let peer: AsgiServer;
    let proxy: Program;
    before(async () => {
      const options = ["--ws", "websockets"];
      peer = await startServer("uvicorn", {
        app: "websocket_app:app", peerPython: pythonOf(applications), uvicorn: options, unixSocket,
      });
      const place = unixSocket ? `unix:${peer.socketPath}` : `127.0.0.1:${peer.port}`;
      proxy = await startProxy({
        http: 'map $http_upgrade $upgrade { default upgrade; "" ""; }',
        server: `location / { ${upgraded} proxy_pass http://${place}; }
          location /plain/ { proxy_pass http://${place}${unixSocket ? ":" : ""}/; }
          location /never/ { proxy_set_header Connection ""; proxy_pass http://${place}${unixSocket ? ":" : ""}/; }`,
      });
    });
    after(async () => {
      await proxy.stop();
      await peer[Symbol.asyncDispose]();
    });

    test("messages go both ways, small and large", async () => {
      using client = await WebSocketClient.open(proxy.port, { target: "/?do=echo" });
      assert.equal(client.status, 101);
      for (const message of ["a", "b".repeat(125), "c".repeat(126), "d".repeat(70_000)]) {
        client.send(message);
        assert.equal((await client.message()).toString(), message);
      }
      const bytes = randomBytes(500_000);
      client.send(bytes);
      assert.equal(digest(await client.message()), digest(bytes));
    });

    test("a message in the handshake's packet arrives", async () => {
      const ahead = Buffer.from("818100000000" + Buffer.from("x").toString("hex"), "hex");
      using client = await WebSocketClient.open(proxy.port, { target: "/?do=echo", ahead });
      assert.equal(await client.hear(), "text x");
    });

    test("pings are answered, and the end is agreed upon", async () => {
      using client = await WebSocketClient.open(proxy.port, { target: "/?do=echo" });
      client.frame(9, "are you there");
      assert.equal(await client.hear(), "pong are you there");
      client.close(1000);
      assert.equal(await client.hear(), "close 1000");
      assert.equal(await client.hear(), "FIN");
    });

    test("no field has to be set for WebSockets", async () => {
      using client = await WebSocketClient.open(proxy.port, { target: "/plain/?do=echo" });
      client.send("a");
      assert.equal(await client.hear(), "text a");
    });

    test("where Connection is set to nothing there are none", async () => {
      using client = await WebSocketClient.open(proxy.port, { target: "/never/?do=echo" });
      assert.notEqual(client.status, 101);
    });

    test("a hundred WebSockets at once, each its own", async () => {
      const clients = await Promise.all(Array.from({ length: 100 }, () =>
        WebSocketClient.open(proxy.port, { target: "/?do=echo" })));
      for (const [index, client] of clients.entries()) client.send(`message ${index}`);
      const heard = await Promise.all(clients.map((client) => client.hear()));
      for (const client of clients) client[Symbol.dispose]();
      assert.deepEqual(heard, clients.map((_, index) => `text message ${index}`));
    });
  });
}

describe("streams of events", () => {
  let peer: AsgiServer;
  let proxy: Program;
  before(async () => {
    peer = await startServer("uvicorn", { app: "stream_app:app", options: [] });
    const place = `http://127.0.0.1:${peer.port}`;
    proxy = await startProxy({
      server: `location / { proxy_pass ${place}; } location /force/ { proxy_buffering force; proxy_pass ${place}/; }
        location /unbuffered/ { proxy_buffering off; proxy_pass ${place}/; }`,
    });
  });
  after(async () => {
    await proxy.stop();
    await peer[Symbol.asyncDispose]();
  });

  for (const [place, type, isApart] of [
    ["", "text/event-stream", true], ["/unbuffered", "text/plain", true], ["/force", "text/event-stream", false],
  ] as const) {
    test(`tokens as ${type} ${isApart ? "come as they are sent" : "may be kept"} at ${place}/`, async () => {
      using connection = await proxy.connect();
      const { blocks, fields, text } = await connection.get(`${place}/tokens?count=5&s=0.1&type=${type}`);
      assert.equal(fields.get("content-type"), type);
      assert.equal(text.match(/data: /g)?.length, 5);
      const times = blocks.map(({ atMs }) => atMs);
      if (isApart) assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) > 200, JSON.stringify(blocks));
    });
  }

  test("the upstream hears that its client has left", async () => {
    {
      using connection = await proxy.connect();
      connection.send("GET /receiving?key=left HTTP/1.1\r\nHost: a\r\n\r\n");
      assert.match(await connection.read(12), /200$/);
    }
    using other = await proxy.connect();
    await eventually("it hears that", 5000, async () => Number((await other.get("/when?key=left")).text) > 0);
  });
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
