// A pool and a worker that the test plays: what becomes of requests that are taken back, and when a worker is idle.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { requestOf, settings as encoder } from "../../tests/protocol/encoding.ts";
import { framed } from "../../tests/protocol/frames.ts";
import { type WireValue, askPython } from "../../tests/protocol/python.ts";
import { eventually } from "../../tests/support/wait.ts";
import { WIRE_VERSION } from "../protocol/wire/index.ts";
import { LoadZone } from "./load-zone.ts";
import { Pool } from "./pool.ts";

const slot = 0;
const hello: WireValue = { tuple: [0, WIRE_VERSION, 1, "wsgi"] };
const responseTo = (id: number): WireValue => ({ tuple: [1, id, { bytes: "" }, "200 OK", []] });
const returned = (...ids: readonly number[]): WireValue => ({ tuple: [9, ids] });

/** One worker with one thread, fast enough for some requests to be given ahead. What happens is noted as text. */
class Scene {
  readonly seen: string[] = [];
  readonly pool: Pool;
  readonly #zone = new LoadZone(LoadZone.allocate());
  readonly #directory = mkdtempSync(join(tmpdir(), "tricorn-pool-"));
  readonly #server = createServer((socket) => this.#sockets.push(socket));
  readonly #sockets: Socket[] = [];

  constructor(queueTimeoutMs: number) {
    const note = (what: string) => (name: string): void => void this.seen.push(`${what} ${name}`);
    const settings = { edge: 0, backlog: 10, queueTimeoutMs, workerConnections: 10, encoder };
    this.pool = new Pool(settings, this.#zone, {
      onWorkerIdle: note("idle"), onWorkerReady: note("ready"), onWorkerLost: note("lost"),
      onNotice: (_level, text) => void this.seen.push(text),
    });
  }

  async open(): Promise<void> {
    const socketPath = join(this.#directory, "worker.sock");
    this.#server.listen(socketPath);
    await once(this.#server, "listening");
    this.pool.addWorker({
      name: "worker-1", app: "app", pid: 1, socketPath, statePath: "", interface: "wsgi", threads: 1, slot,
    });
    await eventually("both connections are there", 5000, () => this.#sockets.length === 2);
    this.answer(hello);
    this.giveBack(hello);
    await this.eventually("ready worker-1");
    this.#zone.setServiceUs(slot, 100);
  }

  /** Requests 1 to `count`, all of which the worker gets. */
  submit(count: number): void {
    for (let n = 1; n <= count; n++) {
      this.pool.submit({
        ...requestOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        onResponse: ({ status }) => void this.seen.push(`${n}: ${status}`),
        onFailure: (status) => void this.seen.push(`${n}: ${status}`),
      });
    }
    assert.equal(this.pool.queuedCount, 0);
  }

  /** The worker writes to its data connection, which was opened first. */
  answer(...values: readonly WireValue[]): void {
    this.#sockets[0]?.write(frames(values));
  }

  /** The worker's steward writes. */
  giveBack(...values: readonly WireValue[]): void {
    this.#sockets[1]?.write(frames(values));
  }

  async eventually(text: string): Promise<void> {
    await eventually(`${text} in ${this.seen.join(", ")}`, 5000, () => this.seen.includes(text));
  }

  close(): void {
    this.pool.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#directory, { recursive: true });
  }
}

function frames(values: readonly WireValue[]): Buffer {
  return Buffer.concat(askPython({ dumps: values }).dumps.map((dump) => framed(dump)));
}

async function inScene(queueTimeoutMs: number, play: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene(queueTimeoutMs);
  try {
    await scene.open();
    await play(scene);
  } finally {
    scene.close();
  }
}

describe("a worker that is to retire is idle", () => {
  test("at once when it has nothing to do", async () => {
    await inScene(0, async ({ pool, seen }) => {
      pool.retireWorker("worker-1");
      assert.deepEqual(seen, ["ready worker-1", "idle worker-1"]);
    });
  });

  test("when it has answered the last request", async () => {
    await inScene(0, async (scene) => {
      scene.submit(2);
      scene.pool.retireWorker("worker-1");
      scene.answer(responseTo(1));
      await scene.eventually("1: 200");
      assert.ok(!scene.seen.includes("idle worker-1"));
      scene.answer(responseTo(2));
      await scene.eventually("idle worker-1");
    });
  });

  test("when its steward has given back the last request", async () => {
    await inScene(0, async (scene) => {
      scene.submit(3);
      scene.pool.retireWorker("worker-1");
      scene.answer(responseTo(1));
      await scene.eventually("1: 200");
      scene.giveBack(returned(2, 3));
      await scene.eventually("idle worker-1");
      assert.equal(scene.pool.queuedCount, 2);
    });
  });

  test("once, whatever it says afterwards and however it ends", async () => {
    await inScene(0, async (scene) => {
      scene.submit(1);
      scene.pool.retireWorker("worker-1");
      scene.answer(responseTo(1));
      await scene.eventually("idle worker-1");
      scene.answer(responseTo(1));
      scene.giveBack(returned(), { tuple: [99] });
      await scene.eventually("lost worker-1");
      assert.equal(scene.seen.filter((each) => each === "idle worker-1").length, 1);
    });
  });
});

test("a request that was taken back waits as long for a worker as any other", async () => {
  const queueTimeoutMs = 200;
  await inScene(queueTimeoutMs, async (scene) => {
    scene.submit(1);
    scene.pool.retireWorker("worker-1");
    const sinceMs = performance.now();
    scene.giveBack(returned(1));
    await scene.eventually("1: 504");
    const tookMs = performance.now() - sinceMs;
    assert.ok(tookMs >= queueTimeoutMs, `${tookMs} ms`);
  });
});
