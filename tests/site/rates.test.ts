// limit_rate: how fast responses leave, whoever makes them; and what waits meanwhile.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { RequestText, Response } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { best, eventually } from "../support/wait.ts";
import { ask, interfaces, linesOf, type Said, startSite } from "./site.ts";

const rate = 100_000;
const size = 150_000;

/** Seconds that a response takes. */
async function timed(response: () => Promise<Response>): Promise<{ readonly seconds: number; readonly size: number }> {
  const startMs = performance.now();
  const { body, complete } = await response();
  assert.ok(complete);
  return { seconds: (performance.now() - startMs) / 1000, size: body.length };
}

for (const kind of interfaces) {
  describe(`limit_rate for responses of the ${kind} application`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        server: `
          location / { app_pass ${kind}; limit_rate 100k; }
          location /after { app_pass ${kind}; limit_rate 10k; limit_rate_after 200k; }
          location /set { set $limit_rate 100k; app_pass ${kind}; }
          location /free { app_pass ${kind}; }
          location /filtered { app_pass ${kind}; limit_rate 100k; sub_filter x y; sub_filter_types *; }
          location /static/ { limit_rate 100k; }`,
      });
      await writeFile(join(program.folder, "www.bin"), Buffer.alloc(size));
    });
    after(() => program.stop());

    const part = { parts: ["x".repeat(10)], times: size / 10 };
    const get = (target: string, said: Said, more?: RequestText): Promise<Response> => ask(program, target, said, more);

    describe("for bodies", { concurrency: true }, () => {
      // A second's worth leaves at once, so 1.5 seconds' worth takes half a second.
      for (const mode of ["whole", "stream"] as const) {
        for (const target of ["/", "/set", "/filtered"]) {
          test(`${target}: what is sent ${mode} takes its time`, async () => {
            const { seconds, size: got } = await timed(() => get(target, { ...part, mode }));
            assert.equal(got, size);
            assert.ok(seconds > (size - rate * 1.024) / (rate * 1.024) - 0.05, `${seconds} s`);
            assert.ok(seconds < 3, `${seconds} s`);
          });
        }
      }

      test("a file of the application takes its time", async () => {
        const { seconds, size: got } = await timed(() =>
          get("/", { parts: [join(program.folder, "www.bin")], mode: "file" }));
        assert.equal(got, size);
        assert.ok(seconds > 0.4 && seconds < 3, `${seconds} s`);
      });
    });

    test("X-Accel-Limit-Rate takes the location's place, 0 for no limit", async () => {
      const limited = await timed(() => get("/free", { ...part, headers: [["X-Accel-Limit-Rate", "100000"]] }));
      assert.ok(limited.seconds > 0.4 && limited.seconds < 3, `${limited.seconds} s`);
      const free = await best(3, 0.3, async () =>
        (await timed(() => get("/", { ...part, headers: [["X-Accel-Limit-Rate", "0"]] }))).seconds);
      assert.ok(free < 0.4, `${free} s`);
    });

    test("what limit_rate_after says does not count", async () => {
      const seconds = await best(3, 0.3, async () => (await timed(() => get("/after", part))).seconds);
      assert.ok(seconds < 0.4, `${seconds} s`);
    });

    test("a response without a body is not late", async () => {
      const seconds = await best(3, 0.3, async () => {
        const startMs = performance.now();
        const head = await get("/", part, { method: "HEAD" });
        assert.equal(head.text, "");
        return (performance.now() - startMs) / 1000;
      });
      assert.ok(seconds < 0.4, `${seconds} s`);
    });

    test(`the worker ${kind === "wsgi" ? "is free while" : "waits until"} the client is slow`, async () => {
      const before = (await linesOf(program, "events")).length;
      using connection = await program.connect();
      const said = { parts: ["x", "y", "z"], times: 300_000, mode: "stream", headers: [["Content-Type", "x/y"]] };
      connection.send(`GET /free HTTP/1.1\r\nHost: a\r\nX-Say: ${JSON.stringify({
        ...said, headers: [...said.headers, ["X-Accel-Limit-Rate", "1000"]],
      })}\r\n\r\n`);
      await connection.read(500);
      if (kind === "wsgi") {
        await eventually("the worker is done", 5000, async () =>
          (await linesOf(program, "events")).slice(before).includes("complete"));
      } else {
        assert.deepEqual((await linesOf(program, "events")).slice(before), []);
      }
      connection.close();
      await eventually("the application is at its end", 5000, async () =>
        (await linesOf(program, "events")).slice(before).includes("closed"));
      await eventually("no file is left", 5000, async () => (await program.spooled()).length === 0);
    });
  });
}
