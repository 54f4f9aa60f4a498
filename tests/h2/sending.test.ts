import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeBlock } from "../../src/protocol/h2/index.ts";
import { parsePriority } from "../../src/protocol/h2/priority.ts";
import { CONNECTION_FULL, PULLED_MAX, STREAM_FULL } from "../../src/protocol/h2/sender.ts";
import { NO_BYTES, allocate, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import { Conversation, type ConversationOptions, type Stream } from "./conversation.ts";
import {
  DATA, PRIORITY_UPDATE, type Fields, data, frame, framesOf, get, post, reset, settingsFrame, uint32, windowUpdate,
} from "./frames.ts";

const head = encodeBlock([[":status", "200"]]);

/** Responses of these sizes, by their paths. */
function answering(sizes: Readonly<Record<string, number>>): ConversationOptions {
  return {
    answer: (engine, stream) => {
      const size = sizes[stream.name] ?? 0;
      engine.sender.headers(stream.row, head, NO_BYTES, size === 0);
      if (size > 0) engine.sender.data(stream.row, allocate(size), 0, size, true);
    },
  };
}

/** Streams in the order of their DATA frames, "1 1 3". */
const order = (lines: readonly string[]): string =>
  lines.filter((line) => line.startsWith("DATA")).map((line) => line.split(" ")[1]).join(" ");

describe("flow control", () => {
  test("a body stops at the stream's window, and goes on when it opens", () => {
    const conversation = Conversation.open(answering({ "/": 65_536 + 10 }));
    conversation.hear(get(1));
    const first = conversation.said().filter((line) => line.startsWith("DATA"));
    assert.equal(first.reduce((sum, line) => sum + Number(line.split(" ")[2]), 0), 65_535);
    conversation.hear(windowUpdate(1, 5));
    assert.deepEqual(conversation.said(), [], "the connection's window is used up, too");
    conversation.hear(windowUpdate(0, 100));
    assert.deepEqual(conversation.said(), ["DATA 1 5"]);
    conversation.hear(windowUpdate(1, 100));
    assert.deepEqual(conversation.said(), ["DATA 1 6 end"]);
    assert.equal(conversation.engine.streamCount, 0);
  });

  test("a window that shrinks below zero must be filled up first", () => {
    const conversation = Conversation.open(answering({ "/": 40_000 }));
    conversation.hear(settingsFrame([4, 30_000]));
    conversation.hear(get(1));
    conversation.said();
    conversation.hear(settingsFrame([4, 10_000]));
    conversation.hear(windowUpdate(1, 20_000));
    assert.deepEqual(conversation.said(), ["SETTINGS ack"]);
    conversation.hear(windowUpdate(1, 1));
    assert.deepEqual(conversation.said(), ["DATA 1 1"]);
  });

  test("an end needs no window", () => {
    const conversation = Conversation.open({
      answer: (engine, { row }) => {
        engine.sender.headers(row, head, NO_BYTES, false);
        engine.sender.end(row, undefined);
      },
    });
    conversation.hear(settingsFrame([4, 0]));
    conversation.hear(get(1));
    assert.deepEqual(conversation.said(), ["SETTINGS ack", "HEADERS 1", "DATA 1 0 end"]);
  });

  test("trailers come behind what waits", () => {
    const conversation = Conversation.open({
      answer: (engine, { row }) => {
        engine.sender.headers(row, head, NO_BYTES, false);
        engine.sender.data(row, fromLatin1("hello"), 0, 5, false);
        engine.sender.end(row, encodeBlock([["x", "y"]]));
      },
    });
    conversation.hear(settingsFrame([4, 3]));
    conversation.hear(get(1));
    assert.deepEqual(conversation.said(), ["SETTINGS ack", "HEADERS 1", "DATA 1 3"]);
    conversation.hear(windowUpdate(1, 9));
    assert.deepEqual(conversation.said(), ["DATA 1 2", "HEADERS 1 end"]);
  });

  test("keeps to every window, and loses no byte, whatever is sent when", () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant("window" as const), stream: fc.constantFrom(0, 1, 3, 5),
        size: fc.integer({ min: 1, max: 9000 }),
      }),
      fc.record({ kind: fc.constant("initial" as const), size: fc.nat(20_000) }),
      fc.record({ kind: fc.constant("body" as const), stream: fc.constantFrom(1, 3, 5), size: fc.nat(9000) }),
      fc.record({ kind: fc.constant("room" as const), size: fc.nat(30_000) }),
    );
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const conversation = Conversation.open();
      const { engine } = conversation;
      const ids = [1, 3, 5];
      for (const id of ids) conversation.hear(get(id, `/${id}`));
      const rows = new Map(ids.map((id) => [id, (conversation.streams.get(`/${id}`) as Stream).row]));
      const windows = new Map(ids.map((id) => [id, 65_535]));
      const given = new Map(ids.map((id) => [id, 0]));
      const taken = new Map(ids.map((id) => [id, 0]));
      let connection = 65_535;
      let initial = 65_535;
      const check = (): void => {
        for (const { type, stream, payload } of framesOf(conversation.saidBytes()).frames) {
          if (type !== DATA) continue;
          connection -= payload.length;
          windows.set(stream, (windows.get(stream) ?? 0) - payload.length);
          taken.set(stream, (taken.get(stream) ?? 0) + payload.length);
          assert.ok(connection >= 0);
          assert.ok(payload.length === 0 || (windows.get(stream) ?? 0) >= 0);
        }
      };
      for (const one of steps) {
        if (one.kind === "window") {
          if (one.stream === 0) connection += one.size;
          else windows.set(one.stream, (windows.get(one.stream) ?? 0) + one.size);
          conversation.hear(windowUpdate(one.stream, one.size));
        } else if (one.kind === "initial") {
          for (const id of ids) windows.set(id, (windows.get(id) ?? 0) + one.size - initial);
          initial = one.size;
          conversation.hear(settingsFrame([4, one.size]));
        } else if (one.kind === "body") {
          given.set(one.stream, (given.get(one.stream) ?? 0) + one.size);
          engine.sender.data(rows.get(one.stream) ?? -1, allocate(one.size), 0, one.size, false);
        } else {
          engine.sender.room = one.size;
        }
        check();
      }
      engine.sender.room = Number.MAX_SAFE_INTEGER;
      for (const id of [0, ...ids]) conversation.hear(windowUpdate(id, 1_000_000_000));
      for (const id of ids) windows.set(id, (windows.get(id) ?? 0) + 1_000_000_000);
      connection += 1_000_000_000;
      check();
      assert.deepEqual([...taken], [...given]);
      assert.equal(engine.sender.totalSize, 0);
    }));
  });

  test("a queue beyond its bound is full until half of it has left", () => {
    const conversation = Conversation.open();
    const { sender } = conversation.engine;
    conversation.hear(settingsFrame([4, 0]));
    conversation.hear(windowUpdate(0, 10_000_000));
    conversation.hear(get(1));
    const { row } = conversation.streams.get("/") as Stream;
    sender.data(row, allocate(STREAM_FULL), 0, STREAM_FULL, false);
    sender.data(row, allocate(1), 0, 1, false);
    assert.equal(sender.queuedSize(row), STREAM_FULL + 1);
    conversation.hear(windowUpdate(1, STREAM_FULL / 2));
    conversation.said();
    assert.equal(conversation.events.at(-1), "request GET /");
    conversation.hear(windowUpdate(1, 1));
    conversation.said();
    assert.equal(conversation.events.at(-1), "/ drained");
  });

  test("a connection with too much in all its queues is full for everybody", () => {
    const conversation = Conversation.open();
    const { sender } = conversation.engine;
    conversation.hear(settingsFrame([4, 0]));
    for (const id of [1, 3]) conversation.hear(get(id, `/${id}`));
    const [first, second] = ["/1", "/3"].map((path) => (conversation.streams.get(path) as Stream).row);
    sender.data(first ?? -1, allocate(CONNECTION_FULL), 0, CONNECTION_FULL, false);
    assert.equal(sender.queuedSize(second ?? -1), 0);
    sender.data(first ?? -1, allocate(1), 0, 1, false);
    assert.equal(sender.queuedSize(second ?? -1), CONNECTION_FULL);
    conversation.hear(reset(1, 8));
    conversation.said();
    assert.ok(conversation.events.includes("/3 drained"));
    assert.equal(sender.queuedSize(second ?? -1), 0);
  });

  test("memory that was lent is given back, when it has left and when the stream is gone", () => {
    const conversation = Conversation.open();
    const { sender } = conversation.engine;
    conversation.hear(settingsFrame([4, 4]));
    for (const id of [1, 3]) conversation.hear(get(id, `/${id}`));
    const back: string[] = [];
    for (const path of ["/1", "/3"]) {
      const { row } = conversation.streams.get(path) as Stream;
      assert.equal(sender.keep(row, fromLatin1("abc"), 0, 3, false, () => back.push("never")), true);
      assert.equal(sender.keep(row, fromLatin1("defg"), 0, 4, false, () => back.push(path)), false);
    }
    conversation.hear(windowUpdate(1, 3));
    conversation.said();
    assert.deepEqual(back, ["/1"]);
    conversation.hear(reset(3, 8));
    assert.deepEqual(back, ["/1", "/3"]);
  });
});

