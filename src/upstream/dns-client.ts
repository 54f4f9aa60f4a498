/**
 * Questions to several name servers, nginx's way: one after another they are asked first. Who fails is passed over at
 * once; who is silent gets company after a while, and what comes first counts.
 */
import type { DnsAnswer, DnsQuestion } from "../protocol/dns/index.ts";
import { DnsExchange, type DnsServer } from "./dns-exchange.ts";

/** A datagram may get lost: another one is sent then, after a longer and longer while. */
const PAUSE_MS_MAX = 2000, TRIES_MAX = 4;
/** RFC 1035 §4.1.1: no error; the name does not exist, which is an answer, too. */
const NO_ERROR = 0, NO_NAME = 3;

export const NOT_FOUND = "3: Host not found";
export const TIMED_OUT = "110: Operation timed out";

/** nginx's words for the codes of RFC 1035 §4.1.1. */
const reasons: Readonly<Record<number, string>> = {
  1: "1: Format error", 2: "2: Server failure", 4: "4: Unimplemented", 5: "5: Operation refused",
};

/** Why nobody has answered: nginx's words. */
export class DnsProblem extends Error {}

export class DnsClient {
  readonly #asking = new Set<Asking>();
  #turn = 0;
  #closed = false;

  /** Who is asked first: pass it on to what belongs together. */
  turn(): number {
    return this.#turn++;
  }

  /**
   * Asks several questions at once, of which each needs an answer.
   * @param questions with names that are some @param turn of `turn()` @param untilMs monotonic milliseconds
   * @returns answers of code 0 or 3; rejects with a `DnsProblem`, and then asks nothing of it any more
   */
  async ask(
    servers: readonly DnsServer[], questions: readonly DnsQuestion[], turn: number, untilMs: number,
  ): Promise<readonly DnsAnswer[]> {
    if (this.#closed) throw new DnsProblem(TIMED_OUT);
    const all = questions.map((question) => new Asking(servers, question, turn, untilMs));
    for (const asking of all) this.#asking.add(asking);
    try {
      return await Promise.all(all.map(({ answer }) => answer));
    } finally {
      for (const asking of all) {
        asking.end(TIMED_OUT);
        this.#asking.delete(asking);
      }
    }
  }

  /** Those who asked hear of a timeout. */
  close(): void {
    this.#closed = true;
    for (const asking of this.#asking) asking.end(TIMED_OUT);
  }
}

class Asking {
  readonly #servers: readonly DnsServer[];
  readonly #question: DnsQuestion;
  readonly #turn: number;
  readonly #untilMs: number;
  readonly #outcome = Promise.withResolvers<DnsAnswer>();
  readonly #open = new Set<DnsExchange>();
  #pauseMs: number;
  #sent = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  constructor(servers: readonly DnsServer[], question: DnsQuestion, turn: number, untilMs: number) {
    this.#servers = servers;
    this.#question = question;
    this.#turn = turn;
    this.#untilMs = untilMs;
    this.#pauseMs = Math.min(PAUSE_MS_MAX, this.#leftMs / 2);
    this.#send();
    this.#wait();
  }

  get answer(): Promise<DnsAnswer> {
    return this.#outcome.promise;
  }

  /** Only the first one counts. @param outcome a text says why there is no answer */
  end(outcome: DnsAnswer | string): void {
    clearTimeout(this.#timer);
    for (const exchange of this.#open) exchange.close();
    this.#open.clear();
    if (typeof outcome === "string") this.#outcome.reject(new DnsProblem(outcome));
    else this.#outcome.resolve(outcome);
  }

  get #leftMs(): number {
    return this.#untilMs - performance.now();
  }

  /** The time is over, or it is time for another datagram. */
  #wait(): void {
    const pauseMs = this.#sent < TRIES_MAX ? Math.min(this.#pauseMs, this.#leftMs) : this.#leftMs;
    this.#timer = setTimeout(() => {
      if (this.#leftMs <= 0) return this.end(TIMED_OUT);
      this.#pauseMs *= 2;
      if (this.#sent < TRIES_MAX) this.#send();
      this.#wait();
    }, Math.max(pauseMs, 1));
  }

  #send(): void {
    const server = this.#servers[(this.#turn + this.#sent++) % this.#servers.length];
    if (server === undefined) return;
    const exchange: DnsExchange = new DnsExchange(server, this.#question, {
      onAnswer: (answer) => {
        this.#open.delete(exchange);
        if (answer.code === NO_ERROR || answer.code === NO_NAME) this.end(answer);
        else this.#failed(reasons[answer.code] ?? `${answer.code}: Unknown error`);
      },
      onFailure: (reason) => {
        this.#open.delete(exchange);
        this.#failed(reason);
      },
    });
    this.#open.add(exchange);
  }

  #failed(reason: string): void {
    if (this.#sent < this.#servers.length) this.#send();
    else if (this.#open.size === 0) this.end(reason);
  }
}
