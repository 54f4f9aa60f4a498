// A client that does exactly what it is told, byte by byte, and reads only when it is asked to.
import { once } from "node:events";
import * as net from "node:net";

const waitTimeoutMs = 15_000;

export interface Origin {
  readonly port: number;
  /** The client's own address: 127.0.0.2 and the like are other clients. */
  readonly localAddress?: string;
  readonly allowHalfOpen?: boolean;
}

export interface RequestText {
  readonly method?: string;
  readonly target?: string;
  /** "1.1" or "1.0". */
  readonly version?: string;
  /** In addition to Host, which 1.1 has unless it is here. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface Response {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  /** Names in lower case; repeated fields joined by ", ". */
  readonly fields: ReadonlyMap<string, string>;
  /** Informational responses that came before, their status codes. */
  readonly informational: readonly number[];
  readonly framing: "none" | "length" | "chunked" | "close";
  readonly body: Buffer;
  readonly text: string;
  /** Did all come that the framing announced? */
  readonly complete: boolean;
  readonly trailers: ReadonlyMap<string, string>;
  /** Milliseconds from the call to the head, and to each block of a chunked body. */
  readonly headMs: number;
  readonly blocks: readonly { readonly atMs: number; readonly size: number }[];
}

export interface ReadOptions {
  /** Of the request that this response answers; HEAD has no body. */
  readonly method?: string;
  /** Takes the body, which is not kept then. */
  readonly onBody?: (bytes: Buffer) => void;
}

