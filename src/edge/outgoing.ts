/**
 * How a response leaves: whole, as a file, or as it comes; through the filters of its location, where it has any.
 */
import type { Refusal } from "../filters/index.ts";
import type { FileAnswer } from "../handlers/index.ts";
import { type FieldLine, NO_LINES, type ResponseHead } from "../http/response-head.ts";
import { mayHaveBody } from "../http/status.ts";
import { FileBody, OpenFile, RateLimit, identityOf, openDescriptor, closeDescriptor } from "../net/index.ts";
import type { BodySink } from "../net/index.ts";
import type { ReadyText } from "../protocol/h1/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import { ChunkSink } from "./body-sinks.ts";
import type { Successor } from "./connection-owner.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { EdgeContext } from "./edge-context.ts";
import { FilteredChannel } from "./filtered-channel.ts";
import type { ResponseChannel } from "./response-channel.ts";
import { ResponseFlow } from "./response-flow.ts";

/** A file that an application names. */
export interface AppFile {
  readonly path: string;
  readonly offset: number;
  /** Bytes, −1 for all from `offset`. */
  readonly count: number;
  /** To be called once the file is open, or cannot be: the application may delete it then. */
  readonly opened: () => void;
}

/** How much of a streamed response may be on its way. */
export interface FlowLimits {
  /** Bytes that may wait for a slow client in a file. */
  readonly storedMax: number;
  /** So many bytes more may be sent. */
  readonly grant: (size: number) => void;
}

export class Outgoing {
  readonly #context: EdgeContext;
  readonly #exchange: CurrentRequest;
  /** The client's, then the filters in front of it. */
  channel: ResponseChannel;
  #flow: ResponseFlow | undefined = undefined;
  #fileBody: FileBody | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  #filtered: FilteredChannel | undefined = undefined;

  constructor(context: EdgeContext, channel: ResponseChannel, exchange: CurrentRequest) {
    this.#context = context;
    this.channel = channel;
    this.#exchange = exchange;
  }

