// Fuzzes for so long, or until a promise breaks: `node tests/fuzz/fuzz.ts [target] [--seed N] [--runs N] [--seconds N]`
import { parseArgs } from "node:util";
import { fuzz } from "./campaign.ts";
import { targets } from "./targets.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, runs: { type: "string" }, seconds: { type: "string" } },
});

const unknown = positionals.find((name) => !targets.some((target) => target.name === name));
if (unknown !== undefined) {
  process.stderr.write(`there is no target ${unknown}; choose of: ${targets.map(({ name }) => name).join(", ")}\n`);
  process.exit(2);
}

const seed = Number(values.seed ?? Math.floor(Math.random() * 0x7fffffff));
const chosen = targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
const secondsEach = Number(values.seconds ?? 60) / chosen.length;
for (const target of chosen) {
  process.stdout.write(`${target.name}: seed ${seed}\n`);
  const deadlineMs = performance.now() + secondsEach * 1000;
  const count = fuzz(target, { seed, runCountMax: Number(values.runs ?? Number.POSITIVE_INFINITY), deadlineMs });
  process.stdout.write(`${target.name}: ${count} runs, every promise held\n`);
}
