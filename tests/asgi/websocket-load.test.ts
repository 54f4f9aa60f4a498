// What WebSockets hold in memory: little each, and no more when one end is faster than the other.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { proportionalSize } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { deed } from "./behaviour.ts";
import { edgeSize, inspected } from "./garbage.ts";
import { appsDirectory } from "./servers.ts";
import { WebSocketClient, closePayload, frame, opcodes } from "./websocket-client.ts";

const mega = 1e6;
/** Buffers of the kernel at both ends, which grow to 6 MB each, and what is under way beside them. */
const underWayMax = 24 * mega;
/** What waits, or passes through, is several times as much; the allocator keeps some of what has passed. */
const growthMax = { waiting: 25 * mega, passed: 60 * mega, passedLarge: 120 * mega } as const;
const idleCount = 2000;
const idleSizeMax = 8000;

function start(...more: readonly string[]): Promise<Program> {
  const options = ["--workers", "1", ...more];
  return Program.start({ app: "websocket_app:app", cwd: appsDirectory, options, env: inspected });
}

/** Reads a figure until it does not change any more. */
async function settled(read: () => number | Promise<number>): Promise<number> {
  let before = -1;
  return eventually("it comes to rest", 20_000, async () => {
    const now = await read();
    await sleep(300);
    const rests = now === before && now > 0;
    before = now;
    return rests ? now : undefined;
  });
}

/** What the application has noted, without taking it away. */
async function peek(program: Program, key: string): Promise<number> {
  using connection = await program.connect();
  const [last = "0"] = JSON.parse((await connection.get(`/?do=look&key=${key}`)).text) as string[];
  return Number(last);
}

describe("a WebSocket with a fast and a slow end", () => {
  let program: Program;
  let held: { readonly edge: number; readonly worker: number };
  before(async () => {
    program = await start();
    // So that what is measured is not the first use of anything.
    for (const size of ["100", "10000", "1000000"]) {
      using client = await WebSocketClient.open(program.port, deed("flood", { size, count: "50" }));
      for (let n = 0; n < 50; n++) await client.message();
    }
  });
  // The allocator keeps some of what passed in the tests before.
  beforeEach(async () => {
    held = await memory();
  });
  after(() => program.stop());

  async function memory(): Promise<{ readonly edge: number; readonly worker: number }> {
    return { edge: await edgeSize(program), worker: proportionalSize(program.workerPids) };
  }

  async function assertFlat(
    context: { diagnostic: (text: string) => void }, when: keyof typeof growthMax,
  ): Promise<void> {
    const now = await memory();
    const [edge, worker] = [now.edge - held.edge, now.worker - held.worker];
    context.diagnostic(`edge ${edge / mega} MB, worker ${worker / mega} MB more than before`);
    assert.ok(edge < growthMax[when] && worker < growthMax[when], `edge ${edge / mega} MB, worker ${worker / mega} MB`);
  }

  for (const size of [100, 10_000, 1_000_000]) {
    test(`stops send() when the client does not read (messages of ${size} bytes)`, async (context) => {
      const { target, key } = deed("flood", { size: String(size) });
      using client = await WebSocketClient.open(program.port, { target });
      const sent = await settled(() => peek(program, key));
      context.diagnostic(`${sent} messages, ${(sent * size) / mega} MB`);
      assert.ok(sent * size < underWayMax, `${sent} messages are under way`);
      await assertFlat(context, "waiting");
      for (let n = 0; n < sent; n++) assert.equal((await client.message()).length, size);
      await eventually("it goes on", 5000, async () => (await peek(program, key)) > sent);
    });
  }

  test("lets go of an application that only sends when its client is lost behind unheard messages", async () => {
    const { target, key } = deed("flood", { size: "10000" });
    using client = await WebSocketClient.open(program.port, { target });
    for (let n = 0; n < 100; n++) client.connection.send(frame(opcodes.text, "unheard"));
    await settled(() => peek(program, key));
    client.connection.reset();
    using observer = await program.connect();
    await eventually("send() raises", 5000, async () => {
      return (await observer.get(`/?do=look&key=${key}`)).text.includes("ClientDisconnected");
    });
  });

  for (const [size, count] of [[100, 300_000], [10_000, 10_000], [1_000_000, 400]] as const) {
    test(`stops the client when the application does not receive (messages of ${size} bytes)`, async (context) => {
      const { target, key } = deed("slow");
      using client = await WebSocketClient.open(program.port, { target });
      const one = frame(opcodes.binary, Buffer.alloc(size, "x"));
      const block = Buffer.concat(Array.from({ length: Math.ceil(mega / one.length) }, () => one));
      const perBlock = block.length / one.length;
      const blocks = Math.ceil(count / perBlock);
      for (let n = 0; n < blocks; n++) client.connection.send(block);
      client.connection.send(frame(opcodes.close, closePayload(1000)));
      const unsent = await settled(() => client.connection.unsentSize);
      const taken = blocks * block.length - unsent;
      context.diagnostic(`${taken / mega} MB were taken`);
      assert.ok(taken < underWayMax, `${taken / mega} MB were taken`);
      await assertFlat(context, "waiting");
      using connection = await program.connect();
      await connection.get(`/?do=go&key=${key}`);
      assert.equal(await client.hear(), "close 1000");
      const noted = JSON.parse((await connection.get(`/?do=notes&key=${key}&wait=2`)).text) as unknown;
      assert.deepEqual(noted, [String(blocks * perBlock), "disconnect 1000"]);
      // Of large messages V8 lets some 70 MB of garbage gather before it looks, however many pass.
      await assertFlat(context, size > 100_000 ? "passedLarge" : "passed");
    });
  }
});

test(`an idle WebSocket costs under ${idleSizeMax} bytes in the edge`, async (context) => {
  await using program = await start("--worker-connections", String(idleCount * 3));
  const clients: WebSocketClient[] = [];
  const open = async (): Promise<void> => {
    const wanted = clients.length + idleCount;
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (clients.length < wanted) {
        const client = await WebSocketClient.open(program.port, deed("echo"));
        clients.push(client);
        client.send("hello");
        assert.equal(await client.hear(), "text hello");
      }
    }));
  };
  try {
    // So that what is measured is not what the first ones make the heap grow by.
    await open();
    const [before, workerBefore] = [await edgeSize(program), proportionalSize(program.workerPids)];
    await open();
    const each = ((await edgeSize(program)) - before) / idleCount;
    const worker = (proportionalSize(program.workerPids) - workerBefore) / idleCount;
    context.diagnostic(`${Math.round(each)} bytes in the edge, ${Math.round(worker)} in the worker`);
    assert.ok(each < idleSizeMax, `${Math.round(each)} bytes each`);
  } finally {
    for (const client of clients) client[Symbol.dispose]();
  }
});
