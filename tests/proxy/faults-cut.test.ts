// Upstreams that are killed in the middle of a response: nothing that is cut passes for whole.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Connection, requestText } from "../support/connection.ts";
import { eventually } from "../support/wait.ts";
import { startProxy } from "./support/proxies.ts";
import { UpstreamProcess } from "./support/upstream-process.ts";

const waitMs = 10_000;
const size = 3_000_000;

describe("a response whose upstream is killed in its middle", () => {
  for (const buffering of ["on", "off"] as const) {
    for (const framing of ["length", "chunked"] as const) {
      for (const version of ["1.1", "1.0"] as const) {
        test(`is cut for HTTP/${version}, ${framing}, proxy_buffering ${buffering}`, async () => {
          await using upstream = await UpstreamProcess.start();
          await using proxy = await startProxy({
            server: `location / { proxy_buffering ${buffering}; proxy_pass http://${upstream.name}; }`,
          });
          using quick = await proxy.connect();
          using slow = await proxy.connect();
          const target = `/?size=${size}&hold=${size - 100_000}&framing=${framing}`;
          for (const client of [quick, slow]) client.send(requestText({ target, version }));
          let came = 0;
          const response = quick.response({ onBody: (bytes) => (came += bytes.length) });
          await eventually("most of it has come", waitMs, () => came >= size - 200_000);
          await upstream.kill();
          const { status, complete } = await response;
          assert.deepEqual([status, complete], [200, false]);
          assert.ok(came <= size - 100_000);
          // Whoever reads late finds it cut as well, or hears that there is none if it had not begun.
          const late = await slow.response({ onBody: () => undefined });
          await quick.rest();
          if (late.status !== 502) {
            assert.deepEqual([late.status, late.complete], [200, false]);
            await slow.rest();
          }
          await eventually("no file is left", waitMs, async () => (await proxy.spooled()).length === 0);
          assert.equal((await statusOf(proxy.port)), 502);
        });
      }
    }
  }
});

async function statusOf(port: number): Promise<number> {
  using connection = await Connection.open({ port });
  return (await connection.get("/")).status;
}
