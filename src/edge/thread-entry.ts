/** Where a further edge thread begins: settings come with the thread, commands and reports through its port. */
import { parentPort, workerData } from "node:worker_threads";
import { EdgeThread } from "./edge-thread.ts";
import type { ThreadCommand, ThreadSettings } from "./edge-thread.ts";

// Sent by `main.ts` of this very version.
const settings = workerData as ThreadSettings;
const thread = new EdgeThread(settings, (report) => parentPort?.postMessage(report));
parentPort?.on("message", (command: ThreadCommand) => thread.command(command));
