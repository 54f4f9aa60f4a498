/**
 * The bases that a worker knows on one connection: those of the hello, one for each listener, then one for each kind of
 * TLS connection to a listener, told when the first request of it comes (docs/wire.md).
 */
import { BASES_MAX } from "../protocol/wire/index.ts";
import type { TlsFacts } from "../http/tls-facts.ts";

export interface WorkerBase {
  /** On the wire. A number may be given to another base later. */
  readonly number: number;
  readonly listener: number;
  readonly tls: TlsFacts;
}

export class WorkerBases {
  readonly #first: number;
  readonly #tell: (base: WorkerBase) => void;
  /** By the facts, then by the listener. */
  readonly #known = new Map<TlsFacts, (WorkerBase | undefined)[]>();
  /** By the number, from `#first` on. */
  readonly #given: (WorkerBase | undefined)[] = [];
  #next = 0;

  /** @param listeners how many bases the hello has @param tell writes a base before it is used */
  constructor(listeners: number, tell: (base: WorkerBase) => void) {
    this.#first = listeners;
    this.#tell = tell;
  }

  /** @returns the base of such connections, which the worker knows now */
  of(listener: number, tls: TlsFacts): WorkerBase {
    const known = this.#known.get(tls)?.[listener];
    if (known !== undefined) return known;
    const index = this.#next;
    this.#next = (index + 1) % BASES_MAX;
    this.#forget(this.#given[index]);
    const base = { number: this.#first + index, listener, tls };
    this.#given[index] = base;
    const byListener = this.#known.get(tls) ?? [];
    byListener[listener] = base;
    this.#known.set(tls, byListener);
    this.#tell(base);
    return base;
  }

  #forget(base: WorkerBase | undefined): void {
    if (base === undefined) return;
    const byListener = this.#known.get(base.tls);
    if (byListener === undefined) return;
    byListener[base.listener] = undefined;
    if (byListener.every((other) => other === undefined)) this.#known.delete(base.tls);
  }
}
