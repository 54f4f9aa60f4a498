/**
 * The private directory of one start: sockets, state files, spooled bodies. Layout in docs/wire.md.
 */
import { chownSync, lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unixPathSizeMax } from "../config/arguments.ts";

const prefix = "tricorn-";
/** The longest name in it: `999/preloader-2147483647.state`. */
const nameSizeMax = 30;

/** Makes it (0700), owned by `owner` where privileges are dropped. Throws the system's error. */
export function makeRunDirectory(owner: { readonly uid: number; readonly gid: number } | undefined): string {
  // $TMPDIR may be deeper than the path of a Unix socket can be long.
  const fits = tmpdir().length + prefix.length + 8 + nameSizeMax <= unixPathSizeMax;
  const directory = mkdtempSync(join(fits ? tmpdir() : "/tmp", prefix));
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  return directory;
}

/** Removes it with all that is in it. */
export function removeRunDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes those of masters that were killed: nobody listens on their control socket any more. */
export async function removeStaleRunDirectories(except: string): Promise<void> {
  const parent = join(except, "..");
  for (const name of readdirSync(parent)) {
    const directory = join(parent, name);
    if (!name.startsWith(prefix) || directory === except) continue;
    const found = lstatSync(directory, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true || found.uid !== process.getuid?.()) continue;
    if ((await connectError(join(directory, "control.sock"))) === "ECONNREFUSED") removeRunDirectory(directory);
  }
}

function connectError(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}
