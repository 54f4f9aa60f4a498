/** Takes a request's body while it is not known yet who wants it: until files were looked for, for example. */
import type { BodyReceiver } from "../handlers/index.ts";
import { copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Bytes that are kept before the client is slowed down. */
const KEPT_SIZE_MAX = 65_536;

export class WaitingBody implements BodyReceiver {
  readonly #client: { pauseBody(): void; resumeBody(): void };
  readonly #kept: Bytes[] = [];
  #size = 0;
  #ended = false;
  #paused = false;

  constructor(client: { pauseBody(): void; resumeBody(): void }) {
    this.#client = client;
  }

  /** Hands over what has come; undefined drops it. */
  give(receiver: BodyReceiver | undefined): void {
    for (const bytes of this.#kept) receiver?.onData(bytes);
    if (this.#ended) receiver?.onEnd();
    else receiver?.onPause();
    if (this.#paused) this.#client.resumeBody();
  }

  onData(bytes: Bytes): void {
    this.#kept.push(copyBytes(bytes));
    this.#size += bytes.length;
    if (this.#size <= KEPT_SIZE_MAX || this.#paused) return;
    this.#paused = true;
    this.#client.pauseBody();
  }

  onEnd(): void {
    this.#ended = true;
  }

  onPause(): void {
    return;
  }

  onAborted(): void {
    return;
  }

  onCredit(): void {
    return;
  }

  onGiven(): void {
    return;
  }
}
