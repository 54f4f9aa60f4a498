/**
 * A peer with what all threads know of it, and nginx's rules of whether it may be asked.
 *
 * Failures: after `max_fails` of them it is left alone for `fail_timeout`; then one request tries it, of whichever
 * thread is first, and while that one has not come back well the others leave it alone for as long again.
 */
import { hash } from "node:crypto";
import type { UpstreamAddress, UpstreamServerSettings } from "../settings.ts";
import { elapsedMs, SLOT, type SlotPlace } from "../zone-slot.ts";
import type { Member, Peer, PeerResult, PeerState } from "./peer.ts";

/** Weights in the rotation are Int32, and so are their sums. */
const WEIGHT_MAX = 1_000_000;
/** A server that just came back gets at least so much of its weight. */
const SLOW_FACTOR_MIN = 0.001;
/** How much of an average the newest time is. */
const AVERAGE_SHARE = 1 / 4;
const AVERAGE_US_MAX = 0x7fffffff;

/** Which of the two times counts, and whether those that still run do. */
export interface Timing {
  readonly until: "header" | "last_byte";
  readonly inflight: boolean;
}

export class BalancedPeer implements Peer {
  readonly name: string;
  readonly address: UpstreamAddress;
  readonly server: UpstreamServerSettings;
  readonly slot: number;
  readonly id: string;
  readonly weight: number;
  readonly fields: Int32Array;
  readonly base: number;
  /** The only one of its upstream: never put aside (nginx's documentation of max_fails). */
  isAlone = false;
  readonly #isOut: boolean;
  readonly #maxConns: number;
  readonly #maxFails: number;
  readonly #failTimeoutMs: number;
  readonly #slowStartMs: number;
  readonly #timing: Timing | undefined;

  constructor({ name, address, server }: Member, place: SlotPlace, timing: Timing | undefined) {
    this.name = name;
    this.address = address;
    this.server = server;
    this.slot = place.slot;
    this.id = server.route ?? hash("md5", name, "hex");
    this.weight = Math.min(Math.max(server.weight, 1), WEIGHT_MAX);
    this.fields = place.fields;
    this.base = place.base;
    this.#isOut = server.down || server.drain;
    this.#maxConns = server.maxConns;
    this.#maxFails = server.maxFails;
    this.#failTimeoutMs = server.failTimeoutMs;
    this.#slowStartMs = server.slowStartMs;
    this.#timing = timing;
  }

  get active(): number {
    return Atomics.load(this.fields, this.base + SLOT.active);
  }

