/**
 * How much each worker has to do, over all edge threads: one slot of shared memory for each worker.
 * What nginx keeps in a `zone` of shared memory; here a SharedArrayBuffer, so that no thread has to ask another.
 */

/** Most workers that live at once, the retiring ones included. */
export const WORKERS_MAX = 256;
/** Int32 fields of a slot. */
const OUTSTANDING = 0, SERVICE_US = 1, SLOT_FIELDS = 2;
/** The zone's own fields lie behind the slots. */
const RUNNING_TOTAL = WORKERS_MAX * SLOT_FIELDS;
/** Rises whenever a worker gets free while somebody waits. */
const FREED = RUNNING_TOTAL + 1;
const WAITING = RUNNING_TOTAL + 2;
const FIELDS = RUNNING_TOTAL + 3;

export class LoadZone {
  readonly #fields: Int32Array<SharedArrayBuffer>;

  /** @param memory of `allocate`, shared with the other threads */
  constructor(memory: SharedArrayBuffer) {
    this.#fields = new Int32Array(memory);
  }

  static allocate(): SharedArrayBuffer {
    return new SharedArrayBuffer(FIELDS * 4);
  }

  /** Forgets what a slot's former worker had. */
  clear(slot: number): void {
    Atomics.store(this.#fields, slot * SLOT_FIELDS + OUTSTANDING, 0);
    Atomics.store(this.#fields, slot * SLOT_FIELDS + SERVICE_US, 0);
  }

  /** Requests that the worker was given and has not answered. */
  outstanding(slot: number): number {
    return Atomics.load(this.#fields, slot * SLOT_FIELDS + OUTSTANDING);
  }

  add(slot: number): void {
    Atomics.add(this.#fields, slot * SLOT_FIELDS + OUTSTANDING, 1);
  }

  /** The worker has `count` requests less; threads that wait for a free worker are woken. */
  subtract(slot: number, count: number): void {
    Atomics.sub(this.#fields, slot * SLOT_FIELDS + OUTSTANDING, count);
    if (Atomics.load(this.#fields, WAITING) === 0) return;
    Atomics.add(this.#fields, FREED, 1);
    Atomics.notify(this.#fields, FREED);
  }

  /** Recent time of one request in microseconds, 0 while nobody knows. */
  serviceUs(slot: number): number {
    return Atomics.load(this.#fields, slot * SLOT_FIELDS + SERVICE_US);
  }

  setServiceUs(slot: number, serviceUs: number): void {
    Atomics.store(this.#fields, slot * SLOT_FIELDS + SERVICE_US, Math.min(serviceUs, 0x7fffffff));
  }

  /** Requests in progress in all threads: what `limit-concurrency` bounds. */
  get running(): number {
    return Atomics.load(this.#fields, RUNNING_TOTAL);
  }

  enter(): void {
    Atomics.add(this.#fields, RUNNING_TOTAL, 1);
  }

  leave(): void {
    Atomics.sub(this.#fields, RUNNING_TOTAL, 1);
  }

  /** Calls back once, when some worker of another thread's doing gets free. */
  onFreed(call: () => void): void {
    Atomics.add(this.#fields, WAITING, 1);
    const done = (): void => {
      Atomics.sub(this.#fields, WAITING, 1);
      call();
    };
    const wait = Atomics.waitAsync(this.#fields, FREED, Atomics.load(this.#fields, FREED), FREED_WAIT_MS);
    if (wait.async) void wait.value.then(done);
    else done();
  }
}

/** A lost wake-up would otherwise be a lost request. */
const FREED_WAIT_MS = 50;
