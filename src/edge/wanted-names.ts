/**
 * Names that nobody has written down, and that clients ask for in servers with acme_on_demand. The first handshake for
 * one waits until its certificate is there; a name that gets none is remembered for as long as the process that gets
 * certificates has said.
 */

/** Names that are asked for, or refused, at once; more are refused unasked until some are forgotten. */
const NAMES_MAX = 1000;
/** Handshakes that wait at once; more are refused. */
const WAITING_MAX = 1000;
/** A name is asked for again after so long, if nothing was heard of it. */
const ASKED_MS = 60_000;

export interface WantedName {
  /** By id: `acme_on_demand` of the server. */
  readonly onDemand: string;
  /** In lower case. */
  readonly name: string;
}

export interface WaitingHandshake {
  /** Something is known now: it goes on, or waits again. */
  again(): void;
}

export class WantedNames {
  readonly #ask: (wanted: WantedName) => void;
  readonly #asked = new Map<string, number>();
  readonly #refused = new Map<string, number>();
  readonly #waiting = new Set<WaitingHandshake>();

  /** @param ask is told of each name once */
  constructor(ask: (wanted: WantedName) => void) {
    this.#ask = ask;
  }

  /**
   * A handshake for such a name has come.
   * @param nowMs monotonic milliseconds
   * @returns whether it is worth waiting: it is called `again` then, unless it leaves
   */
  wait(wanted: WantedName, handshake: WaitingHandshake, nowMs: number): boolean {
    const { name } = wanted;
    if ((this.#refused.get(name) ?? 0) > nowMs || this.#waiting.size >= WAITING_MAX) return false;
    this.#refused.delete(name);
    if ((this.#asked.get(name) ?? 0) <= nowMs) {
      if (!makeRoom(this.#asked, nowMs)) return false;
      this.#asked.set(name, nowMs + ASKED_MS);
      this.#ask(wanted);
    }
    this.#waiting.add(handshake);
    return true;
  }

  leave(handshake: WaitingHandshake): void {
    this.#waiting.delete(handshake);
  }

  /** A name gets no certificate until then. @param nowMs monotonic milliseconds */
  refuse(name: string, forMs: number, nowMs: number): void {
    this.#asked.delete(name);
    if (makeRoom(this.#refused, nowMs)) this.#refused.set(name, nowMs + forMs);
    this.again();
  }

  /** There are other certificates, or other refusals. */
  again(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const handshake of waiting) handshake.again();
  }
}

/** Forgets what is over. @returns whether there is room for one more */
function makeRoom(names: Map<string, number>, nowMs: number): boolean {
  if (names.size < NAMES_MAX) return true;
  for (const [name, untilMs] of names) if (untilMs <= nowMs) names.delete(name);
  return names.size < NAMES_MAX;
}
