// `npm run prove`: a gigabyte each way through the program, which must leave its memory where it was. Takes a minute;
// tests/edge/memory.test.ts does the same with a tenth. Prints a table; exit status 1 when a bound is broken.
import { type Growth, download, upload } from "../support/bulk.ts";
import { Program } from "../support/program.ts";
import { prepareOrExit, ensureVenv } from "../../tools/venv.ts";

const bodySize = 1e9;
const mega = 1e6;
const growthMax = 60 * mega;

const ways: readonly (readonly [what: string, app: string, move: typeof upload])[] = [
  ["upload to WSGI", "wsgi_app:app", upload],
  ["response of WSGI", "wsgi_app:app", download],
  ["upload to ASGI", "asgi_app:app", upload],
  ["response of ASGI", "asgi_app:app", download],
];

await prepareOrExit(ensureVenv);
const title = ["10^9 bytes".padEnd(20), "seconds".padStart(9), "MB meanwhile".padStart(15), "MB after".padStart(11)];
process.stdout.write(`${title.join("")}\n`);
for (const [what, app, move] of ways) {
  await using program = await Program.start({ app });
  const growth = await move(program, bodySize);
  process.stdout.write(row(what, growth));
  if (growth.after >= growthMax) {
    process.exitCode = 1;
    process.stdout.write(`  more than ${growthMax / mega} MB: resident memory of master, edge and worker together\n`);
  }
}

function row(what: string, { elapsedMs, largest, after }: Growth): string {
  const cells = [(elapsedMs / 1000).toFixed(1).padStart(9), megabytes(largest, 15), megabytes(after, 11)];
  return `${what.padEnd(20)}${cells.join("")}\n`;
}

function megabytes(size: number, width: number): string {
  return (size / mega).toFixed(1).padStart(width);
}
