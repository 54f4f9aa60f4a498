/**
 * The latest streams that we have reset: what is still on its way for them is nobody's fault (RFC 9113 §5.1, "closed").
 */

/** As many as may be open with nginx's default, twice. */
const KEPT_MAX = 256;

export class ResetMemory {
  readonly #ids: number[] = [];
  #at = 0;

  note(id: number): void {
    this.#ids[this.#at] = id;
    this.#at = (this.#at + 1) % KEPT_MAX;
  }

  has(id: number): boolean {
    return this.#ids.includes(id);
  }
}
