// Clients that are slow or leave, in any number: what the proxy still holds afterwards. The tests do it small,
// tests/prove/proxy.ts as large as it is meant.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, requestText } from "../../support/connection.ts";
import type { Program } from "../../support/program.ts";
import { best, eventually } from "../../support/wait.ts";
import {
  type Held, type Say, fewDescriptors, heldAtRest, heldSize, keptBytes, looseDescriptors, mega, megabytes, sentence,
  settleMs, watched,
} from "./figures.ts";
import { bodySize, startProxy } from "./proxies.ts";
import { UpstreamProcess } from "./upstream-process.ts";

/** What each client may cost while it reads slowly: queues on both sides of the proxy. */
const bytesPerClient = 1.2 * mega;
const garbageBytes = 80 * mega;
/** By default an upstream's idle connections are so many at most. */
const keptConnections = 32;
const part: Buffer = Buffer.alloc(300_000, "u");
const readSize = 1024, readPauseMs = 1000;

export interface Slowness {
  readonly clients: number;
  /** For how long they read. */
  readonly readMs: number;
  /** What stands in the location: how the proxy buffers. */
  readonly buffering: string;
  /** Bytes of files at most, all clients together. */
  readonly filesMax: number;
}

/** The same again and again: all but memory must be as before each time, and memory as after the first. */
const roundCount = 2;

/** Nothing of what others asked for is left, but the connections to the upstream that may be kept. */
async function assertNothingLeft(program: Program, upstream: UpstreamProcess, before: Held): Promise<void> {
  await eventually("no file is left", settleMs, async () => (await program.spooled()).length === 0);
  await eventually("nobody is asked", settleMs, async () => (await upstream.total()).open <= keptConnections);
  await fewDescriptors(program, before.descriptors + keptConnections);
}

async function warmUp(program: Program): Promise<Held> {
  using connection = await program.connect();
  for (let count = 0; count < 500; count++) await connection.get("/");
  await connection.get("/health");
  return await heldAtRest(program);
}

/** @param round does it, and leaves */
async function inRounds(
  proxy: Program, upstream: UpstreamProcess, say: Say, round: (before: Held) => Promise<void>,
): Promise<void> {
  const before = await warmUp(proxy);
  let first = 0;
  for (let count = 1; count <= roundCount; count++) {
    await round(before);
    await assertNothingLeft(proxy, upstream, before);
    // Allocators keep what was needed once, so it is the second time that tells.
    const bound = count === 1 ? Number.POSITIVE_INFINITY : first + keptBytes;
    const resident = count === 1 ? await heldSize(proxy) : await best(10, bound, () => heldSize(proxy));
    say(`afterwards: ${megabytes(resident)} held (before: ${megabytes(before.resident)})`);
    assert.ok(resident <= bound, `${megabytes(resident)}, and ${megabytes(first)} after the first time`);
    if (count === 1) first = resident;
  }
}

/** Clients ask for 20 MB each, read a kilobyte a second, and leave: half of them in order, half with RST. */
export async function slowReaders({ clients, readMs, buffering, filesMax }: Slowness, say: Say): Promise<void> {
  await using upstream = await UpstreamProcess.start();
  await using proxy = await startProxy({
    server: `location / { ${buffering} proxy_pass http://${upstream.name}; }`,
  });
  await inRounds(proxy, upstream, say, async (before) => {
    const readers: Connection[] = [];
    const { result: fileSize, figures } = await watched(proxy, async () => {
      for (let count = 0; count < clients; count++) {
        const reader = await proxy.connect();
        readers.push(reader);
        const framing = count % 2 === 0 ? "length" : "chunked";
        reader.send(requestText({ target: `/?size=${20 * mega}&framing=${framing}` }));
      }
      await Promise.all(readers.map(async (reader) => {
        for (let leftMs = readMs; leftMs > 0; leftMs -= readPauseMs) {
          assert.notEqual(await reader.read(readSize), "");
          await sleep(readPauseMs);
        }
      }));
      return bodySize(proxy);
    });
    say(`${clients} slow readers: ${sentence(figures)}, ${megabytes(fileSize)} in files`);
    assert.ok(fileSize <= filesMax, `${fileSize} bytes in files`);
    const { open } = await upstream.total();
    assert.ok(open <= clients + keptConnections, `${open} connections to the upstream`);
    const descriptors = before.descriptors + clients * 3 + keptConnections + looseDescriptors;
    assert.ok(figures.descriptors <= descriptors, `${figures.descriptors} descriptors`);
    const most = before.resident + clients * bytesPerClient + garbageBytes;
    assert.ok(figures.resident <= most, megabytes(figures.resident));
    for (const [index, reader] of readers.entries()) {
      if (index % 2 === 0) reader.close();
      else reader.reset();
    }
  });
}

export interface Uploads {
  readonly clients: number;
  readonly buffering: "on" | "off";
}

/** Clients that leave in the middle of what they send: the upstream never takes a part for the whole. */
export async function vanishingUploads({ clients, buffering }: Uploads, say: Say): Promise<void> {
  await using upstream = await UpstreamProcess.start();
  await using proxy = await startProxy({
    http: "client_max_body_size 0; client_body_buffer_size 16k;",
    server: `location / { proxy_request_buffering ${buffering}; proxy_pass http://${upstream.name}; }`,
  });
  let whole = 0;
  await inRounds(proxy, upstream, say, async () => {
    ({ whole } = await upstream.total());
    const senders: Connection[] = [];
    const { figures } = await watched(proxy, async () => {
      for (let count = 0; count < clients; count++) senders.push(await beginUpload(proxy, count % 2 === 1));
      await eventually("all are under way", settleMs, async () => {
        const count = buffering === "on" ? (await proxy.spooled()).length : (await upstream.total()).open;
        return count >= clients;
      });
    });
    say(`${clients} uploads, proxy_request_buffering ${buffering}: ${sentence(figures)}`);
    // FIN, close, and RST.
    for (const [index, sender] of senders.entries()) {
      if (index % 3 === 0) sender.end();
      else if (index % 3 === 1) sender.close();
      else sender.reset();
    }
    await eventually("nobody is asked any more", settleMs, async () => {
      return (await upstream.total()).open <= keptConnections && (await proxy.spooled()).length === 0;
    });
    for (const sender of senders) sender.close();
    assert.equal((await upstream.total()).whole, whole, "nothing was taken for a whole request");
  });
  const { cut } = await upstream.total();
  assert.equal(cut, buffering === "on" ? 0 : clients * roundCount);
}

/** Sends half of a body. */
async function beginUpload(proxy: Program, isChunked: boolean): Promise<Connection> {
  const sender = await proxy.connect();
  const fields: Record<string, string> = isChunked
    ? { "Transfer-Encoding": "chunked" } : { "Content-Length": String(part.length * 2) };
  sender.send(requestText({ method: "POST", target: "/", fields }));
  if (isChunked) sender.send(`${part.length.toString(16)}\r\n`);
  await sender.sendAll(part);
  if (isChunked) sender.send("\r\n");
  return sender;
}
