/**
 * Where forked workers print: a Unix socket in the run directory. The first line is the worker's name, all the rest
 * is what it prints to standard output and standard error.
 */
import { chownSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { LineCutter, type LineSink, reportEachSecond } from "./output-lines.ts";

/** `worker-` and a number. */
const nameSizeMax = 32;

export class LogServer {
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  /** Listens at once. `sinkOf` says where the lines of a name go. */
  constructor(
    path: string,
    owner: { readonly uid: number; readonly gid: number } | undefined,
    { sinkOf, failed }: { readonly sinkOf: SinkOf; readonly failed: (problem: string) => void },
  ) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      receive(socket, sinkOf);
    });
    this.#server.on("error", (error) => failed(`log socket: ${error.message}`));
    this.#server.listen(path);
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  }

  close(): void {
    this.#server.close();
    // A process that the application left behind may hold one open for ever.
    for (const socket of this.#sockets) socket.destroy();
  }
}

type SinkOf = (name: string) => LineSink;

function receive(socket: Socket, sinkOf: SinkOf): void {
  let head: Buffer = Buffer.alloc(0);
  let cutter: LineCutter | undefined;
  socket.on("data", (chunk: Buffer) => {
    if (cutter !== undefined) return cutter.push(chunk, performance.now());
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(10);
    if (end > nameSizeMax || (end < 0 && head.length > nameSizeMax)) return void socket.destroy();
    if (end < 0) return;
    const name = head.toString("latin1", 0, end).replaceAll(/[^\w-]/g, "?");
    cutter = new LineCutter(sinkOf(name));
    reportEachSecond(cutter, socket);
    cutter.push(head.subarray(end + 1), performance.now());
  });
  socket.on("end", () => cutter?.end());
  // Followed by "close"; the worker's end is reported elsewhere.
  socket.on("error", () => cutter?.end());
}
