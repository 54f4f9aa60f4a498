/** Whom connections of clients tell what becomes of them. */
import type { ByteStream } from "../net/index.ts";
import type { Bytes } from "../std/bytes.ts";

/** What a connection has become after 101: it has the stream from then on. */
export interface Successor {
  /** @param rest what the client sent behind its request */
  start(stream: ByteStream, rest: Bytes, owner: SuccessorOwner): void;
  /** The server ends. */
  drain(idleMs: number): void;
}

export interface SuccessorOwner {
  onConnectionClosed(connection: Successor): void;
  readonly draining: boolean;
}
