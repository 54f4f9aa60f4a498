/**
 * Who gets the next request: one edge thread's view of an application's workers.
 *
 * - The worker with the least outstanding work, counted over all edge threads in the load zone.
 * - A synchronous worker gets as many requests as it has threads, plus a prefetch that is worth about two
 *   milliseconds of its recent work: batching pays where requests are tiny, and costs where they are not.
 * - A prefetched request is never stuck behind a slow one: after STALL_MS without an answer the worker's steward
 *   is asked for what is finished and, if somebody else moves, for what has not started.
 * - Everybody else waits here, in order, at most `backlog` of them; beyond that the answer is 503 at once.
 *
 * A request is executed at most once: it goes elsewhere only when the steward gave it back, or when the
 * state file of a dead worker says that it never started.
 */
import { makeReadBuffer } from "../net/index.ts";
import type { AppRequest } from "./app-request.ts";
import { EnvironEncoder } from "./environ.ts";
import type { LoadZone } from "./load-zone.ts";
import type { EncoderSettings, RequestEncoder } from "./request-encoder.ts";
import { ResponseDecoder } from "./response-decoder.ts";
import { ScopeEncoder } from "./scope.ts";
import { WorkerLink } from "./worker-link.ts";
import type { LinkedWorker, LinkMemory, LinkOwner } from "./worker-link.ts";
import { lastStarted, startsAfter } from "./worker-state.ts";

/** Work that may lie ahead of a synchronous worker, in microseconds of its recent service time. */
const PREFETCH_US = 2000;
const PREFETCH_MAX = 128;
/** Without an answer for so long, a worker with prefetched requests is asked about them. */
const STALL_MS = 5;
/** Two full batches of responses and their heads. */
const WIRE_READ_SIZE = 262_144;

export interface PoolSettings {
  readonly edge: number;
  readonly backlog: number;
  /** How long a request waits for a worker before it gets 504, milliseconds; 0 for ever. */
  readonly queueTimeoutMs: number;
  /** Requests that one asynchronous worker may have at once. */
  readonly workerConnections: number;
  readonly encoder: EncoderSettings;
}

/** Whom the pool tells what concerns more than one request. */
export interface PoolOwner {
  /** A worker that was to retire has nothing of this thread any more. Said once, so that threads can be counted. */
  onWorkerIdle(name: string): void;
  onWorkerReady(name: string): void;
  /** The connection to a worker broke, though nobody had said that it would. */
  onWorkerLost(name: string): void;
  /** Something the operator should read. */
  onNotice(level: "error" | "warning" | "info", text: string): void;
}

export class Pool implements LinkOwner {
  readonly #settings: PoolSettings;
  readonly #zone: LoadZone;
  readonly #owner: PoolOwner;
  readonly #memory: LinkMemory;
  readonly #links: WorkerLink[] = [];
  readonly #dirty: WorkerLink[] = [];
  /** Requests that wait for a worker; the first is at `#queueHead`. */
  #queue: (AppRequest | undefined)[] = [];
  #queueHead = 0;
  #interface: "wsgi" | "asgi" = "wsgi";
  /** One for all workers: what it has encoded, each may be sent. */
  #encoder: RequestEncoder | undefined = undefined;
  /** No worker could start so far. */
  #hasFailed = false;
  #flushScheduled = false;
  #stallTimer: NodeJS.Timeout | undefined = undefined;
  #waitingForOthers = false;
  /** Why the next lost links are lost: what the master said of them. */
  readonly #verdicts = new Map<string, "crash" | "timeout" | "stopped">();

  constructor(settings: PoolSettings, zone: LoadZone, owner: PoolOwner) {
    this.#settings = settings;
    this.#zone = zone;
    this.#owner = owner;
    this.#memory = { readBuffer: makeReadBuffer(WIRE_READ_SIZE), decoder: new ResponseDecoder() };
  }

  /** What kind of application it is; decided by the first worker. */
  get interface(): "wsgi" | "asgi" {
    return this.#interface;
  }

  /** Requests that wait here for a worker. */
  get queuedCount(): number {
    return this.#queue.length - this.#queueHead;
  }

  hasWorker(name: string): boolean {
    return this.#links.some(({ worker }) => worker.name === name);
  }