describe("a body that is read when it is wanted", () => {
  const wanting = (count: number, window: number, urgencies: readonly number[] = []): [Conversation, string[]] => {
    const pulled: string[] = [];
    const conversation = Conversation.open({
      settings: { maxConcurrentStreams: 1000 },
      answer: (engine, { row, name }) => {
        engine.sender.headers(row, head, NO_BYTES, false);
        engine.sender.whenWanted(row, () => pulled.push(name));
      },
    });
    conversation.hear(settingsFrame([4, window]));
    for (let index = 0; index < count; index++) {
      const urgency = urgencies[index];
      conversation.hear(get(index * 2 + 1, `/${index}`, urgency === undefined ? [] : [["priority", `u=${urgency}`]]));
    }
    conversation.said();
    return [conversation, pulled];
  };
  const rowOf = (conversation: Conversation, path: string): number => conversation.streams.get(path)?.row ?? -1;

  test("is not read while its window is closed", () => {
    const [conversation, pulled] = wanting(100, 0);
    assert.deepEqual(pulled, []);
    assert.equal(conversation.engine.sender.progress(rowOf(conversation, "/7")).waits, true);
    conversation.hear(windowUpdate(15, 1));
    conversation.said();
    assert.deepEqual(pulled, ["/7"]);
  });

  test("is one of few, and the next is read when one has come, or its stream is gone", () => {
    const [conversation, pulled] = wanting(PULLED_MAX + 3, 1000);
    assert.equal(pulled.length, PULLED_MAX);
    conversation.engine.sender.data(rowOf(conversation, "/3"), allocate(10), 0, 10, true);
    conversation.said();
    assert.equal(pulled.length, PULLED_MAX + 1);
    conversation.hear(concatBytes([reset(1, 8), reset(2 * PULLED_MAX + 3, 8)]));
    conversation.said();
    assert.deepEqual(pulled.slice(PULLED_MAX), [`/${PULLED_MAX}`, `/${PULLED_MAX + 2}`]);
    assert.ok(conversation.engine.invariants());
  });

  test("is read earlier where it is more urgent", () => {
    const [conversation, pulled] = wanting(PULLED_MAX + 2, 0, [...Array<number>(PULLED_MAX + 1).fill(5), 1]);
    conversation.hear(settingsFrame([4, 1000]));
    conversation.said();
    assert.equal(pulled[0], `/${PULLED_MAX + 1}`);
    assert.equal(pulled.length, PULLED_MAX);
  });
});

