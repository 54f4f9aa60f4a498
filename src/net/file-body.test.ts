import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { type Server, type Socket, connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fromLatin1 } from "../std/bytes.ts";
import {
  type BodyOutcome, type BodyPart, type BodySink, FileBody, OpenFile, RateLimit, ReadBuffers, type Sendfile,
  identityOf, loadSendfile, openDescriptor,
} from "./index.ts";

/** More than the buffers of two sockets hold. */
const size = 12_000_000;
/** Each position of a 4 KiB page has its own byte, and pages differ. */
const content = (seed: number): Buffer =>
  Buffer.alloc(size, Uint8Array.from({ length: 4099 }, (_, n) => (n * seed) >> 3));
const whole: readonly BodyPart[] = [{ kind: "file", start: 0, end: size }];

let directory: string, server: Server;
const sockets: Socket[] = [];
let accepted: ((socket: Socket) => void) | undefined;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), "file-body-"));
  server = createServer((socket) => accepted?.(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(directory, { recursive: true });
});

/** A connection: our end, and the client's, which reads nothing before it is told to. */
async function connection(): Promise<{ readonly ours: Socket; readonly client: Socket }> {
  const ours = new Promise<Socket>((resolve) => {
    accepted = resolve;
  });
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  client.pause();
  await once(client, "connect");
  sockets.push(client, await ours);
  return { ours: await ours, client };
}

function sinkOf(socket: Socket): BodySink & { passedSize: number } {
  return {
    passedSize: 0,
    get descriptor() {
      const handle = Reflect.get(socket, "_handle") as { readonly fd: number } | null;
      return socket.writableLength > 0 ? -1 : (handle?.fd ?? -1);
    },
    write: (bytes, taken) => void socket.write(bytes, taken),
    passed(count) {
      this.passedSize += count;
    },
  };
}

async function openFile(path: string): Promise<OpenFile> {
  const { fd, stats } = await openDescriptor(path);
  return new OpenFile(fd, identityOf(stats));
}

interface Sending {
  readonly outcome: Promise<BodyOutcome>;
  readonly body: FileBody;
}

function send(
  sink: BodySink, file: OpenFile | undefined, parts: readonly BodyPart[], sendfile: Sendfile | undefined,
  limit?: RateLimit,
): Sending {
  const { promise, resolve } = Promise.withResolvers<BodyOutcome>();
  const body = new FileBody(sink, { file, parts, sendfile, limit, buffers: new ReadBuffers(), onDone: resolve });
  body.start();
  return { outcome: promise, body };
}

async function readAll(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  client.on("data", (chunk: Buffer) => chunks.push(chunk));
  client.resume();
  await once(client, "end");
  return Buffer.concat(chunks);
}

