/** A text of the time that changes once a second, and so is made once a second. */
export class SecondText {
  readonly #format: (ms: number) => string;
  #second = -1;
  #text = "";

  /** @param format of milliseconds since the epoch; looks at nothing below a second */
  constructor(format: (ms: number) => string) {
    this.#format = format;
  }

  /** @param ms since the epoch */
  at(ms: number): string {
    const second = Math.floor(ms / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = this.#format(ms);
    }
    return this.#text;
  }
}
