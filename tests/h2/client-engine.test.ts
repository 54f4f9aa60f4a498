// The client's half of HTTP/2 as a pure machine: what a server sends, byte by byte too, and the bounds of it.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ClientEvent, type ClientOwner, H2ClientEngine, encodeBlock } from "../../src/protocol/h2/index.ts";
import { CLIENT_CONNECTION_WINDOW } from "../../src/protocol/h2/client-receiver.ts";
import { allocate, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import {
  ACK, CONTINUATION, END_HEADERS, END_STREAM, type Fields, GOAWAY, HEADERS, PING, SETTINGS, data, frame, framesOf,
  headers, reset, say, settingsFrame, uint32, windowUpdate,
} from "./frames.ts";

const ok: Fields = [[":status", "200"], ["a", "b"]];
const request = encodeBlock([[":method", "GET"], [":scheme", "http"], [":path", "/"]]);
const streamWindow = 65_536;

class Owner implements ClientOwner {
  readonly method: string;
  row = -1;

  constructor(method: string) {
    this.method = method;
  }

  onDrained(): void {
    return;
  }

  onFreed(): void {
    this.row = -1;
  }
}

class Talk {
  readonly engine: H2ClientEngine<Owner>;
  readonly #consumes: boolean;

  constructor(consumes: boolean = true) {
    this.#consumes = consumes;
    const limits = { requestLineSizeMax: 8192, fieldCountMax: 100, fieldSizeMax: 8192, headSizeMax: 8192 };
    const settings = { initialWindowSize: streamWindow, chunkSize: 16_384, streamsMax: 100, limits };
    this.engine = new H2ClientEngine(settings, { take: (): Bytes => allocate(65_536) });
    this.engine.sender.room = Number.MAX_SAFE_INTEGER;
    this.engine.start();
  }

  /** One that has exchanged SETTINGS. */
  static open(consumes?: boolean): Talk {
    const talk = new Talk(consumes);
    talk.hear(settingsFrame());
    talk.said();
    return talk;
  }

  ask(method: string = "GET", endStream: boolean = true): Owner {
    const owner = new Owner(method);
    owner.row = this.engine.open(owner, request, endStream);
    return owner;
  }

  /** @returns the events of these bytes @param step bytes that come at once */
  hear(bytes: Bytes, step: number = bytes.length): readonly string[] {
    const events: string[] = [];
    for (let at = 0; at < bytes.length; at += step) {
      const view = concatBytes([bytes.subarray(at, at + step)]);
      this.engine.receive(view, 0);
      for (let event = this.engine.next(); event !== "need-data"; event = this.engine.next()) {
        events.push(textOf(event));
        if (event.kind === "data" && this.#consumes) this.engine.consume(event.owner.row, event.bytes.length);
      }
      this.engine.keepRest();
      view.fill(0xee);
      assert.ok(this.engine.invariants());
    }
    return events;
  }

  said(): readonly string[] {
    this.engine.sender.pump();
    const pieces = this.engine.output.takePieces();
    const bytes = concatBytes(pieces.map(({ memory, size }) => memory.subarray(0, size)));
    const isFirst = bytes.latin1Slice(0, 3) === "PRI";
    return framesOf(isFirst ? concatBytes([bytes.subarray(24)]) : bytes).frames.map(say);
  }
}

function textOf(event: Exclude<ClientEvent<Owner>, "need-data">): string {
  switch (event.kind) {
    case "informational": case "response": return `${event.kind} ${event.head.status}`;
    case "data": return `data ${event.bytes.length}`;
    case "end": return `end ${event.trailers.map((line) => line.join("=")).join()}`.trim();
    case "reset": return `reset ${event.reason ?? event.code}${event.isUnprocessed ? " unprocessed" : ""}`;
    case "failed": return `failed ${event.reason}`;
    case "goaway": return `goaway ${event.code}`;
    case "ready": return "ready";
  }
}

describe("a client of HTTP/2", () => {
  test("begins with preface, SETTINGS and a window", () => {
    assert.deepEqual(new Talk().said(), ["SETTINGS", `WINDOW_UPDATE 0 ${CLIENT_CONNECTION_WINDOW - 65_535}`]);
  });

  test("reads a response, however it is cut", () => {
    const bytes = concatBytes([
      settingsFrame([3, 7]), headers(1, [[":status", "103"]], END_HEADERS), headers(1, ok, END_HEADERS),
      data(1, "one"), frame(PING, 0, 0, new Uint8Array(8)), data(1, "two"), headers(1, [["x-sum", "1"]]),
    ]);
    for (const step of [bytes.length, 1, 10]) {
      const talk = new Talk();
      talk.ask();
      const expected = ["ready", "informational 103", "response 200", "data 3", "data 3", "end x-sum=1"];
      assert.deepEqual(talk.hear(bytes, step), expected);
      assert.equal(talk.engine.streamsMax, 7);
    }
  });

  test("knows a head again by its bytes", () => {
    const talk = Talk.open();
    const seen = [];
    for (const stream of [1, 3]) {
      talk.ask();
      talk.engine.receive(headers(stream, ok), 0);
      const event = talk.engine.next();
      assert.ok(event !== "need-data" && event.kind === "response");
      seen.push(event.head);
      talk.engine.next();
      talk.engine.keepRest();
    }
    assert.equal(seen[0], seen[1]);
  });

  test("takes a head in CONTINUATIONs, up to their bound", () => {
    const block = encodeBlock(ok);
    const parts = (count: number): Bytes => concatBytes([
      frame(HEADERS, END_STREAM, 1, block),
      ...Array.from({ length: count }, (_, index) => frame(CONTINUATION, index === count - 1 ? END_HEADERS : 0, 1)),
    ]);
    for (const [count, expected] of [[8, ["response 200", "end"]], [9, ["failed header block too long"]]] as const) {
      const talk = Talk.open();
      talk.ask();
      assert.deepEqual(talk.hear(parts(count)), expected);
    }
  });

  test("lets the server send as much as the stream's window, and no byte more", () => {
    const whole = Array.from({ length: streamWindow / 16_384 }, () => data(1, new Uint8Array(16_384)));
    const talk = Talk.open(false);
    talk.ask();
    talk.said();
    const events = talk.hear(concatBytes([headers(1, ok, END_HEADERS), ...whole]));
    assert.equal(events.length, 5);
    assert.deepEqual(talk.said(), []);
    assert.deepEqual(talk.hear(data(1, "x")), ["reset stream window exceeded"]);
    assert.deepEqual(talk.said(), ["RST_STREAM 1 FLOW_CONTROL_ERROR"]);
  });

  test("opens a window again once half of it was taken, and the connection's for whatever comes", () => {
    const talk = Talk.open();
    talk.ask();
    talk.said();
    talk.hear(concatBytes([headers(1, ok, END_HEADERS), data(1, new Uint8Array(16_384))]));
    assert.deepEqual(talk.said(), []);
    talk.hear(data(1, new Uint8Array(16_384)));
    assert.deepEqual(talk.said(), ["WINDOW_UPDATE 1 32768"]);
    const slow = Talk.open(false);
    const frames = [];
    for (let stream = 1; stream < CLIENT_CONNECTION_WINDOW / streamWindow + 1; stream += 2) {
      slow.ask();
      frames.push(headers(stream, ok, END_HEADERS));
      for (let count = 0; count < 4; count++) frames.push(data(stream, new Uint8Array(16_384)));
    }
    slow.hear(concatBytes(frames));
    assert.equal(slow.said().filter((line) => line.startsWith("WINDOW_UPDATE 0 ")).length, 1);
  });

  test("takes no content where none may be", () => {
    for (const [method, status] of [["HEAD", "200"], ["GET", "204"], ["GET", "304"]] as const) {
      const talk = Talk.open();
      talk.ask(method);
      talk.hear(headers(1, [[":status", status], ["content-length", "5"]], END_HEADERS));
      assert.deepEqual(talk.hear(data(1, "12345", END_STREAM)), ["reset content is not of content-length"]);
      const other = Talk.open();
      other.ask(method);
      const head = headers(1, [[":status", status], ["content-length", "5"]]);
      assert.deepEqual(other.hear(head), [`response ${status}`, "end"]);
    }
  });

  test("tells what was not processed, of GOAWAY and of REFUSED_STREAM", () => {
    const talk = Talk.open();
    for (let count = 0; count < 3; count++) talk.ask();
    const goAway = frame(GOAWAY, 0, 0, concatBytes([uint32(3), uint32(0)]));
    assert.deepEqual(talk.hear(goAway), ["goaway 0", "reset 0 unprocessed"]);
    assert.equal(talk.engine.isOpen, false);
    assert.deepEqual(talk.hear(reset(1, 7)), ["reset 7 unprocessed"]);
    assert.deepEqual(talk.hear(concatBytes([headers(3, ok, END_HEADERS), reset(3, 7)])), ["response 200", "reset 7"]);
  });

  test("forgets what comes on streams that it has reset", () => {
    const talk = Talk.open();
    talk.engine.reset(talk.ask().row, 8);
    assert.deepEqual(talk.hear(concatBytes([headers(1, ok, END_HEADERS), data(1, "late", END_STREAM)])), []);
    assert.deepEqual(talk.said(), ["HEADERS 1 end", "RST_STREAM 1 CANCEL"]);
  });

  test("sends content as windows open", () => {
    const talk = Talk.open();
    const owner = talk.ask("POST", false);
    const body = fromLatin1("x".repeat(100_000));
    assert.equal(talk.engine.sender.keep(owner.row, body, 0, body.length, true), false);
    const sent = talk.said().filter((line) => line.startsWith("DATA"));
    assert.equal(sent.reduce((sum, line) => sum + Number(line.split(" ")[2]), 0), 65_535);
    talk.hear(concatBytes([windowUpdate(0, 100_000), windowUpdate(1, 100_000)]));
    assert.match(talk.said().at(-1) ?? "", /end$/);
  });

  test("does not end for a ping a round trip, and does for SETTINGS without end", () => {
    const talk = Talk.open();
    assert.deepEqual(talk.hear(concatBytes(Array.from({ length: 2000 }, () => frame(PING, 0, 0, new Uint8Array(8))))),
      []);
    const acks = concatBytes(Array.from({ length: 65 }, () => frame(SETTINGS, ACK, 0)));
    assert.deepEqual(talk.hear(acks), ["failed too many: settings"]);
  });
});
