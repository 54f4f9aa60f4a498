/**
 * A response that is sent again and again, as one text: head, Date and body in a single flat string, which the socket
 * takes without making a buffer of it, and nothing is joined for each request. Made anew when the Date changes, or
 * anything else of the head; the Date is compared first, because it is the same string for a second.
 */
import type { Bytes } from "../../std/bytes.ts";
import { fromLatin1 } from "../../std/bytes.ts";

/** With more, joining costs little beside the copy to the kernel (src/edge/h1-writer.ts has the same bound). */
export const READY_SIZE_MAX = 16_384;

export class ReadyText {
  #lines = "";
  #after = "";
  #text = "";

  /**
   * @param lines status line and fields, each with its CRLF: the same string object each time, to be quick
   * @param after what follows them and ends the head: Date, Connection, the empty line
   */
  of(lines: string, after: string, body: Bytes): string {
    if (after !== this.#after || lines !== this.#lines || this.#text === "") {
      this.#lines = lines;
      this.#after = after;
      // Joined text is a tree in V8; by way of bytes it becomes flat once, not at each write.
      this.#text = fromLatin1(lines + after + body.latin1Slice()).latin1Slice();
    }
    return this.#text;
  }
}
