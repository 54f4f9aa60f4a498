/**
 * Where the body of a request goes: it waits until somebody wants it, goes to an application, and is still there for
 * the next one: an error's page or X-Accel-Redirect may lead to a named location, which gets the request as it was.
 */
import type { AppBody } from "../app/index.ts";
import type { BodyReceiver } from "../handlers/index.ts";
import { type FieldLine, NO_LINES } from "../http/response-head.ts";
import { removeFile, secondName } from "../net/index.ts";
import { copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Bytes that are kept before the client is slowed down. */
const KEPT_SIZE_MAX = 65_536;

interface BodyClient {
  pauseBody(): void;
  resumeBody(): void;
}

export class RequestBody {
  readonly #client: BodyClient;
  #receiver: BodyReceiver | undefined = undefined;
  #waiting: WaitingBody | undefined = undefined;
  /** The first application that it was for. */
  #first: { readonly body: AppBody | undefined } | undefined = undefined;
  /** Bytes that have arrived. */
  size = 0;
  /** What came behind them. */
  trailers: readonly FieldLine[] = NO_LINES;

  constructor(client: BodyClient) {
    this.#client = client;
  }

  /** Is it not known yet who wants it? */
  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** Has an application been asked? */
  get isGiven(): boolean {
    return this.#first !== undefined;
  }

  /** As the first application got it; undefined as long as none has. */
  get given(): AppBody | undefined {
    return this.#first?.body;
  }

  /** Keeps what arrives: it is being found out who wants it. */
  wait(): void {
    if (this.#receiver === undefined && this.#first === undefined) this.#waiting ??= new WaitingBody(this.#client);
  }

  /** It is for this application, and what has arrived is handed over. @param start says who takes it */
  give(first: { readonly body: AppBody | undefined }, start: () => BodyReceiver | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#first = first;
    const receiver = start();
    // Another application may have been asked meanwhile, and this one have failed.
    if (this.#first === first) this.#receiver = receiver;
    waiting?.give(receiver);
  }

  /** It is this one: of a request that was made after another. */
  preset(body: AppBody): void {
    this.#first = { body };
  }

  /**
   * The body once more, for another application than the first.
   * @param path a fresh name in the run directory
   * @returns undefined when it is not there any more: it has gone to the first as it came
   */
  again(path: string): AppBody | undefined {
    const { given } = this;
    this.#receiver = undefined;
    if (given?.kind !== "file") return given?.kind === "whole" ? given : undefined;
    if (given.copy === undefined || !secondName(given.copy, path)) return undefined;
    return { kind: "file", path, size: given.size };
  }

  /** Bytes have arrived: a view, valid during the call. */
  data(bytes: Bytes): void {
    this.size += bytes.length;
    (this.#receiver ?? this.#waiting)?.onData(bytes);
  }

  /** All that has arrived so far was given. */
  pause(): void {
    this.#receiver?.onPause();
  }

  /** All has arrived. */
  end(trailers: readonly FieldLine[] = NO_LINES): void {
    this.trailers = trailers;
    (this.#receiver ?? this.#waiting)?.onEnd();
  }

  /** It will never be complete, or nobody wants it any more. */
  abort(): void {
    this.#receiver?.onAborted();
    this.#receiver = this.#waiting = undefined;
    const { given } = this;
    if (given?.kind === "file" && given.copy !== undefined && given.stays !== true) removeFile(given.copy);
    // Nor is a part of it anything for others; a file is whole.
    this.#first = { body: given?.kind === "file" && given.stays === true ? given : undefined };
  }

  /** The request is over. @param isAnswered so no worker will ask for it any more */
  forget(isAnswered: boolean): void {
    const { given } = this;
    if (given?.kind !== "file") return;
    const { path, copy, stays = false } = given;
    if (copy !== undefined && !stays) removeFile(copy);
    // An application that never looked at it has left it there.
    if (isAnswered && (copy !== undefined || !stays)) removeFile(path);
  }
}

class WaitingBody {
  readonly #client: BodyClient;
  readonly #kept: Bytes[] = [];
  #size = 0;
  #ended = false;
  #paused = false;

  constructor(client: BodyClient) {
    this.#client = client;
  }

  /** Hands over what has come; undefined drops it. */
  give(receiver: BodyReceiver | undefined): void {
    // Whoever takes it may slow the client down in its turn.
    if (this.#paused) this.#client.resumeBody();
    for (const bytes of this.#kept) receiver?.onData(bytes);
    if (this.#ended) receiver?.onEnd();
    else receiver?.onPause();
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
}
