/**
 * What the operator sees at the start: what was found, where it listens, how long it took.
 */
import type { InheritedListener } from "../edge/index.ts";
import { formatDuration } from "../std/units.ts";
import type { Generation } from "./generation.ts";
import type { Place } from "./place.ts";
import type { Crew } from "./plan.ts";
import type { LoadedReport } from "./worker.ts";

/** Prints it to the log, if that takes any such news. */
export function announce(generation: Generation, { log, software }: Place): void {
  if (!log.includes("info")) return;
  const paint = (code: string, text: string): string => (log.useColors ? `\x1b[${code}m${text}\x1b[0m` : text);
  const rows = rowsOf(generation).map(([label, value]) => `  ${paint("2", label.padEnd(12))} ${value}\n`);
  const title = paint("1;36", software.replace("tricorn/", "Tricorn "));
  log.print(`${title} ${paint("32", `ready in ${formatDuration(performance.now())}`)}\n${rows.join("")}`);
}

type Row = readonly [label: string, value: string];

function rowsOf(generation: Generation): readonly Row[] {
  const { configuration, crews, listeners } = generation.plan;
  return [
    ...generation.loaded().flatMap(({ crew, loaded }) => appRows(crew, loaded, crews.length > 1)),
    ["edge", `${plural(configuration.process.workerProcesses, "thread")}, Node ${process.versions.node}`],
    ...listeners.map(({ address, listener }): Row => {
      const isTls = configuration.site.listeners[listener]?.isTls === true;
      return ["listening", describeAddress(address, isTls ? "https" : "http")];
    }),
    ["process", String(process.pid)],
  ];
}

function appRows({ app, interpreter }: Crew, loaded: LoadedReport, isNamed: boolean): readonly Row[] {
  const kind = loaded.interface === "wsgi" ? "WSGI" : `ASGI ${loaded.asgi ?? ""}`.trim();
  const about = [loaded.framework, kind].filter((part) => part !== undefined).join(", ");
  const each = loaded.interface === "wsgi" ? ` × ${plural(app.threads, "thread")}` : `, ${loaded.loop ?? "asyncio"}`;
  return [
    ["application", `${isNamed ? `${app.name}: ` : ""}${loaded.application} (${about})`],
    ["python", `${loaded.python}, ${interpreter.path} (${interpreter.origin})`],
    ["workers", `${app.workers}${each}${app.preload ? ", preloaded" : ""}`],
  ];
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "http://127.0.0.1:8000", "https://[::1]:8443", "unix:/run/shop.sock". */
function describeAddress(address: InheritedListener["address"], scheme: "http" | "https"): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  return `${scheme}://${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}