  /** The whole response: its body is `bytes[start, end)`, not needed afterwards. */
  whole(head: ResponseHead, bytes: Bytes, start: number, end: number): void {
    const leaving = this.#begin(head);
    const limit = this.#limit(leaving);
    if (limit !== undefined && end - start > limit.allowance(0, performance.now())) {
      this.channel.sendStart(this.#exchange, leaving, end - start, NO_BYTES, 0, 0);
      this.#flow = this.#newFlow(limit, 0, () => undefined);
      this.#flow.write(bytes, start, end);
      return this.#flow.end(NO_LINES);
    }
    this.channel.sendWhole(this.#exchange, leaving, bytes, start, end);
    this.#finish();
  }

  /** The whole response, whose body never changes. @param text room for head and body as one */
  ready(head: ResponseHead, body: Bytes, text: ReadyText | undefined): void {
    const leaving = this.#begin(head);
    this.channel.sendReady(this.#exchange, leaving, body, leaving === head ? text : undefined);
    this.#finish();
  }

  file({ head, size, parts, file, rate, sendfile }: FileAnswer): void {
    const leaving = this.#begin(head);
    this.channel.sendStart(this.#exchange, leaving, size, NO_BYTES, 0, 0);
    const sink = this.channel.bodySink(this.#exchange);
    if (sink === undefined) {
      file?.release();
      return this.end(NO_LINES);
    }
    this.#sink = sink;
    this.#fileBody = new FileBody(sink, {
      file, parts,
      buffers: this.#context.buffers,
      sendfile: sendfile ? this.#context.sendfile : undefined,
      limit: rate === undefined ? undefined : new RateLimit(rate, performance.now()),
      onDone: (outcome) => {
        if (outcome.kind === "complete") return this.end(NO_LINES);
        const why = outcome.kind === "failed" ? String(outcome.error) : "it was changed meanwhile";
        this.#exchange.notice("error", `a file could not be sent whole: ${why}`);
        this.cut();
      },
    });
    this.#fileBody.start();
  }

  appFile(head: ResponseHead, { path, offset, count, opened }: AppFile): void {
    openDescriptor(path).then(
      ({ fd, stats }) => {
        opened();
        if (this.#exchange.abandoned) return closeDescriptor(fd);
        if (!stats.isFile()) {
          closeDescriptor(fd);
          return this.#refuseFile(path, "it is not a regular file");
        }
        const available = Math.max(0, stats.size - offset);
        const size = count < 0 ? available : Math.min(count, available);
        const file = new OpenFile(fd, identityOf(stats));
        const parts = [{ kind: "file" as const, start: offset, end: offset + size }];
        this.file({ kind: "file", head, size, parts, file, rate: this.#exchange.rate, sendfile: true });
      },
      (error: unknown) => {
        opened();
        this.#refuseFile(path, String(error));
      },
    );
  }

  #refuseFile(path: string, why: string): void {
    this.#exchange.notice("error", `the application's file ${path} cannot be sent: ${why}`);
    this.#exchange.respondStatus(500);
  }

  /** Another protocol begins. @param fields its own */
  switchProtocols(head: ResponseHead, fields: readonly FieldLine[], successor: Successor): void {
    const leaving = this.#begin(head);
    this.channel.switchProtocols(leaving, fields, successor);
  }

  /** A response begins whose body follows. */
  start(head: ResponseHead, bytes: Bytes, start: number, end: number, { storedMax, grant }: FlowLimits): void {
    const exchange = this.#exchange;
    const leaving = this.#begin(head);
    const limit = this.#limit(leaving);
    const first = limit === undefined ? end : start;
    this.channel.sendStart(exchange, leaving, -1, bytes, start, first);
    this.#flow = this.#newFlow(limit, storedMax, grant);
    this.#flow.taken(first - start);
    this.#flow.write(bytes, first, end);
  }

  /** limit_rate, where it holds: nginx's is for bodies, and not for requests within others. */
  #limit({ status }: ResponseHead): RateLimit | undefined {
    const { rate, isMain, head } = this.#exchange;
    if (rate === undefined || !isMain || !mayHaveBody(head.method, status)) return undefined;
    return new RateLimit(rate, performance.now());
  }

  #newFlow(limit: RateLimit | undefined, storedMax: number, grant: FlowLimits["grant"]): ResponseFlow {
    return new ResponseFlow(this.#exchange, this.channel, {
      spoolPath: storedMax > 0 ? this.#context.responsePath : undefined,
      storedMax,
      limit,
      grant,
      end: (trailers) => this.end(trailers),
      notice: (text) => this.#exchange.notice("error", text),
    });
  }

  chunk(bytes: Bytes, start: number, end: number): void {
    this.#flow?.write(bytes, start, end);
  }

  /** The body is complete, once the flow has passed it on. */
  endFlow(trailers: readonly FieldLine[]): void {
    this.#flow?.end(trailers);
  }

  /** The body is complete. */
  end(trailers: readonly FieldLine[]): void {
    if (this.#exchange.abandoned) return;
    this.#exchange.sentTrailers = trailers;
    this.channel.sendEnd(this.#exchange, trailers);
    this.#finish();
  }

  drained(): void {
    if (this.#sink instanceof ChunkSink) this.#sink.drained();
    this.#flow?.drained();
  }

  #finish(): void {
    if (this.#filtered === undefined) this.#exchange.finish();
    else this.#filtered.whenSent(() => this.#exchange.finish());
  }

  finished(): void {
    this.channel.finished(this.#exchange);
  }

  /** The response cannot be completed. */
  cut(): void {
    this.close();
    this.channel.cut(this.#exchange);
  }

  /** The client is gone. */
  close(): void {
    this.#flow?.close();
    this.#fileBody?.close();
    this.#filtered?.close();
  }

  /** Do the location's filters want another answer than this one, which has not begun? */
  refusal(head: ResponseHead): Refusal | undefined {
    const { location, isMain, errorStatus = head.status } = this.#exchange;
    // What an error is shown with is no response of its own.
    if (location.filters === undefined || errorStatus !== head.status) return undefined;
    const { evaluation } = this.#exchange;
    return location.filters.refusal({ head, evaluation, isMain, hasBody: false, mayTransform: true });
  }

  #begin(head: ResponseHead): ResponseHead {
    const exchange = this.#exchange;
    const leaving = exchange.started(head);
    const { filters } = exchange.location;
    if (filters === undefined) return leaving;
    this.#filtered = new FilteredChannel(this.channel, filters, {
      evaluation: exchange.evaluation,
      isMain: exchange.isMain,
      subrequest: (uri) => exchange.subrequest(uri),
      changed: (filtered) => {
        exchange.status = filtered.status;
        exchange.responseHead = filtered;
      },
      trailing: (lines) => (exchange.sentTrailers = lines),
    });
    this.channel = this.#filtered;
    return leaving;
  }
}
