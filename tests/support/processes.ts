// What Linux says of processes: whose children they are, how much memory they hold.
import { readFileSync, readdirSync, readlinkSync } from "node:fs";

export interface ProcessInfo {
  readonly pid: number;
  readonly command: string;
}

/** All processes below one, its children first. */
export function descendants(pid: number): readonly ProcessInfo[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    // The command in parentheses may hold anything, parentheses too; what follows it starts with state and parent.
    const parent = Number(read(`/proc/${name}/stat`).split(")").at(-1)?.split(" ")[2] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: ProcessInfo[] = [];
  const parents = [pid];
  for (let parent = parents.shift(); parent !== undefined; parent = parents.shift()) {
    for (const child of children.get(parent) ?? []) {
      found.push({ pid: child, command: read(`/proc/${child}/cmdline`).replaceAll("\0", " ") });
      parents.push(child);
    }
  }
  return found;
}

/** Resident memory of some processes together, bytes. */
export function residentSize(pids: readonly number[]): number {
  return sum(pids, "status", "VmRSS");
}

/** The same with shared pages counted once, in proportion (PSS), bytes. */
export function proportionalSize(pids: readonly number[]): number {
  return sum(pids, "smaps_rollup", "Pss");
}

/** What its descriptors are: paths, of those without a name the former one. */
export function openFiles(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/ \(deleted\)$/, "")];
      } catch {
        // Closed in the meantime.
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Is it there, and no zombie? */
export function isAlive(pid: number): boolean {
  return /^State:\t[^ZX]/m.test(read(`/proc/${pid}/status`));
}

function sum(pids: readonly number[], file: string, field: string): number {
  const pattern = new RegExp(`^${field}:\\s+(\\d+) kB`, "m");
  return pids.reduce((total, pid) => total + Number(pattern.exec(read(`/proc/${pid}/${file}`))?.[1] ?? 0) * 1024, 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It ended in the meantime.
    return "";
  }
}
