/**
 * Sends messages to a syslog server over UDP, framed as nginx does it (RFC 3164 §4.1):
 *
 *     <190>Nov 21 12:05:09 host nginx: 127.0.0.1 - - …
 *
 * Nobody waits for the server, and nobody learns whether a message has arrived: beyond a bound, and while the name of
 * the server cannot be found, messages are dropped.
 */
import { type Socket, createSocket } from "node:dgram";
import { lookup } from "node:dns";
import { hostname } from "node:os";
import { MONTHS, clockText } from "../std/date-parts.ts";
import { SecondText } from "../std/second-text.ts";
import { Complaints, type Report } from "./complaints.ts";
import type { SyslogTarget } from "./syslog-target.ts";

/** Bytes that may wait until the server's name is found or the socket takes them. */
export const SYSLOG_PENDING_SIZE_MAX = 1_048_576;
/** Longest message: what a datagram over IPv4 may carry, less room for extension headers. */
export const SYSLOG_MESSAGE_SIZE_MAX = 65_000;
/** How long a name that was not found is not asked for again. */
const RETRY_MS = 5000;
const CLOSE_TIMEOUT_MS = 2000;

export class Syslog {
  readonly #target: SyslogTarget;
  readonly #complaints: Complaints;
  readonly #tail: string;
  #socket: Socket | undefined;
  #state: "closed" | "connecting" | "connected" = "closed";
  #retryMs = Number.NEGATIVE_INFINITY;
  /** Messages until it is connected. */
  #waiting: Buffer[] = [];
  /** Of those that wait and those under way. */
  #pendingSize = 0;
  #droppedCount = 0;
  #idle: (() => void) | undefined;
  readonly #timestamp = new SecondText(timestamp);

  constructor(target: SyslogTarget, report: Report) {
    this.#target = target;
    this.#complaints = new Complaints(report);
    // As gethostname() says it: a name with dots stays whole.
    this.#tail = ` ${target.hasHostname ? `${hostname()} ` : ""}${target.tag}: `;
  }

  /** Messages that were not sent. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Sends a message, bytes as text. @param severity 0 to 7; undefined for the target's own */
  send(message: string, severity: number = this.#target.severity): void {
    const priority = this.#target.facility * 8 + severity;
    const text = `<${priority}>${this.#timestamp.at(Date.now())}${this.#tail}${message}`;
    const bytes = Buffer.from(text.slice(0, SYSLOG_MESSAGE_SIZE_MAX), "latin1");
    if (this.#pendingSize + bytes.length > SYSLOG_PENDING_SIZE_MAX || !this.#open()) {
      this.#droppedCount++;
      return;
    }
    this.#pendingSize += bytes.length;
    if (this.#state === "connected") this.#transmit(bytes);
    else this.#waiting.push(bytes);
  }

  /** Sends the rest. */
  async close(): Promise<void> {
    if (this.#pendingSize > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
        setTimeout(resolve, CLOSE_TIMEOUT_MS).unref();
      });
    }
    this.#shut();
  }

  /** Is there a socket, or may there be one soon? */
  #open(): boolean {
    if (this.#state !== "closed") return true;
    if (performance.now() < this.#retryMs) return false;
    this.#state = "connecting";
    // An address is found at once, and with it its family.
    lookup(this.#target.host, (error, address, family) => {
      if (this.#state !== "connecting") return;
      if (error === null) this.#connect(address, family);
      else this.#failed(error);
    });
    return true;
  }

  #connect(address: string, family: number): void {
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    this.#socket = socket;
    // It does not keep the program from ending.
    socket.unref();
    socket.on("error", (error) => this.#failed(error));
    socket.on("connect", () => {
      this.#state = "connected";
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const bytes of waiting) this.#transmit(bytes);
    });
    socket.connect(this.#target.port, address);
  }

  #transmit(bytes: Buffer): void {
    this.#socket?.send(bytes, (error) => {
      // Nobody listens there: in UDP one learns it of the message before.
      if (error !== null) this.#droppedCount++;
      this.#pendingSize -= bytes.length;
      if (this.#pendingSize === 0) this.#idle?.();
      if (error !== null) this.#complaints.tell(`${this.#name()} does not take messages: ${error.message}`);
    });
  }

  /** The name is not found, or the socket is gone: another one is tried after a while. */
  #failed(error: Error): void {
    this.#complaints.tell(`${this.#name()} cannot be reached: ${error.message}`);
    // While it is connected, an error is of one message, and the socket is good for the next.
    if (this.#state === "connected") return;
    this.#droppedCount += this.#waiting.length;
    for (const { length } of this.#waiting) this.#pendingSize -= length;
    this.#waiting = [];
    this.#shut();
    this.#retryMs = performance.now() + RETRY_MS;
    this.#idle?.();
  }

  #shut(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#state = "closed";
    socket?.close();
  }

  #name(): string {
    return `the syslog server ${this.#target.host}:${this.#target.port}`;
  }
}

/** RFC 3164 §4.1.2: "Nov  1 12:05:09", local time. */
function timestamp(ms: number): string {
  const date = new Date(ms);
  return `${MONTHS[date.getMonth()] ?? ""} ${String(date.getDate()).padStart(2)} ${clockText(date)}`;
}
