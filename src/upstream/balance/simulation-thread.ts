/** A thread of a test: makes requests through the balancer of a shared zone, up to four at once. */
import { parentPort, workerData } from "node:worker_threads";
import type { UpstreamServerSettings } from "../settings.ts";
import type { Peer } from "./peer.ts";
import { Simulation } from "./simulation.ts";

const AT_ONCE = 4;

const { memory, servers, requests } = workerData as {
  readonly memory: SharedArrayBuffer; readonly servers: readonly UpstreamServerSettings[]; readonly requests: number;
};
const simulation = new Simulation({ servers, memory });
const active: Peer[] = [];
let chosen = 0;
/** How often more requests were seen at a peer than it may have. */
let overMax = 0;
while (chosen < requests) {
  const peer = simulation.choose();
  if (peer !== undefined) {
    chosen++;
    active.push(peer);
    for (const state of simulation.balancer.snapshot()) {
      if (state.server.maxConns > 0 && state.active > state.server.maxConns) overMax++;
    }
  }
  const first = active.length >= AT_ONCE || peer === undefined ? active.shift() : undefined;
  if (first !== undefined) simulation.balancer.release(first, { outcome: "ok" });
}
for (const peer of active) simulation.balancer.release(peer, { outcome: "ok" });
parentPort?.postMessage({ chosen, overMax });