describe("the body of a request", () => {
  test("has a window that opens as it is consumed", () => {
    const conversation = Conversation.open({ settings: { initialWindowSize: 1000 } });
    conversation.hear(post(1));
    conversation.hear(data(1, allocate(499)));
    assert.deepEqual(conversation.said(), []);
    conversation.hear(data(1, "x"));
    assert.deepEqual(conversation.said(), ["WINDOW_UPDATE 1 1048076"]);
  });

  test("that nobody consumes stops at its window", () => {
    const conversation = Conversation.open({ settings: { initialWindowSize: 1000 }, holdsBodies: true });
    conversation.hear(post(1));
    conversation.hear(data(1, allocate(1000)));
    assert.deepEqual(conversation.said(), []);
    assert.match(conversation.hear(data(1, "x"))[0] ?? "", /FLOW_CONTROL_ERROR/);
    assert.deepEqual(conversation.said(), ["RST_STREAM 1 FLOW_CONTROL_ERROR"]);
  });

  test("of all streams together stops at the connection's window", () => {
    const conversation = Conversation.open({ settings: { initialWindowSize: 1_048_576 }, holdsBodies: true });
    for (const id of [1, 3]) conversation.hear(post(id, [], `/${id}`));
    for (let size = 0; size < 1_048_576; size += 16_384) conversation.hear(data(1, allocate(16_384)));
    assert.deepEqual(conversation.events, ["request POST /1", "request POST /3"]);
    assert.match(conversation.hear(data(3, "x"))[0] ?? "", /^failed FLOW_CONTROL_ERROR/);
  });

  test("that comes behind the response is dropped, and refused when it is much", () => {
    const conversation = Conversation.open({ ...answering({}), settings: { initialWindowSize: 1000 } });
    conversation.hear(post(1));
    assert.deepEqual(conversation.said(), ["HEADERS 1 end"]);
    conversation.hear(data(1, allocate(400)));
    assert.deepEqual(conversation.said(), []);
    conversation.hear(data(1, allocate(200)));
    assert.deepEqual(conversation.said(), ["RST_STREAM 1 NO_ERROR"]);
    assert.deepEqual(conversation.hear(data(1, allocate(200))), [], "what was on its way is nobody's fault");
    conversation.hear(post(3, [["content-length", "1001"]]));
    assert.deepEqual(conversation.said(), ["HEADERS 3 end", "RST_STREAM 3 NO_ERROR"]);
  });

  test("gives its room back to the others when the stream is gone", () => {
    const conversation = Conversation.open({ holdsBodies: true });
    for (let id = 1; id < 600; id += 2) {
      conversation.nowMs += 1000;
      conversation.hear(concatBytes([post(id, [], `/${id}`), data(id, allocate(16_384)), reset(id, 8)]));
    }
    assert.deepEqual(conversation.events.filter((event) => event.startsWith("failed")), []);
  });
});