  /** No worker can start: until one is ready, nobody is kept waiting. */
  fail(): void {
    this.#hasFailed = true;
    for (const request of this.#queue.slice(this.#queueHead)) request?.onFailure(503);
    this.#queue = [];
    this.#queueHead = 0;
  }

  /** Connects to a worker that is ready. */
  addWorker(worker: LinkedWorker): void {
    this.#hasFailed = false;
    const { encoder: settings } = this.#settings;
    if (this.#encoder === undefined || this.#interface !== worker.interface) {
      this.#encoder = worker.interface === "wsgi" ? new EnvironEncoder(settings) : new ScopeEncoder(settings);
    }
    this.#interface = worker.interface;
    const encoder = this.#encoder;
    this.#links.push(new WorkerLink(worker, this.#settings.edge, encoder, this.#memory, this));
  }

  /** Gives a worker nothing more; its owner hears when nothing of it is outstanding. */
  retireWorker(name: string): void {
    const link = this.#links.find((candidate) => candidate.worker.name === name);
    if (link === undefined) return this.#owner.onWorkerIdle(name);
    link.retire();
    this.#tellIdle(link);
  }

  /** To be called whenever the last of a link's requests may have left it, in whichever way. */
  #tellIdle(link: WorkerLink): void {
    if (!link.retiring || link.pendingCount > 0 || link.idleTold) return;
    link.idleTold = true;
    this.#owner.onWorkerIdle(link.worker.name);
  }

  /** A worker is dead or about to be killed: what had started gets 502, or 504 for "timeout". */
  dropWorker(name: string, reason: "crash" | "timeout" | "stopped"): void {
    const link = this.#links.find((candidate) => candidate.worker.name === name);
    if (link === undefined) return;
    this.#verdicts.set(name, reason);
    link.close();
  }

