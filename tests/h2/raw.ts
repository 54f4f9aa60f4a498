// A client of HTTP/2 frame by frame, for what no library would send.
import { once } from "node:events";
import * as net from "node:net";
import { HpackDecoder } from "../../src/protocol/h2/hpack-decoder.ts";
import type { HpackField } from "../../src/protocol/h2/hpack-field.ts";
import { asBytes, concatBytes } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import { eventually } from "../support/wait.ts";
import { type Frame, HEADERS, framesOf, preface, say } from "./frames.ts";

const waitMs = 10_000;

export class RawClient implements Disposable {
  readonly #socket: net.Socket;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #decoder = new HpackDecoder({ fieldCountMax: 1000, listSizeMax: 100_000 });
  /** All that came, in the words of `say`, with the status behind HEADERS. */
  readonly lines: string[] = [];
  readonly frames: Frame[] = [];
  isOver = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (part: Buffer) => this.#onData(part));
    socket.on("close", () => (this.isOver = true));
    socket.on("end", () => (this.isOver = true));
    socket.on("error", () => (this.isOver = true));
  }

  /** Connects, and begins as a client does. */
  static async open(
    port: number, ...settings: readonly (readonly [identifier: number, value: number])[]
  ): Promise<RawClient> {
    const client = await RawClient.silent(port);
    client.send(preface(...settings));
    return client;
  }

  /** Connects and says nothing. */
  static async silent(port: number): Promise<RawClient> {
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  send(...parts: readonly Uint8Array[]): void {
    this.#socket.write(concatBytes(parts));
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Bytes that the system has not taken yet. */
  get unsentSize(): number {
    return this.#socket.writableLength;
  }

  /** Waits until a line comes that is so. @returns it */
  line(pattern: RegExp): Promise<string> {
    return eventually(`${String(pattern)} comes`, waitMs, () => this.lines.find((line) => pattern.test(line)));
  }

  /** Waits for the end. */
  async over(): Promise<readonly string[]> {
    await eventually("the connection ends", waitMs, () => this.isOver).catch((error: unknown) => {
      throw new Error(`it has said:\n${this.lines.join("\n")}`, { cause: error });
    });
    return this.lines;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #onData(part: Buffer): void {
    const { frames, rest } = framesOf(asBytes(Buffer.concat([this.#bytes, part])));
    this.#bytes = rest;
    for (const frame of frames) {
      this.frames.push(frame);
      this.lines.push(frame.type === HEADERS ? `${say(frame)} ${this.#status(frame.payload)}` : say(frame));
    }
  }

  #status(block: Bytes): string {
    const fields: HpackField[] = [];
    this.#decoder.decode(block, 0, block.length, fields);
    return fields.find(({ name }) => name === ":status")?.value ?? "trailers";
  }
}