  /** May a request be given to it? One that sticks to it may where others may not. */
  isOpen(nowMs: number, sticks: boolean = false): boolean {
    if (sticks ? this.server.down : this.#isOut) return false;
    if (Atomics.load(this.fields, this.base + SLOT.unhealthy) !== 0 || this.#isAside(nowMs)) return false;
    return this.#maxConns === 0 || this.active < this.#maxConns;
  }

  /** Well as far as anybody knows, whatever it has to do. */
  isUp(nowMs: number): boolean {
    return !this.server.down && !this.isUnhealthy && !this.#isAside(nowMs);
  }

  #isAside(nowMs: number): boolean {
    if (this.#maxFails === 0 || this.isAlone) return false;
    if (Atomics.load(this.fields, this.base + SLOT.fails) < this.#maxFails) return false;
    return this.#isWithinTimeout(nowMs);
  }

  #isWithinTimeout(nowMs: number): boolean {
    if (this.#failTimeoutMs === 0) return false;
    return elapsedMs(nowMs, Atomics.load(this.fields, this.base + SLOT.checkedAt)) <= this.#failTimeoutMs;
  }

  /** Gives it a request; false if another thread was quicker with the last one it can take. */
  take(nowMs: number): boolean {
    const { fields, base } = this;
    const active = base + SLOT.active;
    if (this.#maxConns === 0) {
      Atomics.add(fields, active, 1);
    } else {
      let before = Atomics.load(fields, active);
      for (;;) {
        if (before >= this.#maxConns) return false;
        const seen = Atomics.compareExchange(fields, active, before, before + 1);
        if (seen === before) break;
        before = seen;
      }
    }
    if (Atomics.load(fields, base + SLOT.fails) !== 0 && !this.#beginTrial(nowMs)) {
      Atomics.sub(fields, active, 1);
      return false;
    }
    Atomics.add(fields, base + SLOT.requests, 1);
    if (this.#timing?.inflight === true) {
      Atomics.add(fields, base + SLOT.waiting, 1);
      Atomics.add(fields, base + SLOT.waitingSince, nowMs | 0);
    }
    return true;
  }

  /** The time since the last failure is over: from now on others wait for this request. */
  #beginTrial(nowMs: number): boolean {
    const { fields, base } = this;
    const at = base + SLOT.checkedAt;
    const checkedAt = Atomics.load(fields, at);
    const isOver = elapsedMs(nowMs, checkedAt) > this.#failTimeoutMs;
    if (isOver && Atomics.compareExchange(fields, at, checkedAt, nowMs | 0) === checkedAt) return true;
    return !this.#isAside(nowMs);
  }

  /** @returns whether the failure put it aside */
  failed(nowMs: number): boolean {
    const { fields, base } = this;
    Atomics.add(fields, base + SLOT.failures, 1);
    if (this.#maxFails === 0 || this.isAlone) return false;
    const fails = Atomics.add(fields, base + SLOT.fails, 1) + 1;
    Atomics.store(fields, base + SLOT.failedAt, nowMs | 0);
    Atomics.store(fields, base + SLOT.checkedAt, nowMs | 0);
    const lost = Atomics.load(fields, base + SLOT.lostWeight) + Math.floor(this.weight / this.#maxFails);
    Atomics.store(fields, base + SLOT.lostWeight, Math.min(lost, this.weight));
    return fails >= this.#maxFails;
  }

  /** A trial that came back well makes it one of the others again. */
  succeeded(nowMs: number): void {
    const { fields, base } = this;
    const fails = Atomics.load(fields, base + SLOT.fails);
    if (fails === 0) return;
    // Equal: it failed since the trial began, or this request is older than the failure.
    if (Atomics.load(fields, base + SLOT.checkedAt) === Atomics.load(fields, base + SLOT.failedAt)) return;
    Atomics.store(fields, base + SLOT.fails, 0);
    if (fails >= this.#maxFails) this.beginSlowly(nowMs);
  }

  /** One request less. */
  drop(): void {
    Atomics.sub(this.fields, this.base + SLOT.active, 1);
  }

  /** Its weight grows from now on, if the configuration says so. */
  beginSlowly(nowMs: number): void {
    if (this.#slowStartMs === 0 || this.isAlone) return;
    Atomics.store(this.fields, this.base + SLOT.slowSince, nowMs | 0);
    Atomics.store(this.fields, this.base + SLOT.slow, 1);
  }

  get isUnhealthy(): boolean {
    return Atomics.load(this.fields, this.base + SLOT.unhealthy) !== 0;
  }

  /** What a health check says. One that is well again begins slowly, and its failures are forgotten. */
  setHealth(isHealthy: boolean, nowMs: number): void {
    const before = Atomics.exchange(this.fields, this.base + SLOT.unhealthy, isHealthy ? 0 : 1);
    if (!isHealthy || before === 0) return;
    Atomics.store(this.fields, this.base + SLOT.fails, 0);
    Atomics.store(this.fields, this.base + SLOT.lostWeight, 0);
    this.beginSlowly(nowMs);
  }

  /** How much of its weight it has while it starts slowly: more than 0, at most 1. */
  slowFactor(nowMs: number): number {
    if (this.#slowStartMs === 0 || Atomics.load(this.fields, this.base + SLOT.slow) === 0) return 1;
    const elapsed = elapsedMs(nowMs, Atomics.load(this.fields, this.base + SLOT.slowSince));
    if (elapsed < this.#slowStartMs) return Math.max(elapsed / this.#slowStartMs, SLOW_FACTOR_MIN);
    Atomics.store(this.fields, this.base + SLOT.slow, 0);
    return 1;
  }

  /** The response's head came after so long. */
  headerCame(headerMs: number, nowMs: number): void {
    if (this.#timing?.until !== "header") return;
    this.#endWaiting(headerMs, nowMs);
    this.#measure(headerMs, nowMs);
  }

  /** The request is over; what it took counts unless its head has counted. */
  ended({ outcome, headerMs, totalMs }: PeerResult, nowMs: number): void {
    if (this.#timing === undefined || (this.#timing.until === "header" && headerMs !== undefined)) return;
    this.#endWaiting(totalMs, nowMs);
    // Who fails at once is not quick.
    const counts = this.#timing.until === "last_byte" && outcome !== "failed";
    if (counts && totalMs !== undefined) this.#measure(totalMs, nowMs);
  }

  #measure(timeMs: number, nowMs: number): void {
    const { fields, base } = this;
    const timeUs = Math.min(Math.max(Math.round(timeMs * 1_000), 1), AVERAGE_US_MAX);
    const before = Atomics.load(fields, base + SLOT.averageUs);
    Atomics.store(fields, base + SLOT.measuredAt, nowMs | 0);
    // Two threads at once may lose one of two times, which an average can bear.
    Atomics.store(fields, base + SLOT.averageUs, before === 0 ? timeUs : before + (timeUs - before) * AVERAGE_SHARE);
  }

  /** @param timeMs undefined if nobody knows: then as long as the others on average */
  #endWaiting(timeMs: number | undefined, nowMs: number): void {
    if (this.#timing?.inflight !== true) return;
    const { fields, base } = this;
    const ageMs = timeMs ?? this.#waitingMs(nowMs);
    if (Atomics.load(fields, base + SLOT.waiting) <= 0) return;
    const waiting = Atomics.sub(fields, base + SLOT.waiting, 1) - 1;
    // Rounding errors do not outlive a moment of rest.
    if (waiting <= 0) Atomics.store(fields, base + SLOT.waitingSince, 0);
    else Atomics.sub(fields, base + SLOT.waitingSince, (nowMs - ageMs) | 0);
  }

  /** How long those that still run do, on average. */
  #waitingMs(nowMs: number): number {
    const waiting = Atomics.load(this.fields, this.base + SLOT.waiting);
    if (waiting <= 0) return 0;
    const since = Atomics.load(this.fields, this.base + SLOT.waitingSince);
    // The sum of n times modulo 2³² from n × now modulo 2³² is the sum of the ages.
    return Math.max((Math.imul(waiting, nowMs | 0) - since) | 0, 0) / waiting;
  }

  /** Average time of its responses in milliseconds, those that still run included if the configuration says so. */
  averageMs(nowMs: number): number {
    const averageMs = Atomics.load(this.fields, this.base + SLOT.averageUs) / 1_000;
    return this.#timing?.inflight === true ? Math.max(averageMs, this.#waitingMs(nowMs)) : averageMs;
  }

  /**
   * Was it idle for so long that what is known of its times says little? Then one request is to find out.
   * @returns whether it is this request, of all threads
   */
  beginProbe(nowMs: number): boolean {
    const { fields, base } = this;
    if (this.active > 0 || Atomics.load(fields, base + SLOT.averageUs) === 0) return false;
    const measuredAt = Atomics.load(fields, base + SLOT.measuredAt);
    if (elapsedMs(nowMs, measuredAt) <= this.#failTimeoutMs + this.averageMs(nowMs)) return false;
    return Atomics.compareExchange(fields, base + SLOT.measuredAt, measuredAt, nowMs | 0) === measuredAt;
  }

  state(nowMs: number): PeerState {
    const { fields, base, name, server, slot, active } = this;
    return {
      name, server, slot, active,
      state: this.#stateWord(nowMs),
      requests: Atomics.load(fields, base + SLOT.requests),
      fails: Atomics.load(fields, base + SLOT.failures),
      averageMs: this.averageMs(nowMs),
    };
  }

  #stateWord(nowMs: number): PeerState["state"] {
    if (this.server.down) return "down";
    if (this.isUnhealthy) return "unhealthy";
    if (this.#isAside(nowMs)) return "unavail";
    return this.server.drain ? "draining" : "up";
  }
}
