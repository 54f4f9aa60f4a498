/** A request's body that is complete before anybody hears of the request: in memory, and then in a file. */
import type { AppBody } from "../app/index.ts";
import type { HttpSettings } from "../config/model.ts";
import { Spool, secondName } from "../net/index.ts";
import { concatBytes, copyBytes } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Bytes of one body that may lie in memory on their way to a file before the client is slowed down. */
const BODY_PENDING_MAX = 262_144;

/** Takes the body's bytes as they come. Views are valid during the call. */
export interface BodyReceiver {
  onData(bytes: Bytes): void;
  /** All that has arrived so far was given. */
  onPause(): void;
  onEnd(): void;
  /** The body will never be complete. */
  onAborted(): void;
  onCredit(size: number): void;
  /** A worker has the request now. */
  onGiven(): void;
}

/** The request whose body it is. */
export interface GatheringExchange {
  body: AppBody;
  /** Nobody waits for an answer. */
  readonly abandoned: boolean;
  /** Sends `100 Continue` if the client waits for it (RFC 9110 §10.1.1). */
  sendContinue(): void;
  pauseBody(): void;
  resumeBody(): void;
  /** Answers with a page of the edge's own. */
  respondStatus(status: number): void;
}

export interface GatheringSettings {
  readonly http: Pick<HttpSettings, "clientBodyBufferSize" | "clientBodyInFileOnly">;
  /** A fresh name in the run directory. */
  readonly spoolPath: () => string;
  /** May somebody else want the body afterwards? */
  readonly keeps: boolean;
  readonly onNotice: (text: string) => void;
}

export class GatheredBody implements BodyReceiver {
  readonly #exchange: GatheringExchange;
  readonly #settings: GatheringSettings;
  readonly #done: () => void;
  /** Bytes that stay in memory; −1 where all go to a file. */
  readonly #memorySize: number;
  #parts: Bytes[] = [];
  #size = 0;
  #spool: Spool | undefined = undefined;
  #pending = 0;
  #failed = false;
  /** It is whole, and its file is nobody's to take away. */
  #stays = false;

  /** @param done called once `exchange.body` is the whole of it */
  constructor(exchange: GatheringExchange, settings: GatheringSettings, done: () => void) {
    this.#exchange = exchange;
    this.#settings = settings;
    this.#done = done;
    const { clientBodyBufferSize, clientBodyInFileOnly } = settings.http;
    this.#memorySize = clientBodyInFileOnly === "off" ? clientBodyBufferSize : -1;
  }

  onData(bytes: Bytes): void {
    if (this.#failed) return;
    const part = copyBytes(bytes);
    this.#size += part.length;
    if (this.#spool !== undefined) return this.#store(this.#spool, part);
    this.#parts.push(part);
    if (this.#size > this.#memorySize) this.#leaveMemory();
  }

  onPause(): void {
    if (this.#size === 0) this.#exchange.sendContinue();
  }

  onEnd(): void {
    if (this.#failed) return;
    if (this.#spool === undefined && this.#size > this.#memorySize) this.#leaveMemory();
    const spool = this.#spool;
    if (spool === undefined) {
      const [first] = this.#parts;
      const bytes = this.#parts.length === 1 && first !== undefined ? first : concatBytes(this.#parts);
      this.#exchange.body = { kind: "whole", bytes };
      return this.#done();
    }
    void spool.settled().then(async () => {
      await spool.close(this.#failed || this.#exchange.abandoned);
      if (this.#failed || this.#exchange.abandoned) return;
      const copy = this.#settings.keeps ? `${spool.path}-again` : undefined;
      const isCopied = copy !== undefined && secondName(spool.path, copy);
      const stays = this.#settings.http.clientBodyInFileOnly === "on";
      this.#stays = stays && !isCopied;
      const file = { kind: "file" as const, path: spool.path, size: spool.size };
      this.#exchange.body = { ...file, copy: isCopied ? copy : undefined, stays };
      this.#done();
    });
  }

  onAborted(): void {
    this.#failed = true;
    void this.#spool?.close(!this.#stays);
  }

  /** Nobody sees a part of it, so nobody asks. */
  onCredit(): void {
    return;
  }

  onGiven(): void {
    return;
  }

  #leaveMemory(): void {
    const gathered = concatBytes(this.#parts);
    this.#parts = [];
    this.#spool = new Spool(this.#settings.spoolPath(), true);
    this.#store(this.#spool, gathered);
  }

  #store(spool: Spool, bytes: Bytes): void {
    this.#pending += bytes.length;
    if (this.#pending > BODY_PENDING_MAX) this.#exchange.pauseBody();
    spool.append(bytes).then(
      () => {
        this.#pending -= bytes.length;
        if (this.#pending <= BODY_PENDING_MAX / 2) this.#exchange.resumeBody();
      },
      (error: unknown) => {
        if (this.#failed) return;
        this.onAborted();
        this.#settings.onNotice(
          `a request body could not be stored in ${spool.path}: ${String(error)}; ` +
            "free space there or lower --client-max-body-size",
        );
        this.#exchange.resumeBody();
        this.#exchange.respondStatus(507);
      },
    );
  }
}
