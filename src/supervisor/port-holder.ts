/**
 * Who listens on a port? From /proc, so on Linux only, and by name only for processes that this user may look into.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** TCP_LISTEN in the fourth column of /proc/net/tcp. */
const listenState = "0A";

/** `nginx (process 1234)`, or undefined if it cannot be told. */
export function holderOfPort(port: number): string | undefined {
  const inodes = new Set([...listeningInodes("/proc/net/tcp", port), ...listeningInodes("/proc/net/tcp6", port)]);
  if (inodes.size === 0) return undefined;
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`));
  for (const pid of entries("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const directory = `/proc/${pid}/fd`;
    if (entries(directory).some((fd) => links.has(linkOf(`${directory}/${fd}`)))) {
      return `${nameOf(pid)} (process ${pid})`;
    }
  }
  return undefined;
}

function listeningInodes(file: string, port: number): readonly string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  return read(file)
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[1]?.endsWith(`:${wanted}`) === true && columns[3] === listenState)
    .map((columns) => columns[9] ?? "");
}

/** The command line, shortened, else the name: "python3 manage.py runserver". */
function nameOf(pid: string): string {
  const words = read(`/proc/${pid}/cmdline`)
    .split("\0")
    .filter((word) => word !== "");
  const command = [words[0]?.replace(/^.*\//, ""), ...words.slice(1)].join(" ").slice(0, 80);
  return command === "" ? read(`/proc/${pid}/comm`).trim() : command;
}

// What is gone or forbidden by the time it is looked at says nothing; the message then does without a name.

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
