// `npm start [-- options]`: the demo of examples/tricorn.conf, from nothing. Prepares what it needs, then becomes the
// launcher (same process), so that Ctrl-C and signals reach the master itself.
import { join } from "node:path";
import { ensureVenv, prepareExamples, prepareOrExit, root } from "./venv.ts";

await prepareOrExit(async () => {
  await ensureVenv();
  prepareExamples();
});

const launcher = join(root, "bin/tricorn");
if (process.execve === undefined) throw new Error("this platform cannot replace a process; run bin/tricorn itself.");
const words = [launcher, "-c", join(root, "examples/tricorn.conf"), ...process.argv.slice(2)];
process.execve(launcher, words, process.env);