/** Waits for a condition; the runner's time limit is the test's. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const ways: readonly (readonly [string, Sendfile | undefined])[] = [
  ["by reads", undefined], ["by sendfile, where there is one", loadSendfile()],
];

for (const [way, sendfile] of ways) {
  describe(`a body from a file, ${way}`, () => {
    test("arrives whole, and its descriptor is closed", async () => {
      const path = join(directory, "whole");
      writeFileSync(path, content(7));
      const open = descriptors();
      const { ours, client } = await connection();
      const { outcome } = send(sinkOf(ours), await openFile(path), whole, sendfile);
      const received = readAll(client);
      assert.deepEqual(await outcome, { kind: "complete" });
      ours.end();
      assert.ok((await received).equals(content(7)));
      client.destroy();
      await until(() => descriptors() <= open);
    });

    test("may be several parts, with text around them", async () => {
      const path = join(directory, "parts");
      writeFileSync(path, content(11));
      const { ours, client } = await connection();
      const parts: readonly BodyPart[] = [
        { kind: "bytes", bytes: fromLatin1("<") }, { kind: "file", start: 11_000_000, end: size },
        { kind: "bytes", bytes: fromLatin1("|") }, { kind: "file", start: 3, end: 4 },
        { kind: "bytes", bytes: fromLatin1(">") },
      ];
      const { outcome } = send(sinkOf(ours), await openFile(path), parts, sendfile);
      const received = readAll(client);
      assert.deepEqual(await outcome, { kind: "complete" });
      ours.end();
      const all = content(11);
      const wanted = ["<", all.subarray(11_000_000), "|", all.subarray(3, 4), ">"].map((part) => Buffer.from(part));
      assert.ok((await received).equals(Buffer.concat(wanted)));
    });

    test("goes on with the old file when another takes its name", async () => {
      const path = join(directory, "replaced");
      writeFileSync(path, content(13));
      const { ours, client } = await connection();
      const { outcome } = send(sinkOf(ours), await openFile(path), whole, sendfile);
      writeFileSync(`${path}.new`, content(17));
      renameSync(`${path}.new`, path);
      const received = readAll(client);
      assert.deepEqual(await outcome, { kind: "complete" });
      ours.end();
      assert.ok((await received).equals(content(13)));
    });

    test("ends as changed when the file is written anew or gets shorter", async () => {
      const changes: readonly ((path: string) => void)[] = [
        (path) => truncateSync(path, 100), (path) => writeFileSync(path, content(19)),
        (path) => writeFileSync(path, Buffer.concat([content(19), content(23)])),
      ];
      for (const [index, change] of changes.entries()) {
        const path = join(directory, `changed-${index}`);
        writeFileSync(path, content(29));
        const { ours, client } = await connection();
        const { outcome } = send(sinkOf(ours), await openFile(path), whole, sendfile);
        // The client has read nothing, so the body is still under way.
        change(path);
        client.resume();
        assert.deepEqual(await outcome, { kind: "changed" }, `change ${index}`);
        ours.resetAndDestroy();
        client.destroy();
      }
    });

    test("is as long as the file was, though it has grown", async () => {
      const path = join(directory, "grown");
      writeFileSync(path, content(31));
      const { ours, client } = await connection();
      const sink = sinkOf(ours);
      const { outcome } = send(sink, await openFile(path), whole, sendfile);
      await until(() => ours.bytesWritten + sink.passedSize > 0);
      appendFileSync(path, "one line more");
      const received = readAll(client);
      assert.deepEqual(await outcome, { kind: "complete" });
      ours.end();
      assert.ok((await received).equals(content(31)));
    });

    test("that nobody wants any more lets its descriptor go", async () => {
      const path = join(directory, "unwanted");
      writeFileSync(path, content(37));
      const { ours, client } = await connection();
      const open = descriptors();
      const { body } = send(sinkOf(ours), await openFile(path), whole, sendfile);
      body.close();
      body.close();
      ours.destroy();
      client.destroy();
      await once(ours, "close");
      await until(() => descriptors() <= open);
    });

    test("keeps to its rate", async () => {
      const path = join(directory, "slow");
      writeFileSync(path, content(41));
      const { ours, client } = await connection();
      const start = performance.now();
      const limit = new RateLimit({ rate: 100_000, after: 0 }, start);
      const parts: readonly BodyPart[] = [{ kind: "file", start: 0, end: 120_000 }];
      const { outcome } = send(sinkOf(ours), await openFile(path), parts, sendfile, limit);
      const received = readAll(client);
      assert.deepEqual(await outcome, { kind: "complete" });
      // 100,000 may leave at once, 20,000 take a fifth of a second.
      assert.ok(performance.now() - start >= 190);
      ours.end();
      assert.ok((await received).equals(content(41).subarray(0, 120_000)));
    });
  });
}

test("memory is slow, too, under a rate", async () => {
  const { ours, client } = await connection();
  const start = performance.now();
  const bytes = fromLatin1("x".repeat(12_000));
  const limit = new RateLimit({ rate: 10_000, after: 0 }, start);
  const { outcome } = send(sinkOf(ours), undefined, [{ kind: "bytes", bytes }], undefined, limit);
  const received = readAll(client);
  assert.deepEqual(await outcome, { kind: "complete" });
  assert.ok(performance.now() - start >= 190);
  ours.end();
  assert.equal((await received).length, 12_000);
});
