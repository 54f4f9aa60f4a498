/**
 * One question to one name server: by UDP, and by TCP if the answer does not fit into a datagram (RFC 7766).
 *
 * Each question has a socket of its own, so that its port is one that nobody can guess, and an id of chance; the socket
 * is connected, so that the system drops what others send. What still is not the answer to it is passed over.
 */
import { randomInt } from "node:crypto";
import { type Socket as UdpSocket, createSocket } from "node:dgram";
import { type Socket as TcpSocket, connect, isIPv6 } from "node:net";
import { type DnsAnswer, type DnsQuestion, encodeDnsQuery, readDnsAnswer } from "../protocol/dns/index.ts";
import { type Bytes, NO_BYTES, asBytes, concatBytes } from "../std/bytes.ts";
import { systemReason } from "../std/system-reason.ts";

export interface DnsServer {
  /** IP address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** What comes of it: the answer, or why there is none. It is told once, and never after `close`. */
export interface DnsExchangeUser {
  onAnswer(answer: DnsAnswer): void;
  onFailure(reason: string): void;
}

const ID_COUNT = 65_536;
export const FORMAT_ERROR = "1: Format error";
/** By TCP, messages have their size in front. */
const SIZE_SIZE = 2;

export class DnsExchange {
  readonly #server: DnsServer;
  readonly #question: DnsQuestion;
  readonly #user: DnsExchangeUser;
  readonly #id: number = randomInt(ID_COUNT);
  readonly #query: Bytes;
  #udp: UdpSocket | undefined = undefined;
  #tcp: TcpSocket | undefined = undefined;
  #isOver = false;

  /** @param question has a name that is one */
  constructor(server: DnsServer, question: DnsQuestion, user: DnsExchangeUser) {
    this.#server = server;
    this.#question = question;
    this.#user = user;
    this.#query = encodeDnsQuery(this.#id, question) ?? NO_BYTES;
    this.#askByUdp();
  }

  close(): void {
    this.#isOver = true;
    this.#udp?.close();
    this.#udp = undefined;
    this.#tcp?.destroy();
    this.#tcp = undefined;
  }

  #askByUdp(): void {
    const { host, port } = this.#server;
    const socket = (this.#udp = createSocket(isIPv6(host) ? "udp6" : "udp4"));
    socket.on("error", (error) => this.#fail(systemReason(error)));
    socket.on("message", (message) => this.#read(asBytes(message), true));
    // Both callbacks get an error in its place: what cannot be sent is not waited for.
    socket.connect(port, host, (error?: Error) => {
      if (error !== undefined) return this.#fail(systemReason(error));
      if (this.#isOver) return;
      socket.send(this.#query, (failure) => {
        if (failure !== null) this.#fail(systemReason(failure));
      });
    });
  }

  #askByTcp(): void {
    this.#udp?.close();
    this.#udp = undefined;
    const socket = (this.#tcp = connect(this.#server));
    let received = NO_BYTES;
    socket.on("connect", () => {
      const size = Buffer.alloc(SIZE_SIZE);
      size.writeUInt16BE(this.#query.length);
      socket.write(concatBytes([size, this.#query]));
    });
    socket.on("data", (part: Buffer) => {
      received = concatBytes([received, part]);
      if (received.length < SIZE_SIZE) return;
      const end = SIZE_SIZE + received.readUInt16BE(0);
      // One message, of 65,535 bytes at most, is all that is read.
      if (received.length >= end) this.#read(received.subarray(SIZE_SIZE, end), false);
    });
    socket.on("error", (error) => this.#fail(systemReason(error)));
    socket.on("close", () => this.#fail(FORMAT_ERROR));
  }

  #read(message: Bytes, isUdp: boolean): void {
    if (this.#isOver) return;
    const reading = readDnsAnswer(message, this.#id, this.#question);
    if (reading.kind === "answer") {
      this.close();
      return this.#user.onAnswer(reading);
    }
    if (!isUdp || reading.kind === "malformed") return this.#fail(FORMAT_ERROR);
    if (reading.kind === "truncated") this.#askByTcp();
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.close();
    this.#user.onFailure(reason);
  }
}
