/** Tells when a peer takes nothing of what is queued for it. The queue's size says nothing: it is filled up again. */
import type { ByteStream } from "./byte-stream.ts";

export class SendStall {
  #finishedBefore = 0;
  #unfinishedBefore = 0;
  #sinceMs = 0;

  /** Has the peer taken nothing since `timeoutMs`? To be asked regularly while something is queued. */
  isStalled(stream: Pick<ByteStream, "finishedSize" | "unfinishedSize">, nowMs: number, timeoutMs: number): boolean {
    const { finishedSize, unfinishedSize } = stream;
    if (finishedSize === this.#finishedBefore && unfinishedSize === this.#unfinishedBefore) {
      return nowMs - this.#sinceMs > timeoutMs;
    }
    this.#finishedBefore = finishedSize;
    this.#unfinishedBefore = unfinishedSize;
    this.#sinceMs = nowMs;
    return false;
  }
}
