/**
 * What the operator sees at the start: what was found, where it listens, how long it took.
 */
import type { Config } from "../config/model.ts";
import type { InheritedListener } from "../edge/index.ts";
import { formatDuration } from "../std/units.ts";
import type { LoadedReport } from "./worker.ts";

export interface BannerFacts {
  /** "tricorn/0.1.0". */
  readonly software: string;
  readonly config: Config;
  readonly loaded: LoadedReport;
  readonly interpreter: string;
  /** Which rule of the search found it: "--python", ".venv". */
  readonly interpreterOrigin: string;
  readonly addresses: readonly InheritedListener["address"][];
  readonly pid: number;
  readonly readyAfterMs: number;
  readonly useColors: boolean;
}

/** Lines of aligned text, coloured if wanted, ending in a newline. */
export function banner(facts: BannerFacts): string {
  const paint = (code: string, text: string): string => (facts.useColors ? `\x1b[${code}m${text}\x1b[0m` : text);
  const rows = rowsOf(facts).map(([label, value]) => `  ${paint("2", label.padEnd(12))} ${value}\n`);
  const title = paint("1;36", facts.software.replace("tricorn/", "Tricorn "));
  return `${title} ${paint("32", `ready in ${formatDuration(facts.readyAfterMs)}`)}\n${rows.join("")}`;
}

function rowsOf({ config, loaded, ...facts }: BannerFacts): readonly (readonly [label: string, value: string])[] {
  const { workers, threads, preload } = config.app;
  const kind = loaded.interface === "wsgi" ? "WSGI" : `ASGI ${loaded.asgi ?? ""}`.trim();
  const about = [loaded.framework, kind].filter((part) => part !== undefined).join(", ");
  const each = loaded.interface === "wsgi" ? ` × ${plural(threads, "thread")}` : `, ${loaded.loop ?? "asyncio"}`;
  const edge = `${plural(config.process.workerProcesses, "thread")}, Node ${process.versions.node}`;
  return [
    ["application", `${loaded.application} (${about})`],
    ["python", `${loaded.python}, ${facts.interpreter} (${facts.interpreterOrigin})`],
    ["workers", `${workers}${each}${preload ? ", preloaded" : ""}`],
    ["edge", edge],
    ...facts.addresses.map((address): readonly [string, string] => ["listening", describeAddress(address)]),
    ["process", String(facts.pid)],
  ];
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "http://127.0.0.1:8000", "http://[::1]:8000", "unix:/run/shop.sock". */
export function describeAddress(address: InheritedListener["address"]): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `http://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
