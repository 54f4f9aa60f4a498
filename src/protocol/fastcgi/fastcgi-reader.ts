/**
 * Reads what a FastCGI application sends: records (FastCGI 1.0 §3.3), and in their STDOUT a script's response.
 *
 *   done ──expect()──▶ records: STDOUT ▶ ResponseReader, STDERR ▶ stderr ──END_REQUEST──▶ done
 *                         └──violation──▶ failed
 *
 * A response is whole when END_REQUEST has come, not before: until then nobody knows whether the connection may be
 * used again. One record's content is given on as it arrives, in as many parts as it comes.
 *
 * Invariant: as RequestReader's.
 */
import { ResponseReader, Unread } from "../h1/index.ts";
import type {
  HeadLimits, ResponseEndEvent, ResponseEvent, ResponseMemory, UpstreamReader, Violation, ViolationReason,
} from "../h1/index.ts";
import { concatBytes, copyBytes } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { HEADER_SIZE, REQUEST_ID, TYPE, VERSION } from "./records.ts";

/** What is kept of STDERR for the log (nginx's log lines end at 2048). */
export const STDERR_SIZE_MAX = 4096;
/** Records and STDERR between two parts of the response: more brings it no further and would never end. */
export const IDLE_SIZE_MAX = 1_048_576;
/** FCGI_EndRequestBody: appStatus (4), protocolStatus, reserved (3). */
const END_REQUEST_SIZE = 8;
/** protocolStatus: the others refuse the request (overloaded, unknown role). */
const REQUEST_COMPLETE = 0;

type State = "header" | "content" | "padding" | "done" | "failed";

export class FastCgiReader implements UpstreamReader {
  readonly #limits: HeadLimits;
  readonly #memory: ResponseMemory;
  readonly #keepConn: boolean;
  readonly #caught: readonly string[];
  #state: State = "done";
  readonly #input: Unread = new Unread();
  #type = 0;
  #contentLeft = 0;
  #paddingLeft = 0;
  #idleSize = 0;
  #response: ResponseReader;
  /** The response's end, once its own framing has said so: only END_REQUEST is awaited. */
  #ending: ResponseEndEvent | undefined = undefined;
  /** STDOUT behind the response's end. */
  #hasSurplus = false;
  #errors: Bytes[] = [];
  #errorSize = 0;
  #begun = false;
  #inputEnded = false;

  /**
   * @param keepConn was the application asked to keep the connection?
   * @param caught a response is refused if one of these was written to STDERR before its head (fastcgi_catch_stderr);
   *   one character a byte
   */
  constructor(limits: HeadLimits, memory: ResponseMemory, keepConn: boolean, caught: readonly string[] = []) {
    this.#limits = limits;
    this.#memory = memory;
    this.#keepConn = keepConn;
    this.#caught = caught;
    this.#response = new ResponseReader(limits, memory, "script");
  }

  get reusable(): boolean {
    return this.#state === "done" && this.#keepConn && !this.#hasSurplus && !this.#inputEnded && this.#input.isEmpty;
  }

  get begun(): boolean {
    return this.#begun;
  }

  get pendingSize(): number {
    return this.#input.size + this.#response.pendingSize;
  }

