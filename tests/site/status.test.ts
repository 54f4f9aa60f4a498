// What stub_status counts: connections and what they are doing, of all edge threads together.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WebSocketClient } from "../asgi/websocket-client.ts";
import { type Connection, requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { startSite } from "./site.ts";

describe("stub_status of two edge threads", () => {
  let program: Program;
  before(async () => {
    program = await startSite({
      main: "worker_processes 2;",
      server: `location / { app_pass asgi; } location /status { stub_status; }`,
    });
  });
  after(() => program.stop());

  /** Active, reading, writing, waiting; less the connection that asks, which is writing. */
  async function numbers(): Promise<string> {
    using connection = await program.connect();
    const { text } = await connection.get("/status");
    const [active, , , , reading, writing, waiting] = text.match(/\d+/g) ?? [];
    return [Number(active) - 1, reading, Number(writing) - 1, waiting].join(" ");
  }

  const comeTo = (wanted: string): Promise<boolean> =>
    eventually(`the numbers are ${wanted}`, 5000, async () => (await numbers()) === wanted);

  const endless = requestText({ target: "/", fields: { "X-Say": JSON.stringify({ mode: "endless", parts: ["x"] }) } });
  const connect = async (text: string): Promise<Connection> => {
    const connection = await program.connect();
    connection.send(text);
    return connection;
  };

  for (const [what, text, wanted] of [
    ["has sent nothing is waiting", "", "8 0 0 8"],
    ["has sent a part of a head is reading", "GET / HTTP/1.1\r\nHo", "8 8 0 0"],
    ["is being answered is writing", endless, "8 0 8 0"],
    ["sends a body is writing", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", "8 0 8 0"],
  ] as const) {
    test(`a connection that ${what}, until it is closed`, async () => {
      await comeTo("0 0 0 0");
      const connections = await Promise.all(Array.from({ length: 8 }, () => connect(text)));
      await comeTo(wanted);
      for (const connection of connections) connection.reset();
      await comeTo("0 0 0 0");
    });
  }

  test("a connection that was answered is waiting", async () => {
    await comeTo("0 0 0 0");
    using connection = await program.connect();
    await connection.get("/status");
    await comeTo("1 0 0 1");
    connection.send("GET /status HTTP/1.1\r\nHost");
    await comeTo("1 1 0 0");
    connection.send(": a\r\n\r\n");
    assert.equal((await connection.response()).status, 200);
    await comeTo("1 0 0 1");
  });

  test("a WebSocket is writing", async () => {
    await comeTo("0 0 0 0");
    const client = await WebSocketClient.open(program.port, { target: "/" });
    await comeTo("1 0 1 0");
    client[Symbol.dispose]();
    await comeTo("0 0 0 0");
  });

  test("requests and connections are counted over both", async () => {
    await comeTo("0 0 0 0");
    const read = async (): Promise<readonly number[]> => {
      using connection = await program.connect();
      const [, , handled = 0, requests = 0] = ((await connection.get("/status")).text.match(/\d+/g) ?? []).map(Number);
      return [handled, requests];
    };
    const [handled = 0, requests = 0] = await read();
    await Promise.all(Array.from({ length: 8 }, async () => {
      using connection = await program.connect();
      for (let n = 0; n < 3; n++) await connection.get("/status");
    }));
    assert.deepEqual(await read(), [handled + 9, requests + 25]);
  });
});
