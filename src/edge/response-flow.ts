/**
 * A streamed response between a worker that is fast and a client that may be slow.
 *
 * While the client keeps up, bytes go straight through and credit goes straight back. When it does not, whoever sends
 * gets no more credit until the client has read. If that takes long, and the bytes may wait in a file (nginx:
 * proxy_max_temp_file_size), they go there, so that a slow reader never occupies a worker; until the client has caught
 * up. A client that is slow by limit_rate is slow from the start.
 */
import type { FieldLine } from "../http/response-head.ts";
import { Spool } from "../net/index.ts";
import type { RateLimit } from "../net/index.ts";
import { copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { ResponseChannel, SentExchange } from "./response-channel.ts";

/** Bytes that may wait in memory for the client before the rest goes elsewhere. */
const QUEUED_MAX = 131_072;
/** A client that lets its sender wait so long at once, or in all, is slow: a file before that would cost more. */
const WAIT_MS_MAX = 100, WAITS_MS_MAX = 1000;
/** Credit is given back in portions, not for every chunk. */
const GRANT_MIN = 65_536;
/** Portions a second under limit_rate, and their least size. */
const PORTIONS_PER_S = 8, PORTION_SIZE_MIN = 1024;

export interface FlowOwner {
  /** A name for the file, undefined when bytes must not be stored. */
  readonly spoolPath: (() => string) | undefined;
  /** Largest file for one response (nginx: proxy_max_temp_file_size). */
  readonly storedMax: number;
  readonly limit: RateLimit | undefined;
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
  #queueSize = 0;
  /** What was taken out and may not leave yet. */
  #part: Bytes | undefined = undefined;
  #storing = false;
  /** The disk takes nothing more: from now on the client's pace counts. */
  #full = false;
  /** The client is slow: what comes is stored. */
  #isSlow = false;
  #slowTimer: NodeJS.Timeout | undefined = undefined;
  /** Since when the sender waits for the client; how long it has waited before. */
  #waitingMs = 0;
  #waitedMs = 0;
  #pumping = false;
  /** Was it asked for meanwhile? */
  #pumpsAgain = false;
  #owed = 0;
  /** Bytes that have left, for limit_rate. */
  #sent = 0;
  #timer: NodeJS.Timeout | undefined = undefined;
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
    if (this.#closed || start === end) return;
    const { limit, spoolPath } = this.#owner;
    const isSlow = this.#isSlow && this.#channel.queuedSize > QUEUED_MAX && spoolPath !== undefined;
    if (limit === undefined && this.#spool === undefined && !isSlow) {
      this.#channel.sendChunk(this.#exchange, bytes, start, end);
      this.taken(end - start);
      return;
    }
    this.#queue.push(copyBytes(bytes, start, end));
    this.#queueSize += end - start;
    // A little may wait in memory, and be paced from there.
    if (this.#spool === undefined && (spoolPath === undefined || (!isSlow && this.#queueSize <= QUEUED_MAX))) {
      return void this.#pump();
    }
    this.#spool ??= new Spool(spoolPath?.() ?? "", false);
    void this.#store(this.#spool);
  }

  /** The worker has given everything. */
  end(trailers: readonly FieldLine[]): void {
    this.#trailers = trailers;
    if (this.#spool === undefined && this.#queue.length === 0 && this.#part === undefined) this.#owner.end(trailers);
    else void this.#pump();
  }

  /** The client has read what was queued. */
  drained(): void {
    this.#settle();
    if (this.#spool !== undefined || this.#queue.length > 0 || this.#part !== undefined) void this.#pump();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#slowTimer);
    void this.#spool?.close(true);
  }

  /** Gives back credit for what the client, or the file, has taken. */
  #settle(): void {
    // Where there may be a file, what follows has room: the worker must come to send it.
    const mayStore = this.#owner.spoolPath !== undefined && !this.#full;
    const isBehind = this.#channel.queuedSize > QUEUED_MAX;
    if (mayStore && !this.#isSlow) this.#watch(isBehind);
    if (this.#owed < GRANT_MIN || (isBehind && !(mayStore && this.#isSlow))) return;
    this.#owner.grant(this.#owed);
    this.#owed = 0;
  }

  /** Finds out whether the client is slow. */
  #watch(isBehind: boolean): void {
    if (isBehind === (this.#slowTimer !== undefined)) return;
    const now = performance.now();
    if (!isBehind) {
      clearTimeout(this.#slowTimer);
      this.#slowTimer = undefined;
      this.#waitedMs += now - this.#waitingMs;
      return;
    }
    this.#waitingMs = now;
    this.#slowTimer = setTimeout(() => {
      this.#slowTimer = undefined;
      if (this.#closed) return;
      this.#isSlow = true;
      this.#settle();
    }, Math.max(0, Math.min(WAIT_MS_MAX, WAITS_MS_MAX - this.#waitedMs)));
  }

  /** Moves chunks into the file, one at a time; credit follows each. */
  async #store(spool: Spool): Promise<void> {
    if (this.#storing) return;
    this.#storing = true;
    while (!this.#full && !this.#closed) {
      const chunk = this.#queue[0];
      if (chunk === undefined) break;
      if (spool.size + chunk.length > this.#owner.storedMax) {
        // As nginx has it, no mistake: the rest waits for the client.
        this.#full = true;
        break;
      }
      try {
        await spool.append(chunk);
        this.#queue.shift();
        this.#queueSize -= chunk.length;
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
    if (this.#pumping) {
      this.#pumpsAgain = true;
      return;
    }
    this.#pumping = true;
    while (!this.#closed && this.#channel.queuedSize <= QUEUED_MAX) {
      const part = this.#part ?? (this.#spool === undefined ? this.#fromQueue() : await this.#fromSpool(this.#spool));
      this.#part = part;
      if (this.#closed || part === undefined) break;
      const size = this.#allowed(part.length);
      if (size === 0) break;
      this.#part = size < part.length ? part.subarray(size) : undefined;
      this.#sent += size;
      this.#channel.sendChunk(this.#exchange, part, 0, size);
    }
    this.#pumping = false;
    if (this.#pumpsAgain) {
      // What was stored between the last look and now would wait for nobody.
      this.#pumpsAgain = false;
      return this.#pump();
    }
    const isEmpty = this.#part === undefined && this.#queue.length === 0 && !this.#storing
      && (this.#spool?.unreadSize ?? 0) === 0;
    if (!isEmpty || this.#closed) return;
    if (this.#trailers === undefined) return this.#caughtUp();
    this.close();
    this.#owner.end(this.#trailers);
  }

  /** The client has taken all that was stored: what comes goes straight to it again. */
  #caughtUp(): void {
    void this.#spool?.close(true);
    this.#spool = undefined;
    this.#isSlow = this.#full = false;
  }

  async #fromSpool(spool: Spool): Promise<Bytes | undefined> {
    const bytes = await spool.read();
    return bytes ?? (this.#storing ? undefined : this.#fromQueue());
  }

  #fromQueue(): Bytes | undefined {
    const chunk = this.#queue.shift();
    if (chunk === undefined) return undefined;
    this.#queueSize -= chunk.length;
    this.#owner.grant(chunk.length);
    return chunk;
  }

  /** @returns how many of `size` bytes may leave now; when it is 0, a timer goes on */
  #allowed(size: number): number {
    const { limit } = this.#owner;
    if (limit === undefined) return size;
    const now = performance.now();
    const portion = Math.min(size, Math.max(PORTION_SIZE_MIN, Math.floor(limit.rate / PORTIONS_PER_S)));
    const allowance = limit.allowance(this.#sent, now);
    if (allowance >= portion) return Math.min(size, allowance);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#pump(), limit.delayMs(this.#sent, portion, now));
    return 0;
  }
}
