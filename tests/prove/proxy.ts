// node tests/prove/proxy.ts [word …]: the load tests of tests/proxy as large as they are meant; takes some minutes, two
// cores and 11,000 descriptors a process. Prints what was held; exit status 1 when a bound is broken. Words choose.
import {
  burst, idleClients, keptClients, leavingServers, passingUpstreams, vanishingNames,
} from "../proxy/support/many.ts";
import { slowReaders, vanishingUploads } from "../proxy/support/vanish.ts";

type Say = (line: string) => void;

const files = 4e9;
const proofs: readonly (readonly [what: string, prove: (say: Say) => Promise<void>])[] = [
  ["5,000 kept clients over 64 connections", (say) => keptClients({ clients: 5000, requests: 100_000 }, say)],
  ["5,000 requests at once", (say) => burst({ clients: 5000 }, say)],
  ["10,000 idle clients", (say) => idleClients({ clients: 10_000, requests: 50_000 }, say)],
  ["90 of 100 servers leave", (say) => leavingServers({ servers: 100, leaving: 90, requests: 20_000, rounds: 5 }, say)],
  ["900 of 1,000 servers leave", (say) => leavingServers({
    servers: 1000, leaving: 900, requests: 20_000, rounds: 3,
  }, say)],
  ["90 of 100 names vanish", (say) => vanishingNames({ servers: 100, leaving: 90, requests: 2000, rounds: 3 }, say)],
  ["2,000 upstreams by variables", (say) => passingUpstreams({ servers: 2000 }, say)],
  ["200 slow readers, in files", (say) => slowReaders({
    clients: 200, readMs: 8000, buffering: "", filesMax: files,
  }, say)],
  ["200 slow readers, in bounded files", (say) => slowReaders({
    clients: 200, readMs: 8000, buffering: "proxy_max_temp_file_size 1m;", filesMax: 200 * 2 ** 20,
  }, say)],
  ["200 slow readers, unbuffered", (say) => slowReaders({
    clients: 200, readMs: 8000, buffering: "proxy_buffering off;", filesMax: 0,
  }, say)],
  ["1,000 uploads vanish", (say) => vanishingUploads({ clients: 1000, buffering: "on" }, say)],
  ["1,000 streamed uploads vanish", (say) => vanishingUploads({ clients: 1000, buffering: "off" }, say)],
];

const words = process.argv.slice(2);
for (const [what, prove] of proofs) {
  if (words.length > 0 && !words.some((word) => what.includes(word))) continue;
  process.stdout.write(`${what}\n`);
  try {
    await prove((line) => void process.stdout.write(`  ${line}\n`));
  } catch (error) {
    process.exitCode = 1;
    process.stdout.write(`  BROKEN: ${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
