/**
 * How much of what costs us and carries nothing a peer may send: token buckets, filled by time. Whoever empties one is
 * told to calm down (ENHANCE_YOUR_CALM) and loses the connection.
 *
 * Legitimate peers are far from them: a page that is left resets all its streams at once, gRPC pings every few seconds,
 * a client that reads slowly updates a window for each frame that it got.
 */

/** What a frame is charged to. */
export type Budget =
  | "reset" | "settings" | "ping" | "emptyData" | "smallData" | "windowUpdate" | "other" | "tooLarge";

interface Bucket {
  readonly burst: number;
  readonly perSecond: number;
}

/** Each bucket: how much at once, and how much a second. */
const buckets: Readonly<Record<Budget, Bucket>> = {
  /**
   * Streams that the peer resets, or makes us reset: Rapid Reset (CVE-2023-44487), MadeYouReset (CVE-2025-8671).
   * nghttp2: 1000 and 33 a second; h2 crate: 1024 in all. Twice the streams of nginx's default are left at once.
   */
  reset: { burst: 256, perSecond: 33 },
  /** CVE-2019-9515. nghttp2: 32 settings in a frame. */
  settings: { burst: 64, perSecond: 2 },
  /** CVE-2019-9512. */
  ping: { burst: 128, perSecond: 16 },
  /** DATA that carries nothing, CVE-2019-9518. */
  emptyData: { burst: 64, perSecond: 8 },
  /** DATA of a few bytes: whoever gathers a body may hold many times as much for each. */
  smallData: { burst: 16_384, perSecond: 4096 },
  /** WINDOW_UPDATE, beyond what the DATA that we send gives a reason for. */
  windowUpdate: { burst: 2048, perSecond: 64 },
  /** PRIORITY, PRIORITY_UPDATE and what nobody knows (RFC 9113 §5.5). CVE-2019-9513. */
  other: { burst: 1024, perSecond: 128 },
  /** Requests that were too large to be read: each has cost us the reading. */
  tooLarge: { burst: 16, perSecond: 1 },
};

/** WINDOW_UPDATEs that a DATA frame of ours gives a reason for (Envoy: 10). */
const UPDATES_PER_DATA = 10;

interface Spent {
  /** Charges that time has not taken back, when it was last looked at. */
  spent: number;
  atMs: number;
}

export class Budgets {
  /** Made when something is charged: most connections never are. */
  #spent: Map<Budget, Spent> | undefined = undefined;

  /** Charges one to a bucket. @returns false when it is empty */
  charge(budget: Budget, nowMs: number): boolean {
    const { burst, perSecond } = buckets[budget];
    this.#spent ??= new Map();
    let state = this.#spent.get(budget);
    if (state === undefined) this.#spent.set(budget, (state = { spent: 0, atMs: nowMs }));
    const passed = Math.max(0, nowMs - state.atMs);
    state.spent = Math.max(0, state.spent - (passed * perSecond) / 1000) + 1;
    state.atMs = nowMs;
    return state.spent <= burst;
  }

  /** A DATA frame leaves: the peer may answer it. */
  sentData(): void {
    const state = this.#spent?.get("windowUpdate");
    if (state !== undefined) state.spent = Math.max(0, state.spent - UPDATES_PER_DATA);
  }
}

/** How often at once. For tests at the bound. */
export function burstOf(budget: Budget): number {
  return buckets[budget].burst;
}
