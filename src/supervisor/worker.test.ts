import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker, type WorkerState } from "./worker.ts";

const states: readonly WorkerState[] = ["starting", "loaded", "ready", "retiring", "stopping", "gone"];

/** A worker brought to a state by the shortest way. */
function workerIn(state: WorkerState): Worker {
  const [name, runDirectory] = ["worker-1", "/run/x"];
  const worker = new Worker({ name, title: name, runDirectory, generation: 1, startedAt: 0 });
  if (state === "starting") return worker;
  if (state === "stopping" || state === "gone") {
    worker.become(state);
    return worker;
  }
  for (const step of ["loaded", "ready", "retiring"] as const) {
    worker.become(step);
    if (step === state) break;
  }
  return worker;
}

test("a worker's life goes forward only: every step between two states", () => {
  const allowed = new Set([
    "starting loaded",
    "loaded ready",
    "ready retiring",
    ...["starting", "loaded", "ready", "retiring"].map((from) => `${from} stopping`),
    ...["starting", "loaded", "ready", "retiring", "stopping"].map((from) => `${from} gone`),
  ]);
  for (const from of states) {
    for (const to of states) {
      const step = (): void => workerIn(from).become(to);
      if (allowed.has(`${from} ${to}`)) assert.doesNotThrow(step, `${from} → ${to}`);
      else assert.throws(step, /cannot go from/, `${from} → ${to}`);
    }
  }
});

test("its files are named after it in the run directory", () => {
  const worker = workerIn("starting");
  assert.deepEqual([worker.socketPath, worker.statePath], ["/run/x/worker-1.sock", "/run/x/worker-1.state"]);
});

test("a worker without a process, or whose process is gone, is not signalled", () => {
  assert.equal(workerIn("ready").kill("SIGKILL"), false);
  const gone = workerIn("gone");
  gone.pid = process.pid;
  assert.equal(gone.kill("SIGKILL"), false);
});
