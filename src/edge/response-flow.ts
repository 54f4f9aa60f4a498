/**
 * A streamed response between a worker that is fast and a client that may be slow.
 *
 * While the client keeps up, bytes go straight through and credit goes straight back. When it does not:
 * a synchronous worker's bytes go on into a file (nginx: proxy_max_temp_file_size), so that a slow reader
 * never occupies a worker; everybody else gets no more credit until the client has read.
 */
import type { FieldLine } from "../http/response-head.ts";
import { Spool } from "../net/index.ts";
import { copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** Bytes that may wait in memory for the client before the rest goes elsewhere. */
const QUEUED_MAX = 131_072;
/** Credit is given back in portions, not for every chunk. */
const GRANT_MIN = 65_536;

export interface FlowOwner {
  /** A name for the file, undefined when bytes must not be stored. */
  readonly spoolPath: (() => string) | undefined;
  /** Largest file for one response (nginx: proxy_max_temp_file_size). */
  readonly storedMax: number;
  grant(size: number): void;
  end(trailers: readonly FieldLine[]): void;
  notice(text: string): void;
}

export class ResponseFlow {
  readonly #exchange: SentExchange;
  readonly #channel: ResponseChannel;
  readonly #owner: FlowOwner;
  #spool: Spool | undefined = undefined;
  /** Chunks that are not in the file yet, oldest first. */
  #queue: Bytes[] = [];
  #storing = false;
  /** The disk takes nothing more: from now on the client's pace counts. */
  #full = false;
  #pumping = false;
  #owed = 0;
  #trailers: readonly FieldLine[] | undefined = undefined;
  #closed = false;

  constructor(exchange: SentExchange, channel: ResponseChannel, owner: FlowOwner) {
    this.#exchange = exchange;
    this.#channel = channel;
    this.#owner = owner;
  }

  /** Bytes of the worker went to the channel without passing here. */
  taken(size: number): void {
    this.#owed += size;
    this.#settle();
  }

  /** Takes `bytes[start, end)`, a view. */
  write(bytes: Bytes, start: number, end: number): void {
    if (this.#closed) return;
    if (this.#spool === undefined && (this.#channel.queuedSize <= QUEUED_MAX || this.#owner.spoolPath === undefined)) {
      this.#channel.sendChunk(this.#exchange, bytes, start, end);
      this.taken(end - start);
      return;
    }
    this.#spool ??= new Spool(this.#owner.spoolPath?.() ?? "", false);
    this.#queue.push(copyBytes(bytes, start, end));
    void this.#store(this.#spool);
  }

  /** The worker has given everything. */
  end(trailers: readonly FieldLine[]): void {
    this.#trailers = trailers;
    if (this.#spool === undefined) this.#owner.end(trailers);
    else void this.#pump();
  }

  /** The client has read what was queued. */
  drained(): void {
    this.#settle();
    if (this.#spool !== undefined) void this.#pump();
  }

  close(): void {
    this.#closed = true;
    void this.#spool?.close(true);
  }

  /** Gives back credit for what the client, or the file, has taken. */
  #settle(): void {
    if (this.#owed < GRANT_MIN || this.#channel.queuedSize > QUEUED_MAX) return;
    this.#owner.grant(this.#owed);
    this.#owed = 0;
  }

  /** Moves chunks into the file, one at a time; credit follows each. */
  async #store(spool: Spool): Promise<void> {
    if (this.#storing) return;
    this.#storing = true;
    while (!this.#full && !this.#closed) {
      const chunk = this.#queue[0];
      if (chunk === undefined) break;
      try {
        if (spool.size + chunk.length > this.#owner.storedMax) {
          throw new Error(`it has more than ${this.#owner.storedMax} bytes`);
        }
        await spool.append(chunk);
        this.#queue.shift();
        this.#owner.grant(chunk.length);
      } catch (error) {
        this.#full = true;
        spool.forgetLast(chunk.length);
        this.#owner.notice(`a response is no longer stored for its slow client: ${String(error)}`);
      }
    }
    this.#storing = false;
    void this.#pump();
  }

  /** Moves bytes from the file, then from memory, to the client. */
  async #pump(): Promise<void> {
    const spool = this.#spool;
    if (this.#pumping || spool === undefined) return;
    this.#pumping = true;
    while (!this.#closed && this.#channel.queuedSize <= QUEUED_MAX) {
      const bytes = await spool.read();
      if (this.#closed) break;
      if (bytes !== undefined) {
        this.#channel.sendChunk(this.#exchange, bytes, 0, bytes.length);
        continue;
      }
      if (this.#storing) break;
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      this.#channel.sendChunk(this.#exchange, chunk, 0, chunk.length);
      this.#owner.grant(chunk.length);
    }
    this.#pumping = false;
    const empty = spool.unreadSize === 0 && this.#queue.length === 0 && !this.#storing;
    if (!empty || this.#closed || this.#trailers === undefined) return;
    this.close();
    this.#owner.end(this.#trailers);
  }
}
