// A WebSocket client that does exactly what it is told, also what no client may do, and reads only when it is asked to.
// It knows frames by itself, so that it shares no mistake with the engine.
import { createHash, randomBytes } from "node:crypto";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { Connection } from "../support/connection.ts";

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const flushTail = Buffer.of(0, 0, 255, 255);
/** Longer messages are told by their size. */
const toldSizeMax = 100;

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Opening {
  readonly target?: string;
  readonly method?: string;
  readonly version?: string;
  /** Replaces or adds fields of the handshake; undefined leaves one out. */
  readonly fields?: Readonly<Record<string, string | undefined>>;
  /** Bytes that are sent in one write with the handshake. */
  readonly ahead?: Uint8Array;
}

export interface FrameOptions {
  /** Is it the last of its message? true if left out. */
  readonly fin?: boolean;
  /** RSV1 is 0x40, RSV2 0x20, RSV3 0x10. */
  readonly rsv?: number;
  readonly masked?: boolean;
  /** The length that the head tells, where it is not the payload's. */
  readonly size?: number;
}

/** The bytes of a client's frame. */
export function frame(opcode: number, payload: Uint8Array | string, options: FrameOptions = {}): Buffer {
  const { fin = true, rsv = 0, masked = true } = options;
  const bytes = Buffer.from(payload);
  const size = options.size ?? bytes.length;
  const mask = masked ? 0x80 : 0;
  let head = Buffer.of((fin ? 0x80 : 0) | rsv | opcode, mask | size);
  if (size >= 65_536) {
    head = Buffer.alloc(10);
    head.writeUInt8((fin ? 0x80 : 0) | rsv | opcode, 0);
    head.writeUInt8(mask | 127, 1);
    head.writeBigUInt64BE(BigInt(size), 2);
  } else if (size >= 126) {
    head = Buffer.of((fin ? 0x80 : 0) | rsv | opcode, mask | 126, size >> 8, size & 255);
  }
  if (!masked) return Buffer.concat([head, bytes]);
  const key = randomBytes(4);
  const turned = Buffer.from(bytes);
  for (let index = 0; index < turned.length; index++) turned[index] = (turned[index] ?? 0) ^ (key[index & 3] ?? 0);
  return Buffer.concat([head, key, turned]);
}

/** The payload of a Close frame. */
export function closePayload(code?: number, reason: Uint8Array | string = ""): Buffer {
  return code === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(reason)]);
}

export class WebSocketClient implements Disposable {
  readonly connection: Connection;
  readonly status: number;
  /** Of the response to the handshake; names in lower case, repeated ones joined with ", ". */
  readonly fields: ReadonlyMap<string, string>;
  readonly #deflate: boolean;
  #closed = false;

  private constructor(connection: Connection, status: number, fields: ReadonlyMap<string, string>) {
    this.connection = connection;
    this.status = status;
    this.fields = fields;
    this.#deflate = fields.get("sec-websocket-extensions")?.startsWith("permessage-deflate") ?? false;
  }

  /** Sends the handshake and reads the head of its answer, which may be a refusal. */
  static async open(port: number, opening: Opening = {}): Promise<WebSocketClient> {
    const { connection, key } = await this.ask(port, opening);
    return this.answered(connection, key);
  }

  /** Sends the handshake only. */
  static async ask(port: number, opening: Opening = {}): Promise<{ connection: Connection; key: string }> {
    const { target = "/", method = "GET", version = "1.1", fields = {}, ahead = "" } = opening;
    const key = randomBytes(16).toString("base64");
    const all = {
      Host: "tricorn.test", Upgrade: "websocket", Connection: "Upgrade", "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13", ...fields,
    };
    const lines = Object.entries(all).map(([name, value]) => (value === undefined ? "" : `${name}: ${value}\r\n`));
    const connection = await Connection.open({ port });
    const head = Buffer.from(`${method} ${target} HTTP/${version}\r\n${lines.join("")}\r\n`, "latin1");
    connection.send(Buffer.concat([head, Buffer.from(ahead)]));
    return { connection, key };
  }

  /** Reads the answer's head. Rejects when it is 101 and does not answer the key. */
  static async answered(connection: Connection, key: string): Promise<WebSocketClient> {
    let head = "";
    while (!head.endsWith("\r\n\r\n")) {
      const next = await connection.read(1);
      if (next === "") throw new Error(`the connection ended in the handshake: ${JSON.stringify(head)}`);
      head += next;
    }
    const [line = "", ...lines] = head.trimEnd().split("\r\n");
    const status = Number(line.split(" ")[1]);
    const fields = new Map<string, string>();
    for (const each of lines) {
      const [name = "", value = ""] = each.split(/: (.*)/);
      const before = fields.get(name.toLowerCase());
      fields.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
    }
    const wanted = createHash("sha1").update(key + guid).digest("base64");
    if (status === 101 && fields.get("sec-websocket-accept") !== wanted) throw new Error("the key is not answered");
    // The body of a refusal is read as that of an ordinary response.
    if (status !== 101) connection.unread(head);
    return new WebSocketClient(connection, status, fields);
  }

