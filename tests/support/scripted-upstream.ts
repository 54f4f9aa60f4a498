// An upstream that does exactly what it is told, byte by byte, and keeps what it was sent, byte by byte. On TCP or on a
// Unix socket.
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "./wait.ts";

/** What is done next: text is sent, one character a byte. */
export type Step =
  | string
  | { readonly pauseMs: number }
  /** Each byte in a packet of its own. */
  | { readonly bytewise: string }
  /** So much of one letter. */
  | { readonly many: number }
  /** Waits until what came since the answer was begun, or since the last such step, matches. */
  | { readonly until: RegExp }
  /** "end": nothing more is sent, but read; "close": nothing more is read either; "reset": RST. */
  | { readonly do: "end" | "close" | "reset" };

/** How one request is answered. */
export interface Script {
  /** When: a connection is there, the request's head is, or (if left out) the whole request. */
  readonly at?: "connect" | "head" | "request";
  readonly steps: readonly Step[];
}

/** One connection as the upstream saw it. */
export interface Recorded {
  readonly bytes: Buffer;
  /** How the other side left it: not at all, with FIN, or with RST. */
  readonly end: "open" | "end" | "reset";
}

const settleTimeoutMs = 3000;
const manyPart = Buffer.alloc(65_536, "x");

export class ScriptedUpstream implements AsyncDisposable {
  readonly #server: Server;
  readonly #path: string | undefined;
  readonly #talks = new Set<Talk>();
  readonly #sizeOf: SizeOf;
  #recorded: Talk[] = [];
  #scripts: readonly Script[] = [];
  #next = 0;
  /** Of TCP; 0 on a Unix socket. */
  port = 0;

  private constructor(server: Server, path: string | undefined, requestSize: SizeOf) {
    this.#server = server;
    this.#path = path;
    this.#sizeOf = requestSize;
  }

  /**
   * @param where a port of 127.0.0.1 (0: any), or the path of a Unix socket
   * @param requestSize of another protocol than HTTP
   */
  static async listen(where: number | string = 0, requestSize: SizeOf = sizeOf): Promise<ScriptedUpstream> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const upstream = new ScriptedUpstream(server, typeof where === "string" ? where : undefined, requestSize);
    server.on("connection", (socket) => upstream.#talk(socket));
    if (typeof where === "string") server.listen(where);
    else server.listen(where, "127.0.0.1");
    await once(server, "listening");
    if (typeof where === "number") upstream.port = (server.address() as AddressInfo).port;
    return upstream;
  }

  /** Forgets what was recorded. The requests to come, over all connections, are answered in turn; the last repeats. */
  play(scripts: readonly Script[]): void {
    this.#scripts = scripts;
    this.#next = 0;
    this.#recorded = [];
  }

  /** All connections since `play`. */
  get connections(): readonly Recorded[] {
    return this.#recorded;
  }

  /** Requests that were begun since `play`. */
  get requestCount(): number {
    return this.#next;
  }

  /** Connections that are open now. */
  get openCount(): number {
    return this.#talks.size;
  }

  /** Everything that came, one character a byte. */
  get text(): string {
    return this.#recorded.map(({ bytes }) => bytes.toString("latin1")).join("");
  }