  /**
   * Gives a request to a worker, or lets it wait.
   * @returns false when too many wait already: the answer is 503
   */
  submit(request: AppRequest): boolean {
    if (this.queuedCount === 0) {
      const link = this.#choose();
      if (link !== undefined) {
        this.#give(link, request);
        return true;
      }
    }
    if (this.#hasFailed || this.queuedCount >= this.#settings.backlog) return false;
    request.queuedMs = performance.now();
    this.#queue.push(request);
    this.#watch();
    return true;
  }

  /**
   * The client of a request is gone. One that waits here is forgotten; the worker of any other is told.
   * @returns true when it waited here, and will not be answered any more
   */
  abandon(request: AppRequest): boolean {
    if (request.link !== undefined) {
      request.link.sendGone(request);
      return false;
    }
    const index = this.#queue.indexOf(request, this.#queueHead);
    if (index >= 0) this.#queue.splice(index, 1);
    return index >= 0;
  }

  /** Ends all links; whatever is outstanding fails. */
  close(): void {
    clearTimeout(this.#stallTimer);
    for (const link of this.#links.slice()) link.close();
  }

  onLinkReady(link: WorkerLink): void {
    this.#owner.onWorkerReady(link.worker.name);
    this.#drainQueue();
  }

  onOutput(link: WorkerLink): void {
    if (!link.dirty) {
      link.dirty = true;
      this.#dirty.push(link);
    }
    if (!this.#flushScheduled) {
      this.#flushScheduled = true;
      // After all sockets of this turn were read: one write for all their requests.
      setImmediate(this.#flush);
    }
  }

  onAnswered(link: WorkerLink, count: number): void {
    const now = performance.now();
    if (count > 0) {
      // Smoothed time between answers while there was work: with threads it is the worker's rate.
      const perRequestUs = ((now - link.progressMs) * 1000) / count;
      const before = this.#zone.serviceUs(link.worker.slot);
      this.#zone.setServiceUs(link.worker.slot, before === 0 ? perRequestUs : before * 0.75 + perRequestUs * 0.25);
      this.#zone.subtract(link.worker.slot, count);
    }
    link.progressMs = now;
    link.asked = 0;
    if (this.queuedCount > 0) this.#drainQueue();
    this.#tellIdle(link);
  }

  onTakenBack(link: WorkerLink, requests: AppRequest[]): void {
    this.#zone.subtract(link.worker.slot, requests.length);
    this.#requeue(requests);
    this.#tellIdle(link);
  }

  onRefusedHead(link: WorkerLink, request: AppRequest, what: string): void {
    const { method, path } = request.head;
    this.#owner.onNotice("error", `${link.worker.name}: the response to ${method} ${path} was refused: ${what}`);
  }

  onLinkLost(link: WorkerLink, requests: AppRequest[], fault: string | undefined): void {
    const { worker } = link;
    const index = this.#links.indexOf(link);
    if (index >= 0) this.#links.splice(index, 1);
    if (fault !== undefined) this.#owner.onNotice("error", `${worker.name}: connection closed: ${fault}`);
    this.#zone.subtract(worker.slot, requests.length);
    const verdict = this.#verdicts.get(worker.name);
    this.#verdicts.delete(worker.name);
    this.#tellIdle(link);
    if (verdict === undefined) this.#owner.onWorkerLost(worker.name);
    if (requests.length > 0) void this.#settle(worker, requests, verdict === "timeout" ? 504 : 502);
    // Whoever waits may wait for others now, or for a successor.
    this.#watch();
  }

  /** After a death: what never started goes elsewhere, in its order; what had started fails. */
  async #settle(worker: LinkedWorker, requests: AppRequest[], status: 502 | 504): Promise<void> {
    // An asynchronous worker starts whatever it reads.
    const last = worker.interface === "asgi" ? undefined : await lastStarted(worker.statePath, this.#settings.edge);
    const free: AppRequest[] = [];
    for (const request of requests) {
      request.link = undefined;
      if (request.abandoned) continue;
      if (last !== undefined && startsAfter(request.id, last) && request.body.kind !== "stream") free.push(request);
      else request.onFailure(status);
    }
    this.#requeue(free);
  }

  #requeue(requests: readonly AppRequest[]): void {
    const alive = requests.filter((request) => !request.abandoned);
    if (alive.length === 0) return;
    // Those that were given to a worker at once have not waited here before.
    const now = performance.now();
    for (const request of alive) if (request.queuedMs === 0) request.queuedMs = now;
    this.#queue = [...alive, ...this.#queue.slice(this.#queueHead)];
    this.#queueHead = 0;
    this.#drainQueue();
  }

  /** The ready worker with the least to do, if it may have one more. */
  #choose(): WorkerLink | undefined {
    const links = this.#links;
    let chosen: WorkerLink | undefined;
    let least = Number.MAX_SAFE_INTEGER;
    for (let i = 0; i < links.length; i++) {
      const link = links[i];
      if (link === undefined || !link.ready) continue;
      const outstanding = this.#zone.outstanding(link.worker.slot);
      if (outstanding < least && outstanding < this.#window(link)) {
        least = outstanding;
        chosen = link;
      }
    }
    return chosen;
  }

  /** How many requests a worker may have at once, over all edge threads. */
  #window(link: WorkerLink): number {
    const { worker } = link;
    if (worker.interface === "asgi") return this.#settings.workerConnections;
    if (link.asked > 0) return worker.threads;
    const serviceUs = this.#zone.serviceUs(worker.slot);
    return serviceUs === 0 ? worker.threads : worker.threads + Math.min(PREFETCH_MAX, (PREFETCH_US / serviceUs) | 0);
  }

  #give(link: WorkerLink, request: AppRequest): void {
    this.#zone.add(link.worker.slot);
    if (link.pendingCount === 0) link.progressMs = performance.now();
    link.send(request);
    if (request.body.kind === "stream") request.onGiven();
    this.onOutput(link);
    if (link.pendingCount > link.worker.threads) this.#watch();
  }

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    for (const link of this.#dirty) {
      link.dirty = false;
      link.flush();
    }
    this.#dirty.length = 0;
  };

  #drainQueue(): void {
    while (this.queuedCount > 0) {
      const link = this.#choose();
      if (link === undefined) break;
      const request = this.#queue[this.#queueHead];
      this.#queue[this.#queueHead++] = undefined;
      if (request !== undefined && !request.abandoned) this.#give(link, request);
    }
    if (this.#queueHead > 1024 || this.queuedCount === 0) {
      this.#queue = this.#queue.slice(this.#queueHead);
      this.#queueHead = 0;
    }
    if (this.queuedCount > 0) this.#watch();
  }

  /** Looks after stalls and other threads' progress as long as somebody waits. */
  #watch(): void {
    this.#stallTimer ??= setTimeout(this.#look, STALL_MS);
    if (this.queuedCount > 0 && !this.#waitingForOthers) {
      this.#waitingForOthers = true;
      this.#zone.onFreed(() => {
        this.#waitingForOthers = false;
        if (this.queuedCount > 0) this.#drainQueue();
      });
    }
  }

  readonly #look = (): void => {
    this.#stallTimer = undefined;
    const now = performance.now();
    this.#expireQueue(now);
    let waiting = this.queuedCount > 0;
    for (const link of this.#links) {
      if (link.worker.interface === "asgi" || link.pendingCount === 0) continue;
      const { slot, threads } = link.worker;
      if (link.pendingCount <= threads && this.#zone.outstanding(slot) <= threads) continue;
      waiting = true;
      if (now - link.progressMs < STALL_MS) continue;
      const wish = this.#someoneMoves(link, now) ? 2 : 1;
      if (wish <= link.asked) continue;
      link.asked = wish;
      link.recall(wish === 2);
    }
    if (waiting) this.#watch();
  };

  /** Nobody waits for ever: not even when no worker comes back. */
  #expireQueue(now: number): void {
    const { queueTimeoutMs } = this.#settings;
    if (queueTimeoutMs === 0) return;
    for (;;) {
      const request = this.#queue[this.#queueHead];
      if (request === undefined || now - request.queuedMs < queueTimeoutMs) return;
      this.#queue[this.#queueHead++] = undefined;
      if (!request.abandoned) request.onFailure(504);
    }
  }

  /** Is there a worker that could take over: one with a free thread, or one that answers all the time? */
  #someoneMoves(except: WorkerLink, now: number): boolean {
    return this.#links.some((link) => {
      if (link === except || !link.ready) return false;
      if (this.#zone.outstanding(link.worker.slot) < link.worker.threads) return true;
      return link.pendingCount > 0 && now - link.progressMs < STALL_MS;
    });
  }
}