  /** What the application wrote to STDERR for this request, up to STDERR_SIZE_MAX bytes, as UTF-8. */
  get stderr(): string {
    return concatBytes(this.#errors).utf8Slice();
  }

  expect(method: string): void {
    this.#begun = false;
    this.#errors = [];
    this.#errorSize = this.#idleSize = 0;
    this.#ending = undefined;
    if (this.#state !== "done" || !this.#input.isEmpty) return;
    this.#state = "header";
    // A script's response ends with its input, so each has a reader of its own.
    this.#response = new ResponseReader(this.#limits, this.#memory, "script");
    this.#response.expect(method);
  }

  receive(bytes: Bytes): void {
    if (bytes.length > 0) this.#begun = true;
    this.#input.add(bytes);
  }

  keepRest(): void {
    this.#response.keepRest();
    this.#input.keep();
  }

  inputEnded(): void {
    this.#inputEnded = true;
  }

  next(): ResponseEvent {
    if (this.#state === "failed") return "paused";
    if (this.#state === "done") return this.#input.isEmpty ? "paused" : this.#fail("response_unexpected");
    for (;;) {
      const event = this.#nextOfResponse();
      if (event !== undefined) return event;
      const record = this.#readRecord();
      if (record !== undefined) return record === "need-data" && this.#inputEnded ? this.#endOfInput() : record;
    }
  }

  takeRest(): Bytes {
    const rest = this.#input.take();
    this.#fail("response_unexpected");
    return rest;
  }

  /** What the response has to say of the STDOUT that it was given; undefined: it needs more, or is whole. */
  #nextOfResponse(): ResponseEvent | undefined {
    if (this.#ending !== undefined) return undefined;
    const event = this.#response.next();
    if (typeof event !== "object") return undefined;
    if (event.kind === "violation") return this.#fail(event.reason);
    if (event.kind === "end") {
      this.#ending = event;
      if (this.#response.pendingSize > 0) {
        this.#hasSurplus = true;
        this.#response.takeRest();
      }
      return undefined;
    }
    // Records go on whatever a script says: there is no other protocol to change to.
    if (event.kind === "response" && event.status === 101) return this.#fail("status_field");
    if (event.kind === "response" && this.#isCaught()) return this.#fail("fastcgi_stderr");
    return event;
  }

  #isCaught(): boolean {
    if (this.#caught.length === 0 || this.#errorSize === 0) return false;
    const errors = concatBytes(this.#errors).latin1Slice();
    return this.#caught.some((text) => errors.includes(text));
  }

  /** Reads one part of a record. @returns undefined: look at the response again */
  #readRecord(): "need-data" | ResponseEndEvent | Violation | undefined {
    const available = this.#input.size;
    switch (this.#state) {
      case "header":
        return available < HEADER_SIZE ? "need-data" : this.#readHeader();
      case "content":
        if (this.#type === TYPE.endRequest) return available < END_REQUEST_SIZE ? "need-data" : this.#readEnd();
        if (available === 0) return "need-data";
        this.#readContent(Math.min(available, this.#contentLeft));
        return undefined;
      default: {
        if (available === 0) return "need-data";
        const skipped = Math.min(available, this.#paddingLeft);
        this.#input.at += skipped;
        this.#paddingLeft -= skipped;
        return this.#paddingLeft > 0 ? undefined : this.#endRecord();
      }
    }
  }

  #readHeader(): Violation | ResponseEndEvent | undefined {
    const { bytes, at } = this.#input;
    this.#type = bytes[at + 1] ?? 0;
    this.#contentLeft = bytes.readUInt16BE(at + 4);
    this.#paddingLeft = bytes[at + 6] ?? 0;
    this.#input.at += HEADER_SIZE;
    this.#idleSize += HEADER_SIZE;
    if (bytes[at] !== VERSION || bytes.readUInt16BE(at + 2) !== REQUEST_ID || !this.#isTypeInPlace() ||
      this.#idleSize > IDLE_SIZE_MAX) {
      return this.#fail("fastcgi_record");
    }
    this.#state = "content";
    return this.#contentLeft === 0 ? this.#endContent() : undefined;
  }

  /** Management records (§4) answer what is never asked; the others are the web server's. */
  #isTypeInPlace(): boolean {
    if (this.#type === TYPE.endRequest) return this.#contentLeft === END_REQUEST_SIZE;
    return this.#type === TYPE.stdout || this.#type === TYPE.stderr;
  }

  #readContent(size: number): void {
    const part = this.#input.view(size);
    this.#contentLeft -= size;
    if (this.#type === TYPE.stderr) {
      this.#idleSize += size;
      const kept = Math.min(size, STDERR_SIZE_MAX - this.#errorSize);
      if (kept > 0) this.#errors.push(copyBytes(part, 0, kept));
      this.#errorSize += kept;
    } else if (this.#ending === undefined) {
      this.#idleSize = 0;
      this.#response.receive(part);
    } else {
      this.#idleSize += size;
      this.#hasSurplus = true;
    }
    if (this.#contentLeft === 0) this.#endContent();
  }

  #readEnd(): ResponseEndEvent | Violation | undefined {
    const protocolStatus = this.#input.bytes[this.#input.at + 4];
    this.#input.at += END_REQUEST_SIZE;
    return protocolStatus === REQUEST_COMPLETE ? this.#endContent() : this.#fail("fastcgi_refused");
  }

  #endContent(): ResponseEndEvent | Violation | undefined {
    if (this.#paddingLeft === 0) return this.#endRecord();
    this.#state = "padding";
    return undefined;
  }

  #endRecord(): ResponseEndEvent | Violation | undefined {
    this.#state = "header";
    if (this.#type !== TYPE.endRequest) return undefined;
    this.#response.inputEnded();
    const end = this.#ending ?? this.#response.next();
    if (typeof end !== "object" || end.kind !== "end") {
      return this.#fail(typeof end === "object" && end.kind === "violation" ? end.reason : "response_incomplete");
    }
    this.#state = "done";
    return end;
  }

  /** Without END_REQUEST only a response is whole whose own framing has said so. */
  #endOfInput(): ResponseEndEvent | Violation {
    if (this.#ending === undefined) return this.#fail("response_incomplete");
    this.#state = "done";
    return this.#ending;
  }

  #fail(reason: ViolationReason): Violation {
    this.#state = "failed";
    this.#input.drop();
    this.#response = new ResponseReader(this.#limits, this.#memory, "script");
    return { kind: "violation", status: 502, reason };
  }
}
