/**
 * One access log: lines gather in memory and leave together, off the request path.
 *
 * Without a buffer of its own the first line after a rest leaves at once, and those that follow it soon leave together;
 * with one (`buffer=`, `gzip`) lines wait until it is full or `flush=` has passed, as in nginx. Compressed, each buffer
 * is a member of its own (RFC 1952 §2.2), so that threads may append to one file, and a crash loses one member.
 */
import { gzip } from "node:zlib";
import { Complaints, type Report } from "./complaints.ts";
import { LogSink, PENDING_SIZE_MAX } from "./log-sink.ts";
import type { AccessLogTarget } from "./settings.ts";

/** Lines that follow others wait at most so long. */
const FLUSH_MS = 200;
/** Text that gathers before it is written at once. */
const BATCH_SIZE_MAX = 32_768;
/** How long a file that could not be opened is left alone. */
const REOPEN_PAUSE_MS = 1000;
/** nginx's. */
const MODE = 0o644;

type Buffering = Pick<AccessLogTarget, "bufferSize" | "flushMs" | "gzip">;

export class AccessLogFile {
  readonly #path: string;
  readonly #complaints: Complaints;
  readonly #sink: LogSink;
  #buffering: Buffering;
  #batch = "";
  #lineCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #flushedMs = Number.NEGATIVE_INFINITY;
  #openedMs = Number.NEGATIVE_INFINITY;
  /** Batches that wait for their turn to be compressed; the first is being compressed. */
  #compressing: { readonly bytes: Buffer; readonly lineCount: number }[] = [];
  #compressed: (() => void) | undefined;

  /** @param path absolute, or "-" for standard output */
  constructor(path: string, buffering: Buffering, report: Report) {
    this.#path = path;
    this.#buffering = buffering;
    this.#complaints = new Complaints(report);
    this.#sink = new LogSink({
      path,
      standard: 1,
      mode: MODE,
      onLost: (_, error) => this.#complaints.tell(`the access log ${path} cannot be written: ${error.message}`),
      onDropped: (count) => Buffer.from(`# ${count} lines were dropped: the log was not taken fast enough\n`),
    });
    this.#open();
  }

  /** Lines that could not be written. */
  get droppedCount(): number {
    return this.#sink.droppedCount;
  }

  /** Another access_log names the file: its buffer counts where there is none yet. */
  join(buffering: Buffering): void {
    if (this.#buffering.bufferSize === 0) this.#buffering = buffering;
  }

  /** Takes a line, bytes as text, without its end. */
  add(line: string): void {
    const { bufferSize, flushMs } = this.#buffering;
    const sizeMax = bufferSize === 0 ? BATCH_SIZE_MAX : bufferSize;
    if (this.#batch.length + line.length >= sizeMax) this.flush();
    this.#batch += line;
    this.#batch += "\n";
    this.#lineCount++;
    if (this.#batch.length >= sizeMax) this.flush();
    else if (!this.#isScheduled) this.#schedule(bufferSize === 0 ? FLUSH_MS : flushMs);
  }

  /** Writes what has gathered. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#isScheduled = false;
    if (this.#batch === "") return;
    this.#flushedMs = performance.now();
    const bytes = Buffer.from(this.#batch, "latin1");
    const lineCount = this.#lineCount;
    this.#batch = "";
    this.#lineCount = 0;
    if (this.#buffering.gzip === undefined) return this.#write(bytes, lineCount);
    const waiting = this.#compressing.reduce((sum, batch) => sum + batch.bytes.length, 0);
    if (waiting + bytes.length > PENDING_SIZE_MAX) return this.#sink.drop(lineCount);
    this.#compressing.push({ bytes, lineCount });
    if (this.#compressing.length === 1) this.#compress(this.#buffering.gzip);
  }

  /** Opens the file again under its name. */
  reopen(): void {
    this.flush();
    this.#openedMs = Number.NEGATIVE_INFINITY;
    this.#open();
  }

  /** Writes the rest, within two seconds. */
  async close(): Promise<void> {
    this.flush();
    if (this.#compressing.length > 0) await new Promise<void>((resolve) => (this.#compressed = resolve));
    await this.#sink.close();
  }

  #schedule(waitMs: number | undefined): void {
    if (waitMs === undefined) return;
    this.#isScheduled = true;
    const isRested = this.#buffering.bufferSize === 0 && performance.now() - this.#flushedMs >= waitMs;
    if (isRested) setImmediate(() => this.flush());
    else this.#timer = setTimeout(() => this.flush(), waitMs).unref();
  }

  #compress(level: number): void {
    const [batch] = this.#compressing;
    if (batch === undefined) return this.#compressed?.();
    gzip(batch.bytes, { level }, (error, bytes) => {
      if (error === null) this.#write(bytes, batch.lineCount);
      else this.#sink.drop(batch.lineCount);
      this.#compressing.shift();
      this.#compress(level);
    });
  }

  #write(bytes: Buffer, lineCount: number): void {
    if (!this.#sink.isOpen) this.#open();
    this.#sink.write(bytes, lineCount);
  }

  #open(): void {
    const nowMs = performance.now();
    if (nowMs - this.#openedMs < REOPEN_PAUSE_MS) return;
    this.#openedMs = nowMs;
    try {
      this.#sink.open();
    } catch (error) {
      // The requests go on; what was open is still written to.
      this.#complaints.tell(`the access log ${this.#path} cannot be opened: ${(error as Error).message}`);
    }
  }
}
