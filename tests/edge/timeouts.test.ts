// What a client may not keep the edge waiting for. The edge looks at its deadlines four times a second.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chunk, requestText } from "../support/connection.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const timeoutMs = 600;
/** The edge's clock ticks every 250 ms, and the machine may be busy. */
const latestMs = 2500;

function assertTimely(startMs: number): void {
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs > timeoutMs - 300 && elapsedMs < latestMs, `after ${elapsedMs} ms`);
}

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`over ${kind.toUpperCase()} a client is not waited for`, { concurrency: true }, () => {
    let program: Program;
    before(async () => {
      const timeout = `${timeoutMs}ms`;
      program = await Program.start({
        app: `${kind}_app:app`,
        options: [
          "--client-header-timeout", timeout, "--client-body-timeout", timeout, "--send-timeout", timeout,
          "--keep-alive", timeout, "--threads", "8",
        ],
      });
    });
    after(() => program.stop());

    test("when its head comes too slowly: 408, however it drips", async () => {
      for (const pauseMs of [timeoutMs * 4, 50]) {
        using connection = await program.connect();
        const startMs = performance.now();
        const head = `${requestText({}).slice(0, -2)}X: ${"x".repeat(1000)}`;
        let over = false;
        const drip = async (): Promise<void> => {
          for (let at = 0; at < head.length && !over; at += 2) {
            connection.send(head.slice(at, at + 2));
            await Promise.race([sleep(pauseMs), response]);
          }
        };
        const response = connection.response().finally(() => (over = true));
        await drip();
        assert.equal((await response).status, 408);
        assertTimely(startMs);
        assert.equal(await connection.rest(), "");
      }
    });

    test("when it sends nothing at all: closed without a word", async () => {
      using connection = await program.connect();
      const startMs = performance.now();
      assert.equal(await connection.rest(), "");
      assertTimely(startMs);
    });

    test("when its body stops: 408", async () => {
      for (const fields of [{ "Content-Length": "100" }, { "Transfer-Encoding": "chunked" }]) {
        using connection = await program.connect();
        const startMs = performance.now();
        connection.send(requestText({ method: "POST", target: "/hash", fields }) + chunk("abc"));
        assert.equal((await connection.response()).status, 408);
        assertTimely(startMs);
      }
    });

    test("but a body may take longer as a whole", async () => {
      using connection = await program.connect();
      connection.send(requestText({ method: "POST", target: "/hash", fields: { "Content-Length": "8" } }));
      for (let n = 0; n < 8; n++) {
        await sleep(timeoutMs / 4);
        connection.send("x");
      }
      assert.equal((JSON.parse((await connection.response()).text) as { size: number }).size, 8);
    });

    test("when it is idle after a response: closed without a word", async () => {
      using connection = await program.connect();
      assert.equal((await connection.get("/")).status, 200);
      const startMs = performance.now();
      assert.equal(await connection.rest(), "");
      assertTimely(startMs);
    });

    test("but the application may take its time", async () => {
      using connection = await program.connect();
      assert.equal((await connection.get("/sleep?s=1.5&n=1")).text, "slept 1");
    });

    test("when it takes nothing of its response: cut off, and the application hears of it", async () => {
      using connection = await program.connect();
      connection.send(requestText({ target: "/stream?count=1000&size=65536&n=stuck" }));
      assert.equal((await connection.read(4)), "HTTP");
      const startMs = performance.now();
      const events: string[] = [];
      await eventually("the application's generator is closed", latestMs + 3000, async () => {
        using observer = await program.connect();
        events.push(...JSON.parse((await observer.get("/events")).text) as string[]);
        return events.includes("closed stuck");
      });
      // A synchronous worker's bytes went to a file; what is waited for is the client, not the worker.
      await eventually("nothing of it is on disk", latestMs, async () => (await program.spooled()).length === 0);
      assert.ok(performance.now() - startMs > timeoutMs - 300);
      // What had left before is still readable; then the connection is over, and what came is no whole response.
      await sleep(300);
      assert.ok((await connection.rest()).length < 65_536_000);
    });

    test("but a slow reader that goes on reading gets everything", async () => {
      // What the system holds for the client, the edge has long sent: it reads on while its connection counts as idle.
      const options = ["--send-timeout", `${timeoutMs}ms`, "--keep-alive", "30s"];
      await using patient = await Program.start({ app: `${kind}_app:app`, options });
      using connection = await patient.connect();
      const count = 400;
      connection.send(requestText({ target: `/stream?count=${count}&size=65536&length=${count * 65_536}` }));
      const startMs = performance.now();
      const head = await connection.read(200);
      let left = count * 65_536 - (200 - head.indexOf("\r\n\r\n") - 4);
      while (left > 0) {
        await sleep(40);
        const part = await connection.read(Math.min(left, 1_048_576));
        assert.notEqual(part, "", `cut off with ${left} bytes to come`);
        left -= part.length;
      }
      assert.ok(performance.now() - startMs > timeoutMs, "it was slow enough to be cut off");
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    });
  });
}

test("keep-alive 0 closes after each response, and says so", async () => {
  await using program = await Program.start({ app: "wsgi_app:app", options: ["--keep-alive", "0"] });
  using connection = await program.connect();
  assert.equal((await connection.get("/")).fields.get("connection"), "close");
  assert.equal(await connection.rest(), "");
});

test("keepalive-time closes an old connection after its next response", async () => {
  await using program = await Program.start({ app: "wsgi_app:app", options: ["--keepalive-time", "1500ms"] });
  using connection = await program.connect();
  assert.equal((await connection.get("/")).fields.get("connection"), undefined);
  await sleep(2000);
  assert.equal((await connection.get("/")).fields.get("connection"), "close");
  assert.equal(await connection.rest(), "");
});
