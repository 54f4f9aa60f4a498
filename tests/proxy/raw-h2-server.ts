// A server of HTTP/2 frame by frame, for what no library would send: each connection is told to a script.
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";
import { HpackDecoder } from "../../src/protocol/h2/hpack-decoder.ts";
import type { HpackField } from "../../src/protocol/h2/hpack-field.ts";
import { PREFACE } from "../../src/protocol/h2/index.ts";
import { asBytes, concatBytes } from "../../src/std/bytes.ts";
import { eventually } from "../support/wait.ts";
import { type Fields, type Frame, END_HEADERS, END_STREAM, HEADERS, framesOf, headers, say } from "../h2/frames.ts";

const waitMs = 10_000;

/** One connection, as the server sees it. */
export class RawConnection {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #hasPreface = false;
  readonly #decoder = new HpackDecoder({ fieldCountMax: 1000, listSizeMax: 100_000 });
  /** All that came, in the words of `say`. */
  readonly lines: string[] = [];
  /** Requests: stream and path. */
  readonly requests: { readonly stream: number; readonly fields: ReadonlyMap<string, string> }[] = [];
  isOver = false;

  constructor(socket: Socket, onRequest: (stream: number) => void) {
    this.#socket = socket;
    socket.on("data", (part: Buffer) => this.#onData(part, onRequest));
    for (const event of ["close", "end", "error"]) socket.on(event, () => (this.isOver = true));
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#socket.write(concatBytes(parts));
  }

  /** A whole answer. */
  answer(stream: number, more: Fields = []): void {
    this.send(headers(stream, [[":status", "200"], ...more], END_HEADERS | END_STREAM));
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async heard(line: RegExp): Promise<void> {
    await eventually(`${String(line)} among ${this.lines.join(", ")}`, waitMs, () =>
      this.lines.some((said) => line.test(said)));
  }

  #onData(part: Buffer, onRequest: (stream: number) => void): void {
    this.#bytes = Buffer.concat([this.#bytes, part]);
    if (!this.#hasPreface) {
      if (this.#bytes.length < PREFACE.length) return;
      this.#hasPreface = this.#bytes.toString("latin1", 0, PREFACE.length) === PREFACE;
      this.#bytes = this.#bytes.subarray(this.#hasPreface ? PREFACE.length : 0);
    }
    const { frames, rest } = framesOf(asBytes(this.#bytes));
    this.#bytes = Buffer.from(rest);
    for (const frame of frames) this.#onFrame(frame, onRequest);
  }

  #onFrame(frame: Frame, onRequest: (stream: number) => void): void {
    this.lines.push(say(frame));
    if (frame.type !== HEADERS) return;
    const fields: HpackField[] = [];
    this.#decoder.decode(frame.payload, 0, frame.payload.length, fields);
    this.requests.push({
      stream: frame.stream, fields: new Map(fields.map(({ name, value }) => [name, value])),
    });
    onRequest(frame.stream);
  }
}

/** What it does with a connection that begins, and with each request. */
export interface RawScript {
  readonly begin?: (connection: RawConnection) => void;
  readonly request?: (connection: RawConnection, stream: number, path: string, count: number) => void;
}

export class RawH2Server implements Disposable {
  readonly #server: Server;
  readonly connections: RawConnection[] = [];
  script: RawScript = {};
  /** Requests on all connections. */
  count = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      const connection: RawConnection = new RawConnection(socket, (stream) => {
        const path = connection.requests.at(-1)?.fields.get(":path") ?? "";
        this.script.request?.(connection, stream, path, ++this.count);
      });
      this.connections.push(connection);
      this.script.begin?.(connection);
    });
  }

  static async start(): Promise<RawH2Server> {
    const server = new RawH2Server();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Forgets what was: the next request finds no connection that was kept. */
  reset(script: RawScript): void {
    for (const connection of this.connections) connection.destroy();
    this.connections.length = 0;
    this.count = 0;
    this.script = script;
  }

  [Symbol.dispose](): void {
    this.reset({});
    this.#server.close();
  }
}