  /** Sends a message in one frame. */
  send(message: string | Uint8Array): void {
    const opcode = typeof message === "string" ? opcodes.text : opcodes.binary;
    if (!this.#deflate) {
      this.frame(opcode, message);
      return;
    }
    const deflated = deflateRawSync(message, { windowBits: 12, finishFlush: constants.Z_SYNC_FLUSH });
    this.frame(opcode, deflated.subarray(0, -4), { rsv: 0x40 });
  }

  /** Sends any frame. */
  frame(opcode: number, payload: Uint8Array | string = "", options: FrameOptions = {}): void {
    this.connection.send(frame(opcode, payload, options));
  }

  /** Sends a Close frame. */
  close(code?: number, reason?: Uint8Array | string): void {
    this.#closed = true;
    this.frame(opcodes.close, closePayload(code, reason));
  }

  /**
   * What comes next: "text …", "bytes …", "close 1000 reason", "ping …", "pong …", "FIN" or the error of an end. Long
   * messages are told by their size.
   */
  async hear(): Promise<string> {
    const message = await this.#message();
    if (typeof message === "string") return message;
    const { opcode, payload, deflated } = message;
    const bytes = deflated ? inflate(payload) : payload;
    const told = bytes.length > toldSizeMax ? `of ${bytes.length}` : bytes.toString("utf8");
    if (opcode === opcodes.text) return `text ${told}`;
    if (opcode === opcodes.binary) return `bytes ${told}`;
    if (opcode === opcodes.close) {
      return bytes.length < 2 ? "close" : `close ${bytes.readUInt16BE(0)} ${bytes.toString("utf8", 2)}`.trimEnd();
    }
    return `${opcode === opcodes.ping ? "ping" : "pong"} ${told}`;
  }

  /** Everything up to the end of the connection. A Close is answered, as every client does. */
  async hearAll(): Promise<string[]> {
    const heard: string[] = [];
    for (;;) {
      const next = await this.hear();
      heard.push(next);
      if (!/^(?:text|bytes|close|ping|pong)/.test(next)) {
        this.connection.close();
        return heard;
      }
      if (next.startsWith("close") && !this.#closed) this.close();
    }
  }

  /** Waits for a Ping and answers it. Rejects when something else comes. */
  async answerPing(): Promise<void> {
    const ping = await this.#message();
    if (typeof ping === "string" || ping.opcode !== opcodes.ping) throw new Error("no ping");
    this.frame(opcodes.pong, ping.payload);
  }

  /** A whole message's bytes, whatever its kind. Rejects when something else comes. */
  async message(): Promise<Buffer> {
    const message = await this.#message();
    if (typeof message === "string" || message.opcode >= opcodes.close) throw new Error("no message");
    return message.deflated ? inflate(message.payload) : message.payload;
  }

  [Symbol.dispose](): void {
    this.connection.close();
  }

  /** A message of one or several frames, a control frame, or how the connection ended. */
  async #message(): Promise<{ opcode: number; payload: Buffer; deflated: boolean } | string> {
    const parts: Buffer[] = [];
    let opcode = 0;
    let deflated = false;
    for (;;) {
      const head = await this.#read(2);
      if (head.length < 2) return this.connection.error?.code ?? "FIN";
      const [first = 0, second = 0] = head;
      if ((second & 0x80) !== 0) throw new Error("a server's frame is masked");
      let size = second & 127;
      if (size === 126) size = (await this.#read(2)).readUInt16BE(0);
      else if (size === 127) size = Number((await this.#read(8)).readBigUInt64BE(0));
      const payload = await this.#read(size);
      if (payload.length < size) return this.connection.error?.code ?? "FIN in a frame";
      if ((first & 15) >= opcodes.close) return { opcode: first & 15, payload, deflated: false };
      if ((first & 15) !== opcodes.continuation) [opcode, deflated] = [first & 15, (first & 0x40) !== 0];
      parts.push(payload);
      if ((first & 0x80) !== 0) return { opcode, payload: Buffer.concat(parts), deflated };
    }
  }

  async #read(size: number): Promise<Buffer> {
    return Buffer.from(await this.connection.read(size), "latin1");
  }
}

/** Without takeover: the tests offer server_no_context_takeover. */
function inflate(payload: Buffer): Buffer {
  return inflateRawSync(Buffer.concat([payload, flushTail]), { finishFlush: constants.Z_SYNC_FLUSH });
}
