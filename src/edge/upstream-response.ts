/**
 * An upstream's response on its way to the client: whole where it came at once, else as it comes, at the pace of the
 * client and of proxy_limit_rate, with a copy for proxy_store.
 */
import { filterTrailers } from "../filters/index.ts";
import type { PassedHead } from "../handlers/index.ts";
import type { FieldLine, ResponseHead } from "../http/response-head.ts";
import type { ReceivedHead } from "../protocol/h1/index.ts";
import { NO_BYTES } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";
import type { CompiledUpstream } from "./compiled-upstream.ts";
import type { CurrentRequest } from "./current-request.ts";
import type { Outgoing } from "./outgoing.ts";
import { type PacedResponse, ReadPace } from "./read-pace.ts";
import { StoredCopy } from "./stored-copy.ts";

/** Bytes of a response that may be on their way before its upstream is slowed down. */
const WINDOW = 262_144;

/** RFC 9110 §7.6.1: an intermediary removes these. */
const connectionFields: ReadonlySet<string> = new Set([
  "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "content-length",
]);

/** What of the fields of an informational response reaches the client. */
export function passedFields(lines: readonly FieldLine[]): readonly FieldLine[] {
  return lines.filter(([name]) => !connectionFields.has(name.toLowerCase()));
}

/** Who reads the upstream. */
export interface ResponseSource {
  /** Reads on, or not. */
  flow(reads: boolean): void;
}

export class UpstreamResponse implements PacedResponse {
  readonly #exchange: CurrentRequest;
  readonly #out: Outgoing;
  readonly #way: CompiledUpstream;
  readonly #passed: PassedHead;
  readonly #head: ResponseHead;
  readonly #source: ResponseSource;
  readonly #store: StoredCopy | undefined;
  /** Has the head gone to the client? */
  hasBegun = false;
  /** Bytes that the client's side, or the copy, has not taken yet. */
  #owed = 0;
  #pace: ReadPace | undefined = undefined;

  /** @param received where a copy may be kept @param head what of it leaves */
  constructor(
    exchange: CurrentRequest, out: Outgoing, way: CompiledUpstream, received: ReceivedHead | undefined,
    passed: PassedHead, head: ResponseHead, source: ResponseSource,
  ) {
    this.#exchange = exchange;
    this.#out = out;
    this.#way = way;
    this.#passed = passed;
    this.#head = head;
    this.#source = source;
    const isStored = way.stores && received?.status === 200 && exchange.head.method === "GET";
    this.#store = isStored ? this.#storedCopy(received) : undefined;
  }

  /** A part of the body: a view. @param isAll it is all of it, and the response has ended */
  data(bytes: Bytes, isAll: boolean): void {
    if (this.#store !== undefined) this.#keep(this.#store, bytes, isAll);
    const pace = this.hasBegun ? this.#pace : this.#newPace();
    if (isAll && pace === undefined && !this.hasBegun) return this.#out.whole(this.#head, bytes, 0, bytes.length);
    this.#owed += bytes.length;
    if (!this.hasBegun) this.#begin(pace === undefined ? bytes : NO_BYTES);
    else if (pace === undefined) this.#out.chunk(bytes, 0, bytes.length);
    pace?.take(bytes);
    if (isAll) this.#endBody([]);
    this.#settle();
  }

  /** Nothing more has come so far: what will come late must not hold the head back. */
  pause(): void {
    if (this.hasBegun) return;
    // A body of known size is on its way; a stream of events may be silent for long.
    if (this.#head.contentLength > 0 && this.#passed.mayWait(this.#way.protocol.settings)) return;
    this.#newPace();
    this.#begin(NO_BYTES);
  }

  /** The upstream has said all. */
  end(trailers: readonly FieldLine[]): void {
    void this.#store?.complete();
    const te = trailers.length === 0 ? undefined : this.#exchange.head.fields.get("te");
    const filtered = filterTrailers(trailers, te);
    if (!this.hasBegun) {
      if (filtered.length === 0) return this.#out.whole(this.#head, NO_BYTES, 0, 0);
      this.#begin(NO_BYTES);
    }
    this.#endBody(filtered);
  }

  /** Nothing more will come, or nobody wants it. */
  drop(): void {
    this.#pace?.close();
    this.#store?.drop();
  }

  onPaced(bytes: Bytes): void {
    this.#out.chunk(bytes, 0, bytes.length);
    this.#settle();
  }

  onPacedEnd(trailers: readonly FieldLine[]): void {
    this.#out.endFlow(trailers);
  }

  #begin(bytes: Bytes): void {
    this.hasBegun = true;
    const { settings } = this.#way.protocol;
    this.#out.start(this.#head, bytes, 0, bytes.length, {
      storedMax: this.#passed.mayWait(settings) ? settings.maxTempFileSize : 0,
      grant: (size) => {
        this.#owed -= size;
        this.#settle();
      },
    });
  }

  #endBody(trailers: readonly FieldLine[]): void {
    if (this.#pace === undefined) this.#out.endFlow(trailers);
    else this.#pace.end(trailers);
  }

  #newPace(): ReadPace | undefined {
    const rate = this.#way.limitRate(this.#exchange);
    return rate > 0 ? (this.#pace = new ReadPace(rate, this)) : undefined;
  }

  #storedCopy({ lines }: ReceivedHead): StoredCopy {
    const path = this.#way.storePath(this.#exchange.evaluation);
    const { storeAccess } = this.#way.protocol.settings;
    const notice = (text: string): void => this.#exchange.notice("error", text);
    return new StoredCopy({ path, access: storeAccess, lines, notice });
  }

  #keep(store: StoredCopy, bytes: Bytes, isAll: boolean): void {
    this.#owed += bytes.length;
    store.write(bytes, () => {
      this.#owed -= bytes.length;
      this.#settle();
    });
    if (isAll) void store.complete();
  }

  /** Reads on, or not, as the client and proxy_limit_rate let it. */
  #settle(): void {
    this.#source.flow(this.#owed <= WINDOW && this.#pace?.isDue !== false);
  }
}
