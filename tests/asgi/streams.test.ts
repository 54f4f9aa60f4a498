// Server-sent events and the token streams of language models: each token is on its way as soon as it is sent, and a
// client that left is soon noticed.
import assert from "node:assert/strict";
import { once } from "node:events";
import * as net from "node:net";
import { after, before, describe, test } from "node:test";
import { requestText } from "../support/connection.ts";
import { percentile } from "../support/load.ts";
import { Program } from "../support/program.ts";
import { best, eventually } from "../support/wait.ts";
import { appsDirectory } from "./servers.ts";

const delayMsMax = 5;
const noticeMsMax = 1000;
const attempts = 3;

interface Arrivals {
  /** Milliseconds from the application's send to the arrival, of each token. */
  readonly delaysMs: readonly number[];
  /** How many tokens came with each read of the socket. */
  readonly reads: readonly number[];
  /** How many chunks the response had, the last and empty one not counted. */
  readonly chunks: number;
}

/** Reads one stream of tokens. */
async function listen(port: number, target: string): Promise<Arrivals> {
  const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
  const delaysMs: number[] = [];
  const reads: number[] = [];
  let chunks = 0;
  socket.setEncoding("latin1").on("data", (text: string) => {
    const now = process.hrtime.bigint();
    const sent = [...text.matchAll(/data: (\d+)\n\n/g)];
    for (const [, time = "0"] of sent) delaysMs.push(Number(now - BigInt(time)) / 1e6);
    if (sent.length > 0) reads.push(sent.length);
    chunks += text.match(/^[1-9a-f][0-9a-f]*\r$/gm)?.length ?? 0;
  });
  socket.write(requestText({ target, fields: { Connection: "close" } }));
  await once(socket, "close");
  return { delaysMs, reads, chunks };
}

describe("a stream of tokens", () => {
  let program: Program;
  before(async () => {
    program = await Program.start({ app: "stream_app:app", options: ["--workers", "1"], cwd: appsDirectory });
  });
  after(() => program.stop());

  for (const [name, type] of [
    ["text/event-stream", "&type=text/event-stream"], ["no Content-Type", ""], ["JSON", "&type=application/json"],
  ] as const) {
    test(`arrives token by token, each within ${delayMsMax} ms (${name})`, async (context) => {
      await listen(program.port, `/tokens?count=20&s=0.001${type}`);
      const count = 80;
      const medianMs = await best(attempts, delayMsMax, async () => {
        const { delaysMs, reads, chunks } = await listen(program.port, `/tokens?count=${count}&s=0.005${type}`);
        assert.deepEqual([delaysMs.length, chunks], [count, count], "a chunk for each token");
        context.diagnostic(`median ${percentile(delaysMs, 0.5)} ms, longest ${percentile(delaysMs, 1)} ms`);
        const alone = reads.filter((tokens) => tokens === 1).length;
        return alone > count * 0.9 ? percentile(delaysMs, 0.5) : Number.POSITIVE_INFINITY;
      });
      assert.ok(medianMs < delayMsMax, `median ${medianMs} ms, or tokens came together`);
    });
  }

  test(`has its first token within ${delayMsMax} ms`, async (context) => {
    const medianMs = await best(attempts, delayMsMax, async () => {
      const firstMs: number[] = [];
      for (let n = 0; n < 40; n++) {
        const { delaysMs: [first = Number.POSITIVE_INFINITY] } = await listen(program.port, "/tokens?count=2&s=0.005");
        firstMs.push(first);
      }
      context.diagnostic(`median ${percentile(firstMs, 0.5)} ms, longest ${percentile(firstMs, 1)} ms`);
      return percentile(firstMs, 0.5);
    });
    assert.ok(medianMs < delayMsMax, `median ${medianMs} ms`);
  });

  test(`has its tokens within ${delayMsMax} ms beside fifty others`, async (context) => {
    const medianMs = await best(attempts, delayMsMax, async () => {
      const all = Array.from({ length: 50 }, () => listen(program.port, "/tokens?count=40&s=0.025"));
      const delaysMs = (await Promise.all(all)).flatMap((arrivals) => arrivals.delaysMs);
      context.diagnostic(`median ${percentile(delaysMs, 0.5)} ms, 99 % ${percentile(delaysMs, 0.99)} ms`);
      return percentile(delaysMs, 0.5);
    });
    assert.ok(medianMs < delayMsMax, `median ${medianMs} ms`);
  });

  for (const path of ["receiving", "polling", "starlette", "talking"] as const) {
    test(`hears within a second that its client has left (${path})`, async (context) => {
      for (const how of ["close", "reset", "end"] as const) {
        let round = 0;
        const noticeMs = await best(attempts, noticeMsMax, async () => {
          const key = `${path}-${how}-${round++}`;
          using connection = await program.connect();
          connection.send(requestText({ target: `/${path}?key=${key}` }));
          for (let read = ""; !read.includes("begun");) read += await connection.read(1);
          const left = process.hrtime.bigint();
          connection[how]();
          const noticed = await eventually(`${path} notices ${how}`, 5000, async () => {
            using observer = await program.connect();
            const time = BigInt((await observer.get(`/when?key=${key}`)).text);
            return time > 0n ? time : undefined;
          });
          return Number(noticed - left) / 1e6;
        });
        context.diagnostic(`${how}: ${noticeMs} ms`);
        assert.ok(noticeMs < noticeMsMax, `${how} was noticed after ${noticeMs} ms`);
      }
    });
  }
});
