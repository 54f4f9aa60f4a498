// A process that is upstreams: HTTP servers at some places, which count what they are sent. What they execute is in a
// journal before it is answered, so that it is known even of a process that was killed. Told what to do by its parent.
import { openSync, writeSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";

export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface UpstreamMainSettings {
  readonly places: readonly Place[];
  /** One line for each request that was whole: method and target. Appended to. */
  readonly journal: string | undefined;
  /** How long each request takes. */
  readonly delayMs: number;
}

/** What happened at one place. */
export interface PlaceCounts {
  /** Connections ever, and now, and the most at once. */
  accepted: number;
  open: number;
  openMax: number;
  /** Requests with all of their body. */
  whole: number;
  /** Requests whose body broke off. */
  cut: number;
}

export type UpstreamOrder =
  | { readonly kind: "counts" }
  | { readonly kind: "listen" | "leave"; readonly places: readonly Place[] };

const blockSize = 65_536;
const block = Buffer.alloc(blockSize, "x");

const { journal, delayMs, places }: UpstreamMainSettings = JSON.parse(process.argv[2] ?? "") as UpstreamMainSettings;
const journalFd = journal === undefined ? -1 : openSync(journal, "a");
const servers = new Map<string, { readonly server: Server; readonly sockets: Set<Socket> }>();
const counts: Record<string, PlaceCounts> = {};

function nameOf({ host, port }: Place): string {
  return `${host}:${port}`;
}

async function listen(place: Place): Promise<void> {
  const name = nameOf(place);
  const count = (counts[name] ??= { accepted: 0, open: 0, openMax: 0, whole: 0, cut: 0 });
  const sockets = new Set<Socket>();
  const server = createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, (request, response) => {
    void serve(request, response, name, count);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    count.accepted++;
    count.openMax = Math.max(count.openMax, ++count.open);
    socket.on("close", () => {
      sockets.delete(socket);
      count.open--;
    });
  });
  servers.set(name, { server, sockets });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen({ ...place, backlog: 4096 }, resolve);
  });
}

/** Goes away as a server does that is stopped at once: who is connected is cut off, who comes is refused. */
async function leave(place: Place): Promise<void> {
  const known = servers.get(nameOf(place));
  if (known === undefined) return;
  servers.delete(nameOf(place));
  const closed = new Promise((resolve) => known.server.close(resolve));
  for (const socket of known.sockets) socket.destroy();
  await closed;
}

async function serve(
  request: IncomingMessage, response: ServerResponse, name: string, count: PlaceCounts,
): Promise<void> {
  request.on("error", () => undefined);
  response.on("error", () => undefined);
  try {
    for await (const _ of request) continue;
  } catch {
    // It was aborted.
    return void count.cut++;
  }
  count.whole++;
  const { method = "", url = "" } = request;
  if (journalFd >= 0) writeSync(journalFd, `${method} ${url}\n`);
  const query = new URL(url, "http://upstream").searchParams;
  const size = Number(query.get("size") ?? 0);
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (size === 0) return void response.end(name);
  const framing = query.get("framing") ?? "length";
  if (framing === "close") response.useChunkedEncodingByDefault = false;
  if (framing === "length") response.setHeader("Content-Length", size);
  await send(response, size, Number(query.get("hold") ?? size));
}

/** @param hold so many bytes are sent, and then nothing for ever */
async function send(response: ServerResponse, size: number, hold: number): Promise<void> {
  // Whoever has asked may leave meanwhile.
  await pipeline(blocks(Math.min(size, hold)), response, { end: hold >= size }).catch(() => undefined);
}

function* blocks(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= blockSize) yield block.subarray(0, left);
}

async function obey(order: UpstreamOrder): Promise<void> {
  if (order.kind === "listen") for (const place of order.places) await listen(place);
  if (order.kind === "leave") for (const place of order.places) await leave(place);
  process.send?.(counts);
}

for (const place of places) await listen(place);
process.on("message", (order: UpstreamOrder) => void obey(order));
process.on("disconnect", () => process.exit(0));
process.send?.(counts);
