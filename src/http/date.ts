/** The Date field's text (RFC 9110 §5.6.7, IMF-fixdate), made once a second. */
export class HttpDate {
  #second = -1;
  #text = "";

  /** @param nowMs wall clock, milliseconds since the epoch. @returns e.g. "Sat, 21 Nov 2026 05:31:53 GMT" */
  at(nowMs: number): string {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