  /** Ends all connections and waits until the other side has ended them, too. */
  async settle(): Promise<void> {
    for (const talk of this.#talks) talk.finish();
    await eventually("the other side closes", settleTimeoutMs, () => this.#talks.size === 0).catch(() => this.#cut());
  }

  /** Away with it: whoever connects is refused from now on. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#cut();
    await closed;
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #cut(): void {
    for (const talk of this.#talks) talk.destroy();
  }

  #talk(socket: Socket): void {
    const talk = new Talk(socket, {
      sizeOf: this.#sizeOf,
      script: () => this.#scripts[Math.min(this.#next, this.#scripts.length - 1)],
      begun: () => (this.#next += 1),
    });
    this.#talks.add(talk);
    this.#recorded.push(talk);
    socket.once("close", () => this.#talks.delete(talk));
    talk.run().catch(() => {
      // The connection is gone, and what was to be sent with it.
      socket.destroy();
    });
  }
}

/** The size of the request that a text begins with, of its head only for "head"; 0 while it is not whole. */
export type SizeOf = (text: string, of: Script["at"]) => number;

interface TalkSettings {
  readonly sizeOf: SizeOf;
  /** What is played next. */
  readonly script: () => Script | undefined;
  /** It is played. */
  readonly begun: () => void;
}

/** One connection. */
class Talk implements Recorded {
  readonly #socket: Socket;
  readonly #settings: TalkSettings;
  readonly #parts: Buffer[] = [];
  #text = "";
  /** Where in `#text` the next request begins. */
  #at = 0;
  #isOver = false;
  #isIdle = true;
  #end: Recorded["end"] = "open";
  #wake: () => void = () => undefined;

  constructor(socket: Socket, settings: TalkSettings) {
    this.#socket = socket;
    this.#settings = settings;
    socket.on("data", (bytes: Buffer) => {
      this.#parts.push(bytes);
      this.#text += bytes.toString("latin1");
      this.#wake();
    });
    socket.on("end", () => this.#over("end"));
    socket.on("error", () => this.#over("reset"));
    socket.on("close", () => this.#over("reset"));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  get end(): Recorded["end"] {
    return this.#end;
  }

  /** Says that nothing more will be sent. */
  finish(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Answers requests until the other side has ended. */
  async run(): Promise<void> {
    const { script: next, begun } = this.#settings;
    for (;;) {
      if (next()?.at !== "connect") await this.#until(() => this.#text.length > this.#at);
      if (this.#isOver && this.#text.length === this.#at) break;
      const script = next();
      begun();
      this.#isIdle = false;
      if (script?.at !== "connect") await this.#until(() => this.#size(script?.at) > 0);
      for (const step of script?.steps ?? []) await this.#do(step);
      if (this.#socket.writableEnded || this.#socket.destroyed) return;
      await this.#until(() => this.#size("request") > 0);
      this.#at += this.#size("request");
      this.#isIdle = true;
      if (this.#isOver) break;
    }
    this.#socket.end();
  }

  #size(of: Script["at"]): number {
    return this.#settings.sizeOf(this.#text.slice(this.#at), of);
  }

  async #do(step: Step): Promise<void> {
    const socket = this.#socket;
    if (typeof step === "string") {
      socket.write(step, "latin1");
    } else if ("pauseMs" in step) {
      await sleep(step.pauseMs);
    } else if ("bytewise" in step) {
      for (const byte of step.bytewise) {
        socket.write(byte, "latin1");
        await sleep(1);
      }
    } else if ("many" in step) {
      for (let left = step.many; left > 0 && !socket.destroyed; left -= manyPart.length) {
        if (!socket.write(manyPart.subarray(0, left))) await Promise.race([once(socket, "drain"), once(socket,
          "close")]);
      }
    } else if ("until" in step) {
      await this.#until(() => step.until.test(this.#text));
    } else if (step.do === "end") {
      socket.end();
    } else if (step.do === "reset") {
      socket.resetAndDestroy();
    } else {
      // What was written leaves, and then the socket is gone: whoever still writes hears RST.
      socket.end(() => socket.destroy());
    }
  }

  #over(how: "end" | "reset"): void {
    if (this.#end === "open") this.#end = how;
    this.#isOver = true;
    this.#wake();
    // Who is in the middle of an answer may go on: the other side may still read.
    if (this.#isIdle) this.#socket.end();
  }

  /** Waits until something is so, or the other side has ended. */
  async #until(check: () => boolean): Promise<void> {
    while (!check() && !this.#isOver) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

/**
 * The size of the request that a text begins with, by its framing (RFC 9112 §6): what scripted upstreams are sent is
 * well formed, or the test fails anyway.
 * @returns 0 while it is not whole; of its head only, for "head"
 */
export function sizeOf(text: string, of: Script["at"]): number {
  const headEnd = text.indexOf("\r\n\r\n") + 4;
  if (headEnd < 4 || of === "head") return headEnd < 4 ? 0 : headEnd;
  const head = text.slice(0, headEnd);
  if (/^transfer-encoding: *chunked *\r$/im.test(head)) {
    for (let at = headEnd; ;) {
      const lineEnd = text.indexOf("\r\n", at);
      if (lineEnd < 0) return 0;
      const size = Number.parseInt(text.slice(at, lineEnd), 16);
      at = lineEnd + 2 + size + 2;
      if (size > 0) continue;
      if (text.startsWith("\r\n", lineEnd + 2)) return lineEnd + 4;
      const trailerEnd = text.indexOf("\r\n\r\n", lineEnd);
      return trailerEnd < 0 ? 0 : trailerEnd + 4;
    }
  }
  const size = headEnd + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length >= size ? size : 0;
}
