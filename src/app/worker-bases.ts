/**
 * The bases that a worker knows on one connection: those of the hello, one for each listener, then one for each kind of
 * connection that has more to say, TLS or HTTP/2, told when the first request of it comes (docs/wire.md).
 */
import { BASES_MAX } from "../protocol/wire/index.ts";
import type { TlsFacts } from "../http/tls-facts.ts";

export interface WorkerBase {
  /** On the wire. A number may be given to another base later. */
  readonly number: number;
  readonly listener: number;
  readonly tls: TlsFacts | undefined;
  readonly isHttp2: boolean;
}

export class WorkerBases {
  readonly #first: number;
  readonly #tell: (base: WorkerBase) => void;
  /** By the facts, then by the listener and the protocol. */
  readonly #known = new Map<TlsFacts | undefined, (WorkerBase | undefined)[]>();
  /** By the number, from `#first` on. */
  readonly #given: (WorkerBase | undefined)[] = [];
  #next = 0;

  /** @param listeners how many bases the hello has @param tell writes a base before it is used */
  constructor(listeners: number, tell: (base: WorkerBase) => void) {
    this.#first = listeners;
    this.#tell = tell;
  }

  /** @returns the base of such connections, which the worker knows now: the listener's own, or one with more */
  of(listener: number, tls: TlsFacts | undefined, isHttp2: boolean): number | WorkerBase {
    if (tls === undefined && !isHttp2) return listener;
    const known = this.#known.get(tls)?.[placeOf(listener, isHttp2)];
    if (known !== undefined) return known;
    const index = this.#next;
    this.#next = (index + 1) % BASES_MAX;
    this.#forget(this.#given[index]);
    const base = { number: this.#first + index, listener, tls, isHttp2 };
    this.#given[index] = base;
    const sameFacts = this.#known.get(tls) ?? [];
    sameFacts[placeOf(listener, isHttp2)] = base;
    this.#known.set(tls, sameFacts);
    this.#tell(base);
    return base;
  }

  #forget(base: WorkerBase | undefined): void {
    if (base === undefined) return;
    const sameFacts = this.#known.get(base.tls);
    if (sameFacts === undefined) return;
    sameFacts[placeOf(base.listener, base.isHttp2)] = undefined;
    if (sameFacts.every((other) => other === undefined)) this.#known.delete(base.tls);
  }
}

function placeOf(listener: number, isHttp2: boolean): number {
  return listener * 2 + (isHttp2 ? 1 : 0);
}
