/** A connection of HTTP/2 as its streams see it. */
import type { H2Engine, StreamOwner } from "../protocol/h2/index.ts";
import type { SuccessorOwner } from "./connection-owner.ts";
import type { EdgeContext } from "./edge-context.ts";

/** What a stream knows of its connection. */
export interface StreamConnection<Stream extends StreamOwner> {
  readonly context: EdgeContext;
  readonly engine: H2Engine<Stream>;
  /** Whom what a stream has become tells that it is over. */
  readonly successors: SuccessorOwner;
  /** Something was written: it leaves at the end of this turn. */
  touch(): void;
  /** A stream waits for its body, or has got some: it is told when no more has come. */
  feeds(stream: Stream): void;
  /** The stream is closed. */
  onStreamClosed(stream: Stream): void;
}
