import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeActivity } from "./exit-words.ts";
import { longestSilence, readState } from "./state-file.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

test("the running threads and the answered requests are read from a worker's file", () => {
  const path = join(directory, "worker-1.state");
  const bytes = Buffer.alloc(4096);
  bytes.writeDoubleLE(100.5, 0);
  bytes.writeDoubleLE(98, 255 * 8);
  bytes.writeUInt32LE(7, 2304);
  writeFileSync(path, bytes);
  const state = readState(path);
  assert.deepEqual(state, { startedAt: [100.5, 98], answeredCount: 7 });
  assert.equal(longestSilence(state, 103), 5);
  assert.equal(
    describeActivity(state, "wsgi", 103),
    "it had answered 7 requests and was running 2, the oldest for 5 s",
  );
  assert.match(describeActivity(state, "asgi", 103), /its event loop was last seen 5 s ago/);
  assert.equal(longestSilence({ startedAt: [], answeredCount: 0 }, 103), 0);
});

test("a file that is not there yet, or not whole, says nothing", () => {
  const path = join(directory, "worker-2.state");
  assert.equal(readState(path), undefined);
  writeFileSync(path, Buffer.alloc(4096));
  truncateSync(path, 100);
  assert.equal(readState(path), undefined);
});