describe("priorities", () => {
  const bodies = { "/a": 20_000, "/b": 20_000, "/c": 20_000 };
  const asking = (priorities: readonly (string | undefined)[]): Conversation => {
    const conversation = Conversation.open(answering(bodies));
    conversation.engine.sender.room = 0;
    for (const [index, value] of priorities.entries()) {
      const more: Fields = value === undefined ? [] : [["priority", value]];
      conversation.hear(get(index * 2 + 1, `/${"abc"[index] ?? ""}`, more));
    }
    return conversation;
  };
  const served = (conversation: Conversation): string => {
    conversation.engine.sender.room = Number.MAX_SAFE_INTEGER;
    return order(conversation.said());
  };

  test("without any, responses share the connection", () => {
    assert.equal(served(asking([undefined, undefined])), "1 3 1 3 1 3");
  });

  test("the more urgent comes first, whole", () => {
    assert.equal(served(asking(["u=5", "u=1", "u=3"])), "3 3 3 5 5 5 1 1 1");
  });

  test("equally urgent ones come one after the other, unless they are incremental", () => {
    assert.equal(served(asking(["u=3", "u=3"])), "1 1 1 3 3 3");
    assert.equal(served(asking(["u=3, i", "u=3, i"])), "1 3 1 3 1 3");
  });

  test("may be changed while the response is on its way", () => {
    const conversation = asking(["u=1", "u=5"]);
    conversation.hear(frame(PRIORITY_UPDATE, 0, 0, concatBytes([uint32(1), fromLatin1("u=7")])));
    assert.equal(served(conversation), "3 3 3 1 1 1");
  });

  test("a stream whose window is closed lets others pass", () => {
    const conversation = Conversation.open(answering(bodies));
    conversation.hear(settingsFrame([4, 8192]));
    conversation.engine.sender.room = 0;
    conversation.hear(concatBytes([get(1, "/a", [["priority", "u=0"]]), get(3, "/b"), windowUpdate(3, 100_000)]));
    assert.equal(served(conversation), "1 3 3 3");
  });

  test("are read as RFC 9218 writes them, and what is no priority is none", () => {
    const table: Readonly<Record<string, readonly [number, boolean]>> = {
      "": [3, false], "u=0": [0, false], "u=7, i": [7, true], "i": [3, true], "i=?0": [3, false], "u=8": [3, false],
      "u=-1": [3, false], "i;x=1, u=2;y": [2, true], "U=1": [3, false], "u=1,u=2": [2, false], "\0,,=": [3, false],
    };
    for (const [value, [urgency, incremental]] of Object.entries(table)) {
      assert.deepEqual(parsePriority(value), { urgency, incremental }, value);
    }
  });
});
