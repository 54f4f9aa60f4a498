// What a location says about the connection that its request came through.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { startSite } from "./site.ts";

describe("whether a connection goes on is said by the location of the request", () => {
  let program: Program;
  before(async () => {
    program = await startSite({
      server: `
        location / { return 200; }
        location /second { keepalive_requests 2; return 200; }
        location /old { keepalive_time 0; return 200; }
        location /never { keepalive_timeout 0; return 200; }`,
    });
  });
  after(() => program.stop());

  for (const target of ["/second", "/old", "/never"]) {
    test(`that is answered: ${target} behind another one`, async () => {
      using connection = await program.connect();
      assert.equal((await connection.get("/")).fields.get("connection"), undefined);
      assert.equal((await connection.get(target)).fields.get("connection"), "close");
      assert.equal(await connection.rest(), "");
    });
  }

  test("not by the one of the request before", async () => {
    using connection = await program.connect();
    assert.equal((await connection.get("/second")).fields.get("connection"), undefined);
    assert.equal((await connection.get("/")).fields.get("connection"), undefined);
    assert.equal((await connection.get("/")).status, 200);
  });
});

describe("how a connection ends is said by the location of its last request", () => {
  const big = 20_000_000;
  const endless = { mode: "endless", parts: ["x"], times: 100_000 };
  const whole = { parts: ["0123456789"], times: big / 10 };
  let program: Program;
  before(async () => {
    program = await startSite({
      server: `
        location / { return 200; }
        location /long { lingering_timeout 60s; return 200; }
        location /short { lingering_timeout 200ms; return 200; }
        location /off { lingering_close off; lingering_timeout 60s; return 200; }
        location /big { lingering_timeout 200ms; app_pass asgi; }
        location /big/off { lingering_close off; lingering_timeout 200ms; app_pass asgi; }
        location /stuck { send_timeout 300ms; app_pass asgi; }
        location /stuck/reset { send_timeout 300ms; reset_timedout_connection on; app_pass asgi; }
        location /drop { return 444; }
        location /drop/reset { reset_timedout_connection on; return 444; }
        location /status { stub_status; }`,
    });
  });
  after(() => program.stop());

  /** Connections that the edge holds beside the one that asks. */
  async function held(): Promise<number> {
    using connection = await program.connect();
    return Number((await connection.get("/status")).text.match(/\d+/)?.[0]) - 1;
  }

  /** Has a response that ends its connection, of which the client leaves its side open. */
  async function answered(target: string): Promise<Connection> {
    const connection = await program.connect();
    assert.equal((await connection.get(target, { Connection: "close" })).status, 200);
    assert.equal(await connection.rest(), "");
    return connection;
  }

  test("after lingering_timeout, if the client does not end it", async () => {
    using _short = await answered("/short");
    await eventually("it is closed", 5000, async () => (await held()) === 0);
    const long = await answered("/long");
    await sleep(1000);
    assert.equal(await held(), 1);
    long.close();
    await eventually("it is closed by the client", 5000, async () => (await held()) === 0);
  });

  test("at once, without lingering_close", async () => {
    using _off = await answered("/off");
    await eventually("it is closed", 5000, async () => (await held()) === 0);
  });

  for (const target of ["/big", "/big/off"]) {
    test(`not before a slow client has its response: ${target}`, async () => {
      using connection = await program.connect();
      connection.send(requestText({ target, fields: { "X-Say": JSON.stringify(whole), Connection: "close" } }));
      const begin = await connection.read(1000);
      await sleep(1500);
      connection.unread(begin);
      const { body, complete } = await connection.response();
      assert.deepEqual([body.length, complete], [big, true]);
      connection.close();
      await eventually("it is closed", 5000, async () => (await held()) === 0);
    });
  }

  for (const [target, error] of [["/stuck", undefined], ["/stuck/reset", "ECONNRESET"]] as const) {
    for (const said of [endless, whole]) {
      const what = said === whole ? "a response that is complete" : "an endless one";
      test(`when the client takes nothing of ${what}: ${target} with ${error ?? "FIN"}`, async () => {
        using connection = await program.connect();
        connection.send(requestText({ target, fields: { "X-Say": JSON.stringify(said), Connection: "close" } }));
        await connection.read(1000);
        await eventually("it is closed", 5000, async () => (await held()) === 0);
        assert.ok((await connection.rest()).length < big || said === endless);
        assert.equal(connection.error?.code, error);
      });
    }
  }

  for (const [target, error] of [["/drop", undefined], ["/drop/reset", "ECONNRESET"]] as const) {
    test(`without a response: ${target} with ${error ?? "FIN"}`, async () => {
      using connection = await program.connect();
      connection.send(requestText({ target }));
      assert.equal(await connection.rest(), "");
      assert.equal(connection.error?.code, error);
    });
  }
});