interface Head {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** The text of a request, one character a byte. */
export function requestText({ method = "GET", target = "/", version = "1.1", fields = {}, body }: RequestText): string {
  const names = Object.keys(fields).map((name) => name.toLowerCase());
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  if (version === "1.1" && !names.includes("host")) lines.unshift("Host: tricorn.test\r\n");
  if (body !== undefined && !names.includes("content-length") && !names.includes("transfer-encoding")) {
    lines.push(`Content-Length: ${body.length}\r\n`);
  }
  const text = typeof body === "string" ? body : body === undefined ? "" : Buffer.from(body).toString("latin1");
  return `${method} ${target} HTTP/${version}\r\n${lines.join("")}\r\n${text}`;
}

/** Bytes as one chunk of a chunked body; an empty one ends the body. */
export function chunk(bytes: Uint8Array | string): string {
  const text = typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1");
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

export class Connection implements Disposable {
  readonly #socket: net.Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #over = false;
  /** Why the connection ended other than by FIN. */
  error: NodeJS.ErrnoException | undefined = undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("end", () => (this.#over = true));
    socket.on("close", () => (this.#over = true));
    socket.on("error", (error) => {
      this.error = error;
      this.#over = true;
    });
    // Only to be in the mode where bytes come when they are asked for.
    socket.on("readable", () => undefined);
  }

  static async open({ port, localAddress, allowHalfOpen = true }: Origin): Promise<Connection> {
    const address = localAddress === undefined ? {} : { localAddress };
    const socket = net.connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen, ...address });
    await once(socket, "connect");
    return new Connection(socket);
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Bytes that the system has not taken yet. */
  get unsentSize(): number {
    return this.#socket.writableLength;
  }

  /** Sends text (latin-1) or bytes. @returns true when the system took them all at once */
  send(data: string | Uint8Array): boolean {
    return typeof data === "string" ? this.#socket.write(data, "latin1") : this.#socket.write(data);
  }

  /** Sends, and resolves when the system took it: never, if the server does not read. */
  async sendAll(data: Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.write(data, (error) => (error instanceof Error ? reject(error) : resolve()));
    });
  }

  /** Says that nothing more will be sent; still reads. */
  end(): void {
    this.#socket.end();
  }

  /** Goes away without a word. */
  close(): void {
    this.#socket.destroy();
  }

  /** Goes away with RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Sends a request and reads its response. */
  async ask(request: RequestText, options: ReadOptions = {}): Promise<Response> {
    this.send(requestText(request));
    return this.response({ method: request.method ?? "GET", ...options });
  }

  /** GET, for most tests. */
  async get(target: string, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.ask({ target, fields });
  }

  /** Reads the next informational head, such as 100. @returns its status */
  async informational(): Promise<number> {
    return (await this.#head()).status;
  }

  /** Reads the next final response. Rejects when the connection ends before its head. */
  async response({ method = "GET", onBody }: ReadOptions = {}): Promise<Response> {
    const startMs = performance.now();
    const informational: number[] = [];
    let head = await this.#head();
    for (; head.status < 200; head = await this.#head()) informational.push(head.status);
    const headMs = performance.now() - startMs;
    const parts: Buffer[] = [];
    const blocks: { atMs: number; size: number }[] = [];
    const take = onBody ?? ((bytes: Buffer): void => void parts.push(bytes));
    const framing = framingOf(head, method);
    let complete = true;
    let trailers: ReadonlyMap<string, string> = new Map();
    if (framing === "length") {
      complete = await this.#length(Number(head.fields.get("content-length")), take);
    } else if (framing === "close") {
      complete = await this.#untilEnd(take);
    } else if (framing === "chunked") {
      for (;;) {
        const size = Number.parseInt((await this.#line()) ?? "", 16);
        if (size > 0) blocks.push({ atMs: performance.now() - startMs, size });
        complete = size === 0 || (size > 0 && (await this.#length(size, take)) && (await this.#line()) === "");
        if (size === 0 || !complete) break;
      }
      const fields = complete ? await this.#fields() : undefined;
      complete &&= fields !== undefined;
      trailers = fields ?? trailers;
    }
    const body = Buffer.concat(parts);
    return {
      ...head, informational, framing, body, text: body.toString("latin1"), complete, trailers, headMs, blocks,
    };
  }

  /** Everything up to the end of the connection, which has to come; see `error` for how it ended. */
  async rest(timeoutMs: number = waitTimeoutMs): Promise<string> {
    const parts: Buffer[] = [];
    await this.#untilEnd((bytes) => void parts.push(bytes), timeoutMs);
    return Buffer.concat(parts).toString("latin1");
  }

  /** Reads so many bytes of whatever comes, "" at the end of the connection. */
  async read(size: number): Promise<string> {
    const parts: Buffer[] = [];
    await this.#length(size, (bytes) => void parts.push(bytes));
    return Buffer.concat(parts).toString("latin1");
  }

  /** Puts back what `read` took. */
  unread(text: string): void {
    this.#bytes = Buffer.concat([Buffer.from(text, "latin1"), this.#bytes]);
  }

  async #head(): Promise<Head> {
    const line = await this.#line();
    if (line === undefined) throw new Error(`the connection ended without a response (${this.error?.code ?? "FIN"})`);
    const match = /^HTTP\/(1\.[01]) (\d{3}) ([^\r\n]*)$/.exec(line);
    const fields = await this.#fields();
    if (match === null || fields === undefined) throw new Error(`no response head: ${JSON.stringify(line)}`);
    return { version: match[1] ?? "", status: Number(match[2]), reason: match[3] ?? "", fields };
  }

  async #fields(): Promise<Map<string, string> | undefined> {
    const fields = new Map<string, string>();
    for (;;) {
      const line = await this.#line();
      if (line === undefined || line === "") return line === undefined ? undefined : fields;
      const colon = line.indexOf(": ");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 2);
      const before = fields.get(name);
      fields.set(name, before === undefined ? value : `${before}, ${value}`);
    }
  }

  /** The next line without its CRLF, undefined when the connection ends before. */
  async #line(): Promise<string | undefined> {
    for (;;) {
      const end = this.#bytes.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#bytes.toString("latin1", 0, end);
        this.#bytes = this.#bytes.subarray(end + 2);
        return line;
      }
      if (!(await this.#more())) return undefined;
    }
  }

  async #length(size: number, take: (bytes: Buffer) => void): Promise<boolean> {
    for (let left = size; left > 0;) {
      if (this.#bytes.length === 0 && !(await this.#more())) return false;
      const part = this.#bytes.subarray(0, left);
      this.#bytes = this.#bytes.subarray(part.length);
      left -= part.length;
      take(part);
    }
    return true;
  }

  async #untilEnd(take: (bytes: Buffer) => void, timeoutMs: number = waitTimeoutMs): Promise<boolean> {
    do {
      if (this.#bytes.length > 0) take(this.#bytes);
      this.#bytes = Buffer.alloc(0);
    } while (await this.#more(timeoutMs));
    return this.error === undefined;
  }

  /** Reads some bytes more. @returns false at the end of the connection */
  async #more(timeoutMs: number = waitTimeoutMs): Promise<boolean> {
    for (;;) {
      const bytes = this.#socket.read() as Buffer | null;
      if (bytes !== null) {
        this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes]);
        return true;
      }
      if (this.#over) return false;
      await this.#event(timeoutMs);
    }
  }

  async #event(timeoutMs: number): Promise<void> {
    const socket = this.#socket;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => done(new Error(`nothing came from the server in ${timeoutMs} ms`)), timeoutMs);
      const happened = (): void => done();
      const done = (error?: Error): void => {
        clearTimeout(timer);
        socket.off("readable", happened).off("end", happened).off("close", happened);
        if (error === undefined) resolve();
        else reject(error);
      };
      socket.on("readable", happened).on("end", happened).on("close", happened);
    });
  }
}

/** RFC 9112 §6.3. */
function framingOf({ status, fields }: Head, method: string): Response["framing"] {
  if (method === "HEAD" || status === 204 || status === 304) return "none";
  if (fields.get("transfer-encoding") === "chunked") return "chunked";
  return fields.has("content-length") ? "length" : "close";
}
