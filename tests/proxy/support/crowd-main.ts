// A process that is a crowd of clients on connections that they keep. Told what to do by its parent.
import { type Socket, connect } from "node:net";

export type CrowdOrder =
  | { readonly kind: "open"; readonly port: number; readonly count: number }
  /** The clients ask in turn, so many of them at once. */
  | { readonly kind: "ask"; readonly target: string; readonly requests: number; readonly inFlight: number }
  | { readonly kind: "close" };

/** What came of the last order. */
export interface CrowdReport {
  readonly open: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests whose connection ended before all of the response was there. */
  readonly broken: number;
  readonly elapsedMs: number;
}

/** So many connections are made at once. */
const dialsMax = 64;

class Client {
  readonly socket: Socket;
  #text = "";
  #done: ((status: number) => void) | undefined = undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => this.#onData(text));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clients.delete(this);
      this.#end(0);
    });
  }

  /** @returns the status, 0 if the connection ends before */
  ask(target: string): Promise<number> {
    return new Promise((resolve) => {
      this.#done = resolve;
      if (this.socket.destroyed) this.#end(0);
      else this.socket.write(`GET ${target} HTTP/1.1\r\nHost: crowd.test\r\n\r\n`);
    });
  }

  #onData(text: string): void {
    this.#text += text;
    const headEnd = this.#text.indexOf("\r\n\r\n") + 4;
    if (headEnd < 4) return;
    const size = Number(/^content-length: (\d+)\r$/im.exec(this.#text.slice(0, headEnd))?.[1] ?? Number.NaN);
    if (this.#text.length < headEnd + size) return;
    const status = Number(this.#text.slice(9, 12));
    this.#text = "";
    this.#end(status);
  }

  #end(status: number): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(status);
  }
}

const clients = new Set<Client>();

async function open(port: number, count: number): Promise<void> {
  let left = count;
  await Promise.all(Array.from({ length: Math.min(dialsMax, count) }, async () => {
    while (left-- > 0) {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      await new Promise<void>((resolve, reject) => {
        socket.once("connect", resolve).once("error", reject);
      });
      clients.add(new Client(socket));
    }
  }));
}

async function ask(
  { target, requests, inFlight }: CrowdOrder & { readonly kind: "ask" },
): Promise<Pick<CrowdReport, "statuses" | "broken">> {
  const statuses: Record<string, number> = {};
  let broken = 0, left = requests;
  // Those that do not wait for anything; who has asked comes last. There are never fewer than may ask at once.
  const free = new Set(clients);
  await Promise.all(Array.from({ length: Math.min(inFlight, free.size) }, async () => {
    while (left-- > 0) {
      const [client] = free;
      if (client === undefined) throw new Error("no client is free");
      free.delete(client);
      const status = await client.ask(target);
      free.add(client);
      if (status === 0) broken++;
      else statuses[status] = (statuses[status] ?? 0) + 1;
    }
  }));
  return { statuses, broken };
}

async function close(): Promise<void> {
  const closed = [...clients].map(({ socket }) => new Promise((resolve) => socket.once("close", resolve).destroy()));
  await Promise.all(closed);
}

async function obey(order: CrowdOrder): Promise<void> {
  const startMs = performance.now();
  let asked: Pick<CrowdReport, "statuses" | "broken"> = { statuses: {}, broken: 0 };
  if (order.kind === "open") await open(order.port, order.count);
  else if (order.kind === "ask") asked = await ask(order);
  else await close();
  process.send?.({ open: clients.size, ...asked, elapsedMs: performance.now() - startMs } satisfies CrowdReport);
}

process.on("message", (order: CrowdOrder) => void obey(order));
process.on("disconnect", () => process.exit(0));
