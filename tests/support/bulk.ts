// A great body each way, and what it does to the program's memory.
import { createHash, randomBytes } from "node:crypto";
import assert from "node:assert/strict";
import { requestText } from "./connection.ts";
import { residentSize } from "./processes.ts";
import type { Program } from "./program.ts";

const blockSize = 65_536;
const sampleMs = 50;

/** Resident memory of all processes of the program, in bytes more than before. */
export interface Growth {
  readonly largest: number;
  readonly after: number;
  readonly elapsedMs: number;
}

/** Sends a body of this size to /hash, which reads it in pieces; asserts that it arrived. */
export function upload(program: Program, size: number): Promise<Growth> {
  return watch(program, async () => {
    using connection = await program.connect();
    connection.send(requestText({ method: "POST", target: "/hash", fields: { "Content-Length": `${size}` } }));
    const block = randomBytes(blockSize * 16);
    const hash = createHash("sha256");
    for (let left = size; left > 0; left -= block.length) {
      const part = left < block.length ? block.subarray(0, left) : block;
      hash.update(part);
      await connection.sendAll(part);
    }
    const { status, text } = await connection.response();
    const arrived = JSON.parse(text) as { size: number; sha256: string };
    assert.deepEqual([status, arrived.size, arrived.sha256], [200, size, hash.digest("hex")]);
  });
}

/** Reads a response of about this size, block by block as it comes; asserts that it is whole. */
export function download(program: Program, size: number): Promise<Growth> {
  const count = Math.ceil(size / blockSize);
  return watch(program, async () => {
    using connection = await program.connect();
    connection.send(requestText({ target: `/stream?count=${count}&size=${blockSize}` }));
    let arrived = 0;
    const response = await connection.response({ onBody: (bytes) => (arrived += bytes.length) });
    assert.deepEqual([response.status, response.complete, arrived], [200, true, count * blockSize]);
  });
}

async function watch(program: Program, work: () => Promise<void>): Promise<Growth> {
  const { pids } = program;
  const before = residentSize(pids);
  let largest = before;
  const sample = setInterval(() => (largest = Math.max(largest, residentSize(pids))), sampleMs);
  const startMs = performance.now();
  try {
    await work();
  } finally {
    clearInterval(sample);
  }
  const after = residentSize(pids);
  return { largest: Math.max(largest, after) - before, after: after - before, elapsedMs: performance.now() - startMs };
}
