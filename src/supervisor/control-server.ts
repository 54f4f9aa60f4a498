/**
 * The master's end of the control channel: a Unix socket in the run directory, one JSON object a line, both ways.
 * Only this user can reach the directory; every line is checked all the same.
 */
import { chownSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { type ControlCommand, type ControlReport, parseReport } from "./control-messages.ts";

/** docs/wire.md. */
const lineSizeMax = 1_048_576;
/** A connection must say who it is within this time. */
const helloTimeoutMs = 10_000;

/** A worker's connection, after its hello. */
export class ControlConnection {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Says it, or nothing if the worker is gone: its exit is reported another way. */
  send(command: ControlCommand): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(command)}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}

export interface ControlListener {
  /** Each connection begins with its hello; `connection` is what to answer with. */
  readonly hello: (hello: Extract<ControlReport, { readonly type: "hello" }>, connection: ControlConnection) => void;
  readonly report: (name: string, report: ControlReport) => void;
  /** The connection has ended. */
  readonly closed: (name: string) => void;
  /** The connection broke the contract, in words. */
  readonly violation: (name: string, reason: string) => void;
}

export class ControlServer {
  readonly #server: Server;

  /** Listens at once: the call has bound and listened when it returns. `failed` gets what goes wrong later. */
  constructor(
    path: string,
    owner: { readonly uid: number; readonly gid: number } | undefined,
    listener: ControlListener,
  ) {
    this.#server = createServer((socket) => receiveLines(socket, listener));
    this.#server.on("error", (error) => listener.violation("master", `control socket: ${error.message}`));
    this.#server.listen(path);
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  }

  close(): void {
    this.#server.close();
  }
}

function receiveLines(socket: Socket, listener: ControlListener): void {
  let name: string | undefined;
  let rest = "";
  socket.setEncoding("utf8");
  const silence = setTimeout(() => socket.destroy(), helloTimeoutMs).unref();
  const refuse = (reason: string): void => {
    if (name !== undefined) listener.violation(name, reason);
    socket.destroy();
  };
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (socket.destroyed) return;
      const report = parseReport(line);
      if (!report.ok) return refuse(report.error);
      if (name === undefined) {
        if (report.value.type !== "hello") return refuse("no hello");
        name = report.value.name;
        clearTimeout(silence);
        listener.hello(report.value, new ControlConnection(socket));
      } else {
        listener.report(name, report.value);
      }
    }
    if (rest.length > lineSizeMax) refuse("a line without an end");
  });
  socket.on("close", () => {
    if (name !== undefined) listener.closed(name);
  });
  // Followed by "close".
  socket.on("error", () => socket.destroy());
}
