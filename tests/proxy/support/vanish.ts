// Clients that are slow or leave, in any number: what the proxy still holds afterwards. The tests do it small,
// tests/prove/proxy.ts as large as it is meant.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, requestText } from "../../support/connection.ts";
import type { Program } from "../../support/program.ts";
import { best, eventually } from "../../support/wait.ts";
import { descriptorCount, heldSize, sentence, watched } from "./figures.ts";
import { bodyFiles, bodySize, startProxy } from "./proxies.ts";
import { UpstreamProcess } from "./upstream-process.ts";

const mega = 1e6;
const settleMs = 20_000;
const looseDescriptors = 8;
/** What each client may cost while it reads slowly: queues on both sides of the proxy. */
const bytesPerClient = 1.2 * mega;
const keptBytes = 40 * mega;
const readSize = 1024, readPauseMs = 1000;

type Say = (line: string) => void;

export interface Slowness {
  readonly clients: number;
  /** For how long they read. */
  readonly readMs: number;
  /** What stands in the location: how the proxy buffers. */
  readonly buffering: string;
  /** Bytes of files at most, all clients together. */
  readonly filesMax: number;
}

/** Nothing of what others asked for is left. */
async function assertNothingLeft(
  program: Program, upstream: UpstreamProcess, before: { readonly descriptors: number; readonly resident: number },
): Promise<void> {
  await eventually("no file is left", settleMs, async () => (await bodyFiles(program)).length === 0);
  await eventually("no connection to the upstream is left", settleMs, async () => (await upstream.total()).open <= 1);
  const most = before.descriptors + looseDescriptors;
  await eventually(`at most ${most} descriptors are open`, settleMs, () => descriptorCount(program) <= most);
  const bound = before.resident + keptBytes;
  const resident = await best(10, bound, () => heldSize(program));
  assert.ok(resident <= bound, `${resident / mega} MB, and ${before.resident / mega} MB before`);
}

async function warmUp(program: Program): Promise<{ readonly descriptors: number; readonly resident: number }> {
  using connection = await program.connect();
  for (let count = 0; count < 500; count++) await connection.get("/");
  await connection.get("/health");
  return { descriptors: descriptorCount(program), resident: await heldSize(program) };
}

/** Clients ask for 20 MB each, read a kilobyte a second, and leave: half of them in order, half with RST. */
export async function slowReaders({ clients, readMs, buffering, filesMax }: Slowness, say: Say): Promise<void> {
  const size = 20 * mega;
  await using upstream = await UpstreamProcess.start();
  await using proxy = await startProxy({
    http: "", server: `location / { ${buffering} proxy_pass http://${upstream.name}; }`,
  });
  const before = await warmUp(proxy);
  const readers: Connection[] = [];
  let fileSize = 0;
  const { figures } = await watched(proxy, async () => {
    for (let count = 0; count < clients; count++) {
      const reader = await proxy.connect();
      readers.push(reader);
      reader.send(requestText({ target: `/?size=${size}&framing=${count % 2 === 0 ? "length" : "chunked"}` }));
    }
    await Promise.all(readers.map(async (reader) => {
      for (let leftMs = readMs; leftMs > 0; leftMs -= readPauseMs) {
        assert.notEqual(await reader.read(readSize), "");
        await sleep(readPauseMs);
      }
    }));
    fileSize = await bodySize(proxy);
  });
  say(`${clients} slow readers: ${sentence(figures)}, ${(fileSize / mega).toFixed(0)} MB in files`);
  assert.ok(fileSize <= filesMax, `${fileSize} bytes in files`);
  const { open } = await upstream.total();
  assert.ok(open <= clients + 1, `${open} connections to the upstream`);
  assert.ok(figures.descriptors <= before.descriptors + clients * 3 + looseDescriptors);
  const most = before.resident + clients * bytesPerClient + keptBytes;
  assert.ok(figures.resident <= most, `${figures.resident / mega} MB`);
  for (const [index, reader] of readers.entries()) {
    if (index % 2 === 0) reader.close();
    else reader.reset();
  }
  await assertNothingLeft(proxy, upstream, before);
}

export interface Uploads {
  readonly clients: number;
  readonly buffering: "on" | "off";
}

/** Clients that leave in the middle of what they send: the upstream never takes a part for the whole. */
export async function vanishingUploads({ clients, buffering }: Uploads, say: Say): Promise<void> {
  const part = Buffer.alloc(300_000, "u");
  await using upstream = await UpstreamProcess.start();
  await using proxy = await startProxy({
    http: "client_max_body_size 0; client_body_buffer_size 16k;",
    server: `location / { proxy_request_buffering ${buffering}; proxy_pass http://${upstream.name}; }`,
  });
  const before = await warmUp(proxy);
  const { whole } = await upstream.total();
  const senders: Connection[] = [];
  const { figures } = await watched(proxy, async () => {
    for (let count = 0; count < clients; count++) {
      const sender = await proxy.connect();
      senders.push(sender);
      const isChunked = count % 2 === 1;
      const fields: Record<string, string> = isChunked
        ? { "Transfer-Encoding": "chunked" } : { "Content-Length": String(part.length * 2) };
      sender.send(requestText({ method: "POST", target: "/", fields }));
      if (isChunked) sender.send(`${part.length.toString(16)}\r\n`);
      await sender.sendAll(part);
      if (isChunked) sender.send("\r\n");
    }
    if (buffering === "on") {
      await eventually("all are in files", settleMs, async () => (await bodyFiles(proxy)).length >= clients);
    } else {
      await eventually("all are asked", settleMs, async () => (await upstream.total()).open >= clients);
    }
  });
  say(`${clients} uploads, proxy_request_buffering ${buffering}: ${sentence(figures)}`);
  // FIN, close with what is unread, and RST.
  for (const [index, sender] of senders.entries()) {
    if (index % 3 === 0) sender.end();
    else if (index % 3 === 1) sender.close();
    else sender.reset();
  }
  await assertNothingLeft(proxy, upstream, before);
  const after = await upstream.total();
  assert.equal(after.whole, whole, "nothing was taken for a whole request");
  assert.equal(after.cut, buffering === "on" ? 0 : clients);
  for (const sender of senders) sender.close();
}
