/** Whom connections of clients tell what becomes of them. */
import type { ByteStream } from "../net/index.ts";
import type { Bytes } from "../std/bytes.ts";

/** What leads to the client of a tunnel: a connection, or one stream of HTTP/2. */
export type ClientStream = Pick<
  ByteStream,
  | "start" | "pause" | "resume" | "writeLatin1" | "writeBytes" | "end" | "close" | "destroy"
  | "queuedSize" | "finishedSize" | "unfinishedSize"
>;

/** What a connection has become after 101: it has the stream from then on. */
export interface Successor {
  /** @param rest what the client sent behind its request */
  start(stream: ClientStream, rest: Bytes, owner: SuccessorOwner): void;
  /** The server ends. */
  drain(idleMs: number): void;
}

export interface SuccessorOwner {
  onConnectionClosed(connection: Successor): void;
  readonly draining: boolean;
}
