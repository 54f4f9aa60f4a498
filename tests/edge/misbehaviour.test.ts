// After clients of every bad kind nothing is left of them: no descriptor, no file, no place that counts as taken.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chunk, requestText } from "../support/connection.ts";
import { load } from "../support/load.ts";
import { openFiles } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const rounds = 15;

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`a program with ${kind.toUpperCase()}`, () => {
    let program: Program;
    before(async () => {
      const options = ["--threads", "4", "--limit-concurrency", "40", "--client-max-body-size", "1m"];
      program = await Program.start({ app: `${kind}_app:app`, options });
    });
    after(() => program.stop());

    test("forgets clients that leave in the middle of anything", async () => {
      {
        using connection = await program.connect();
        await connection.get("/");
      }
      const { edgePid } = program;
      await sleep(300);
      const filesBefore = openFiles(edgePid).length;
      const upload = requestText({ method: "POST", target: "/hash", fields: { "Content-Length": "900000" } });
      const chunked = requestText({ method: "POST", target: "/hash", fields: { "Transfer-Encoding": "chunked" } });
      const scenes: readonly string[] = [
        "", "GET", "GET / HTTP/1.1\r\nHost:", requestText({}), requestText({}).repeat(30),
        upload, upload + "x".repeat(500_000), `${chunked}5\r\nab`, `${chunked}zz\r\n`,
        chunked + chunk("x".repeat(100_000)), chunked + chunk("x".repeat(1_100_000)),
        requestText({ target: "/stream?count=1000&size=65536" }),
        requestText({ target: "/stream?count=1000&size=10&s=0.01" }), requestText({ target: "/fail" }),
        requestText({ target: "/fail?after=2" }), requestText({ target: "/sleep?s=0.05" }) + requestText({}) + upload,
        requestText({ method: "POST", target: "/hash", fields: { "Content-Length": "9", Expect: "100-continue" } }),
        "GARBAGE\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", requestText({ target: "/", version: "2.0" }),
      ];
      for (let round = 0; round < rounds; round++) {
        await Promise.all(scenes.map(async (scene, n) => {
          const connection = await program.connect();
          connection.send(scene);
          await sleep((round * 7 + n) % 60);
          const leave = (["close", "reset", "end"] as const)[(round + n) % 3] ?? "close";
          connection[leave]();
          if (leave === "end") await sleep(100);
          connection.close();
        }));
      }
      // Also the application must be done with them before all places are free.
      let left = 400;
      const next = (): string | undefined => (left-- > 0 ? "/?n=1" : undefined);
      await eventually("all places are free again", 15_000, async () => {
        left = 400;
        const answers = await load({ port: program.port, clients: 40, next });
        return answers.every(({ status }) => status === 200);
      });
      assert.equal(program.edgePid, edgePid, "the edge is the same process");
      await eventually("no descriptor is left", 5000, () => openFiles(edgePid).length <= filesBefore);
      await eventually("no body is left", 2000, async () => (await program.spooled()).length === 0);
      assert.ok(!/AssertionError|TypeError|Unhandled/.test(program.output), program.output.slice(-3000));
    });
  });
}

describe("an ASGI application that answers before it has read", () => {
  let program: Program;
  before(async () => {
    program = await Program.start({ app: "asgi_app:app" });
  });
  after(() => program.stop());

  test("keeps the connection when the rest of the body is small", async () => {
    using connection = await program.connect();
    const fields = { "Content-Length": "100000" };
    connection.send(requestText({ method: "POST", target: "/answer-first", fields }) + "x".repeat(1000));
    assert.equal((await connection.response()).text, "no, thank you");
    connection.send("x".repeat(99_000) + requestText({ target: "/?n=2" }));
    assert.equal((await connection.response()).text, "hello 2");
  });

  test("closes it when the rest is large, after the client could read the answer", async () => {
    using connection = await program.connect();
    const fields = { "Content-Length": "50000000" };
    connection.send(requestText({ method: "POST", target: "/answer-first", fields }));
    const sent = connection.sendAll(Buffer.alloc(2_000_000)).catch(() => undefined);
    assert.equal((await connection.response()).text, "no, thank you");
    await connection.rest().catch(() => "");
    await sent;
  });

  test("and whose client sends its body in spite of that answer to 100-continue", async () => {
    using connection = await program.connect();
    const fields = { "Content-Length": "5", Expect: "100-continue" };
    connection.send(requestText({ method: "POST", target: "/answer-first", fields }));
    assert.equal((await connection.response()).fields.get("connection"), "close");
    connection.send(`xxxxx${requestText({ target: "/?n=1" })}`);
    assert.equal(await connection.rest(), "", "what follows is never taken for a request");
  });
});
