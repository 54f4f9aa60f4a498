// `npm start [-- django|fastapi|flask] [options of tricorn]`: the demo site, from nothing. Prepares what it needs, then
// becomes the launcher (same process), so that Ctrl-C and signals reach the master itself.
import { join } from "node:path";
import { ensureVenv, prepareExamples, prepareOrExit, root } from "./venv.ts";

/** What is typed after `tricorn` in the folder of that name; a Django project is found by its manage.py. */
const applications: ReadonlyMap<string, readonly string[]> = new Map([
  ["django", []],
  ["fastapi", ["app:app"]],
  ["flask", ["app:app"]],
]);

const [first = "django", ...rest] = process.argv.slice(2);
const isOption = first.startsWith("-");
const name = isOption ? "django" : first;
const application = applications.get(name);

if (application === undefined) {
  const names = [...applications.keys()].join(", ");
  process.stderr.write(`tricorn: there is no demo called "${name}"; the demos are: ${names}.\n`);
  process.exit(2);
}

await prepareOrExit(async () => {
  await ensureVenv();
  if (name === "django") prepareExamples();
});

const options = isOption ? process.argv.slice(2) : rest;
const launcher = join(root, "bin/tricorn");
process.chdir(join(root, "examples", name));
if (process.execve === undefined) throw new Error("this platform cannot replace a process; run bin/tricorn itself.");
process.execve(launcher, [launcher, ...application, "--python", join(root, ".venv"), ...options], process.env);
