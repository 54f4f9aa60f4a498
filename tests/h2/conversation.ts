// The engine in a test: what it is told, what comes of it, and what it says, as lines of text.
import { SectionMemory } from "../../src/protocol/h1/index.ts";
import { H2Engine } from "../../src/protocol/h2/index.ts";
import type { EngineEvent, EngineSettings, StreamOwner } from "../../src/protocol/h2/index.ts";
import { NO_BYTES, allocate, concatBytes } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import { codeName, framesOf, preface, say } from "./frames.ts";

export const usualSettings: EngineSettings = {
  maxConcurrentStreams: 128, initialWindowSize: 65_536, chunkSize: 8192,
  limits: { requestLineSizeMax: 8192, fieldCountMax: 1000, fieldSizeMax: 8192, headSizeMax: 32_768 },
};

/** Somebody who has a stream, and notes what it hears. */
export class Stream implements StreamOwner {
  readonly name: string;
  readonly #log: string[];
  row: number;
  isFreed = false;

  constructor(name: string, row: number, log: string[]) {
    this.name = name;
    this.row = row;
    this.#log = log;
  }

  onDrained(): void {
    this.#log.push(`${this.name} drained`);
  }

  onFreed(): void {
    this.isFreed = true;
    this.row = -1;
  }
}

export interface ConversationOptions {
  readonly settings?: Partial<EngineSettings>;
  /** What is done with a request; it is claimed already. */
  readonly answer?: (engine: H2Engine<Stream>, stream: Stream) => void;
  /** Bodies are consumed as they come, unless this says otherwise. */
  readonly holdsBodies?: boolean;
}

export class Conversation {
  readonly engine: H2Engine<Stream>;
  readonly #options: ConversationOptions;
  /** Events, in their order. */
  readonly events: string[] = [];
  /** By the path of their request. */
  readonly streams: Map<string, Stream> = new Map();
  nowMs = 0;
  readonly #bodies = new Map<string, number>();

  constructor(options: ConversationOptions = {}) {
    this.#options = options;
    const memory = { take: (): Bytes => allocate(65_536) };
    this.engine = new H2Engine({ ...usualSettings, ...options.settings }, new SectionMemory(), memory);
    this.engine.sender.room = Number.MAX_SAFE_INTEGER;
    this.engine.start();
  }

  /** One that has exchanged prefaces. */
  static open(options: ConversationOptions = {}): Conversation {
    const conversation = new Conversation(options);
    conversation.hear(preface());
    conversation.said();
    return conversation;
  }

  /** Gives it bytes, cut at these places. @returns the events of these bytes */
  hear(bytes: Bytes, cuts: readonly number[] = []): readonly string[] {
    const before = this.events.length;
    let from = 0;
    for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
      // As a socket does it: the memory is used again.
      const view = concatBytes([bytes.subarray(from, cut)]);
      this.engine.receive(view, this.nowMs);
      for (let event = this.engine.next(); event !== "need-data"; event = this.engine.next()) this.#note(event);
      this.engine.keepRest();
      view.fill(0xee);
      from = cut;
    }
    return this.events.slice(before);
  }

  /** What it has to say, one line a frame. */
  said(): readonly string[] {
    return framesOf(this.saidBytes()).frames.map(say);
  }

  saidBytes(): Bytes {
    this.engine.sender.pump();
    const pieces = this.engine.output.takePieces();
    return pieces.length === 0 ? NO_BYTES : concatBytes(pieces.map(({ memory, size }) => memory.subarray(0, size)));
  }

  #note(event: Exclude<EngineEvent<Stream>, "need-data">): void {
    switch (event.kind) {
      case "request": case "refused": {
        const { head } = event;
        const stream = new Stream(head.path, event.stream, this.events);
        this.streams.set(head.path, stream);
        this.engine.claim(event.stream, stream);
        const more = event.kind === "refused" ? ` ${event.status} ${event.reason}` : "";
        const kind = event.kind === "refused" && event.isMalformed ? "malformed" : event.kind;
        this.events.push(`${kind} ${head.method} ${head.target}${more}`);
        this.#options.answer?.(this.engine, stream);
        return;
      }
      case "data": {
        // However it was cut, it is one body.
        const name = `${event.owner.name} body`;
        const size = (this.#bodies.get(name) ?? 0) + event.bytes.length;
        this.#bodies.set(name, size);
        if (this.#options.holdsBodies !== true) this.engine.receiver.consume(event.owner.row, event.bytes.length);
        return;
      }
      case "end":
        this.events.push(`${event.owner.name} end ${this.#bodies.get(`${event.owner.name} body`) ?? 0}`);
        return;
      case "reset":
        this.events.push(`${event.owner?.name ?? "nobody"} reset ${codeName(event.code)} ${event.reason ?? "by them"}`);
        return;
      case "malformed":
        this.events.push(`${event.owner.name} malformed ${event.reason}`);
        return;
      case "goaway":
        this.events.push(`goaway ${codeName(event.code)}`);
        return;
      case "failed":
        this.events.push(`failed ${codeName(event.code)} ${event.reason}`);
    }
  }
}
