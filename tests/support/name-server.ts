// A DNS server that says what a test wants (RFC 1035), over UDP and, for what was truncated, over TCP.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";

export type NameRecord =
  | { readonly type: "A" | "AAAA"; readonly address: string; readonly ttl?: number }
  | { readonly type: "CNAME"; readonly target: string; readonly ttl?: number }
  | {
      readonly type: "SRV"; readonly target: string; readonly port: number; readonly ttl?: number;
      readonly priority?: number; readonly weight?: number;
    };

/** What is said about a name: its records, an RCODE, nothing at all, or that the answer needs TCP. */
export interface Said {
  readonly records?: readonly NameRecord[];
  readonly code?: number;
  /** Types of queries that are not answered; true: none is. */
  readonly silent?: boolean | readonly string[];
  readonly truncated?: boolean;
  /** RCODEs of some types alone. */
  readonly codes?: Readonly<Record<string, number>>;
  /** So many queries are lost first. */
  readonly lost?: number;
  /** First comes another answer, of nobody's id or from another port, which says 203.0.113.66. */
  readonly forged?: "id" | "port";
}

export const NXDOMAIN = 3, SERVFAIL = 2, REFUSED = 5;

const TYPES: Readonly<Record<string, number>> = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 };
const FORGED: NameRecord = { type: "A", address: "203.0.113.66" };

export class NameServer implements AsyncDisposable {
  readonly #udp: Socket;
  readonly #forger: Socket = createSocket("udp4");
  readonly #tcp: Server;
  readonly #tcpSockets = new Set<TcpSocket>();
  readonly #said = new Map<string, Said>();
  /** "name TYPE" of each query, and "/tcp" where it came so. */
  readonly queries: string[] = [];
  port = 0;

  private constructor() {
    this.#udp = createSocket("udp4");
    this.#udp.on("message", (message, { port, address }) => {
      const answer = this.#answer(message, false);
      if (answer === undefined) return;
      const forged = this.#said.get(readName(message, 12).name)?.forged;
      const send = (): void => this.#udp.send(answer, port, address);
      if (forged === undefined) return send();
      const socket = forged === "id" ? this.#udp : this.#forger;
      socket.send(forge(message, forged), port, address, send);
    });
    this.#tcp = createServer((socket) => this.#serve(socket));
  }

  static async listen(): Promise<NameServer> {
    const server = new NameServer();
    server.#tcp.listen(0, "127.0.0.1");
    await once(server.#tcp, "listening");
    server.port = (server.#tcp.address() as { port: number }).port;
    server.#udp.bind(server.port, "127.0.0.1");
    await once(server.#udp, "listening");
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** From now on. Of other names it says that they do not exist. */
  say(name: string, said: Said | readonly NameRecord[]): void {
    this.#said.set(name, "length" in said ? { records: said } : said);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#udp.close();
    this.#forger.close();
    for (const socket of this.#tcpSockets) socket.destroy();
    this.#tcp.close();
    await once(this.#tcp, "close");
  }

  #serve(socket: TcpSocket): void {
    this.#tcpSockets.add(socket);
    socket.on("error", () => undefined);
    let bytes = Buffer.alloc(0);
    socket.on("data", (more: Buffer) => {
      bytes = Buffer.concat([bytes, more]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const end = 2 + bytes.readUInt16BE(0);
        const answer = this.#answer(bytes.subarray(2, end), true);
        bytes = bytes.subarray(end);
        if (answer !== undefined) socket.write(Buffer.concat([word(answer.length), answer]));
      }
    });
  }

  #answer(query: Buffer, isTcp: boolean): Buffer | undefined {
    const { name, end } = readName(query, 12);
    const code = query.readUInt16BE(end);
    const type = Object.keys(TYPES).find((known) => TYPES[known] === code) ?? String(code);
    this.queries.push(`${name} ${type}${isTcp ? "/tcp" : ""}`);
    const said = this.#said.get(name) ?? { code: NXDOMAIN };
    if (said.silent === true || (Array.isArray(said.silent) && said.silent.includes(type))) return undefined;
    if ((said.lost ?? 0) > 0) {
      this.#said.set(name, { ...said, lost: (said.lost ?? 0) - 1 });
      return undefined;
    }
    const truncated = said.truncated === true && !isTcp;
    const records = (said.records ?? []).filter((record) => record.type === type || record.type === "CNAME");
    return message(query, truncated ? [] : records, (truncated ? 0x0200 : 0) | (said.codes?.[type] ?? said.code ?? 0));
  }
}

/** An answer. @param flags its RCODE and more */
function message(query: Buffer, records: readonly NameRecord[], flags: number): Buffer {
  const { end } = readName(query, 12);
  // QR, and what was asked for of RD; RA.
  const all = 0x8000 | (query.readUInt16BE(2) & 0x0100) | 0x0080 | flags;
  const head = Buffer.concat([
    query.subarray(0, 2), word(all), word(1), word(records.length), word(0), word(0), query.subarray(12, end + 4),
  ]);
  return Buffer.concat([head, ...records.map(encodeRecord)]);
}

function forge(query: Buffer, forged: "id" | "port"): Buffer {
  const answer = message(query, [FORGED], 0);
  if (forged === "id") answer.writeUInt16BE(answer.readUInt16BE(0) ^ 1);
  return answer;
}

function encodeRecord(record: NameRecord): Buffer {
  const data = recordData(record);
  const ttl = Buffer.alloc(4);
  ttl.writeUInt32BE(record.ttl ?? 300);
  // The name is that of the question, which begins at byte 12.
  return Buffer.concat([word(0xc00c), word(TYPES[record.type] ?? 0), word(1), ttl, word(data.length), data]);
}

function recordData(record: NameRecord): Buffer {
  switch (record.type) {
    case "A": return Buffer.from(record.address.split(".").map(Number));
    case "AAAA": {
      const [head = "", tail = ""] = record.address.split("::");
      const before = head.split(":").filter(Boolean), after = tail.split(":").filter(Boolean);
      const groups = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
      return Buffer.concat(groups.map((group) => word(Number.parseInt(group, 16))));
    }
    case "CNAME": return encodeName(record.target);
    case "SRV": {
      const numbers = [record.priority ?? 0, record.weight ?? 0, record.port].map(word);
      return Buffer.concat([...numbers, encodeName(record.target)]);
    }
  }
}

/** @param name "" is the root */
function encodeName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return name === "" ? Buffer.from([0]) : Buffer.concat([...labels, Buffer.from([0])]);
}

function readName(bytes: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = start;
  for (let size = bytes[at] ?? 0; size > 0; size = bytes[at] ?? 0) {
    labels.push(bytes.toString("latin1", at + 1, at + 1 + size));
    at += 1 + size;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

function word(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}
