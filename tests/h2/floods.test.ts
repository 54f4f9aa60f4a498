import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeBlock } from "../../src/protocol/h2/index.ts";
import { HEADS_SIZE_MAX } from "../../src/protocol/h2/engine.ts";
import { type Budget, burstOf } from "../../src/protocol/h2/budgets.ts";
import { NO_BYTES, allocate, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import {
  CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADERS, PADDED, PING, PRIORITY, PRIORITY_UPDATE, data, frame, get,
  headers, post, requestFields, reset, settingsFrame, uint32, windowUpdate,
} from "./frames.ts";

const join = (...parts: readonly Bytes[]): Bytes => concatBytes(parts);
const failures = (conversation: Conversation): number =>
  conversation.events.filter((event) => event.startsWith("failed")).length;

interface Flood {
  readonly budget: Budget;
  /** Of its number, from 0: what is charged once. */
  readonly one: (index: number) => Bytes;
  readonly first?: Bytes;
  readonly options?: ConversationOptions;
  /** What of the first part is charged already. */
  readonly charged?: number;
}

const id = (index: number): number => index * 2 + 1;
const answered: ConversationOptions = {
  answer: (engine, { row }) => engine.sender.headers(row, encodeBlock([[":status", "200"]]), NO_BYTES, true),
};
/** Each makes us reset a stream of its own: MadeYouReset (CVE-2025-8671). */
const madeToReset: Readonly<Record<string, (index: number) => Bytes>> = {
  "WINDOW_UPDATE of 0": (index) => join(post(id(index)), windowUpdate(id(index), 0)),
  "a window above 2^31-1": (index) => join(post(id(index)), windowUpdate(id(index), 2 ** 31 - 1)),
  "DATA behind END_STREAM": (index) => join(get(id(index)), data(id(index), "x")),
  "HEADERS behind END_STREAM": (index) => join(get(id(index)), get(id(index))),
  "PRIORITY of another size": (index) => join(post(id(index)), frame(PRIORITY, 0, id(index), "1234")),
  "a stream that depends on itself": (index) =>
    join(post(id(index)), frame(PRIORITY, 0, id(index), concatBytes([uint32(id(index)), uint32(0).subarray(0, 1)]))),
  "content that is not of its length": (index) =>
    join(post(id(index), [["content-length", "1"]]), data(id(index), "xy")),
  "a malformed request": (index) => get(id(index), ""),
};

const floods: Readonly<Record<string, Flood>> = {
  "requests that are reset (CVE-2023-44487)": {
    budget: "reset", one: (index) => join(get(id(index)), reset(id(index), 8)),
  },
  "resets behind complete responses": {
    budget: "reset", one: (index) => join(get(id(index)), reset(id(index), 8)), options: answered,
  },
  "requests beyond http2_max_concurrent_streams": {
    budget: "reset", one: (index) => get(id(index + 3)), first: join(get(1), get(3), get(5)),
    options: { settings: { maxConcurrentStreams: 3 } },
  },
  // The client's preface was one of them.
  "SETTINGS (CVE-2019-9515)": { budget: "settings", one: () => settingsFrame(), charged: 1 },
  "acknowledgements of SETTINGS": { budget: "settings", one: () => frame(4, 1, 0), charged: 1 },
  "PING (CVE-2019-9512)": { budget: "ping", one: () => frame(PING, 0, 0, "12345678") },
  "empty DATA (CVE-2019-9518)": { budget: "emptyData", one: () => data(1, ""), first: post(1) },
  "DATA of padding": { budget: "emptyData", one: () => frame(DATA, PADDED, 1, "\x03\0\0\0"), first: post(1) },
  "DATA of one byte": { budget: "smallData", one: () => data(1, "x"), first: post(1) },
  "DATA for a stream that we have reset": {
    budget: "smallData", one: () => data(1, "x"), first: join(post(1), windowUpdate(1, 0)),
  },
  "WINDOW_UPDATE of one byte": { budget: "windowUpdate", one: () => windowUpdate(0, 1) },
  "PRIORITY (CVE-2019-9513)": { budget: "other", one: () => frame(PRIORITY, 0, 3, "\0\0\0\x01\0") },
  "PRIORITY_UPDATE": { budget: "other", one: () => frame(PRIORITY_UPDATE, 0, 0, "\0\0\0\x01u=1") },
  "GOAWAY": { budget: "other", one: () => frame(GOAWAY, 0, 0, allocate(8).fill(0)) },
  "frames that nobody knows": { budget: "other", one: () => frame(77, 0, 0, "") },
};

describe("a flood ends the connection, and what is at its bound does not", () => {
  const cases = [
    ...Object.entries(floods),
    ...Object.entries(madeToReset).map(([what, one]): [string, Flood] =>
      [`resets by ${what}`, { budget: "reset", one }]),
  ];
  for (const [what, { budget, one, first, options, charged = 0 }] of cases) {
    test(what, () => {
      const conversation = Conversation.open(options);
      if (first !== undefined) conversation.hear(first);
      const bound = burstOf(budget) - charged;
      for (let index = 0; index < bound; index++) conversation.hear(one(index));
      assert.equal(failures(conversation), 0);
      conversation.said();
      conversation.hear(one(bound));
      assert.match(conversation.events.at(-1) ?? "", new RegExp(`^failed ENHANCE_YOUR_CALM too many: ${budget}`));
      assert.match(conversation.said().at(-1) ?? "", /^GOAWAY \d+ ENHANCE_YOUR_CALM$/);
      assert.deepEqual(conversation.hear(one(bound + 1)), []);
    });
  }

  test("the messages of a WebSocket are none, however many and small", () => {
    const conversation = Conversation.open();
    const rest = requestFields("GET", "/").slice(1);
    const connect = [[":method", "CONNECT"], [":protocol", "websocket"], ...rest] as const;
    conversation.hear(headers(1, connect, END_HEADERS));
    for (let index = 0; index < 2 * burstOf("smallData"); index++) conversation.hear(data(1, "x"));
    assert.deepEqual(conversation.events, ["request GET /"]);
  });

  test("time gives back what was spent", () => {
    const conversation = Conversation.open();
    for (let index = 0; index < 10 * burstOf("ping"); index++) {
      conversation.nowMs += 1000 / 16;
      conversation.hear(frame(PING, 0, 0, "12345678"));
    }
    assert.equal(failures(conversation), 0);
  });

  test("WINDOW_UPDATEs for what was sent are none", () => {
    const conversation = Conversation.open();
    conversation.hear(get(1));
    const { row } = conversation.streams.get("/") ?? { row: -1 };
    for (let index = 0; index < 4 * burstOf("windowUpdate"); index++) {
      conversation.engine.sender.data(row, allocate(1), 0, 1, false);
      conversation.hear(windowUpdate(1, 1));
      conversation.hear(windowUpdate(0, 1));
    }
    assert.equal(failures(conversation), 0);
  });
});

describe("CONTINUATION (CVE-2024-27316)", () => {
  const begin = frame(HEADERS, 1, 1, encodeBlock(requestFields("GET", "/")));

  for (const [what, size] of [["empty", 0], ["of one byte", 1]] as const) {
    test(`eight that are ${what} make a request, nine the end`, () => {
      const part = allocate(size).fill(0x82);
      const hear = (count: number): Conversation => {
        const conversation = Conversation.open();
        conversation.hear(begin);
        for (let index = 0; index < count; index++) conversation.hear(frame(CONTINUATION, 0, 1, part));
        return conversation;
      };
      assert.equal(failures(hear(8)), 0);
      const flooded = hear(9);
      assert.deepEqual(flooded.events, ["failed ENHANCE_YOUR_CALM header block too long"]);
      assert.deepEqual(flooded.said(), ["GOAWAY 0 ENHANCE_YOUR_CALM"]);
    });
  }

  test("a block with more bytes than its fields may have is not decoded", () => {
    const conversation = Conversation.open();
    conversation.hear(begin);
    // Nothing of it is HPACK.
    for (let index = 0; index < 2; index++) conversation.hear(frame(CONTINUATION, 0, 1, allocate(16_384).fill(0xff)));
    conversation.hear(frame(CONTINUATION, END_HEADERS, 1, allocate(16_384).fill(0xff)));
    assert.deepEqual(conversation.events, ["failed ENHANCE_YOUR_CALM header block too long"]);
  });
});

test("few bytes that stand for many fields are refused before they fill the memory (CVE-2026-47774)", () => {
  const conversation = Conversation.open();
  const large = "x".repeat(4000);
  const first = encodeBlock([...requestFields("GET", "/")]);
  // A field is taught once, then named six times by a byte in each request: 24 KB.
  const taught = concatBytes([Uint8Array.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e), fromLatin1(large)]);
  conversation.hear(frame(HEADERS, 5, 1, join(first, taught)));
  let served = 0;
  for (let index = 1; index < 127; index++) {
    const events = conversation.hear(frame(HEADERS, 5, id(index), join(first, allocate(6).fill(0xbe))));
    served += events.length;
  }
  assert.ok(served * 6 * large.length < HEADS_SIZE_MAX && served > 50, `${served} requests`);
  assert.ok(conversation.said().includes(`RST_STREAM ${id(126)} REFUSED_STREAM`));
  for (let index = 1; index < 100; index++) conversation.hear(reset(id(index), 8));
  assert.deepEqual(conversation.hear(get(id(127), "/again")), ["request GET /again"]);
});

test("few bytes that stand for many trailers are refused before they fill the memory", () => {
  const conversation = Conversation.open();
  const large = "x".repeat(4000);
  const taught = concatBytes([Uint8Array.of(0x40, 1, 0x61, 0x7f, 0xa1, 0x1e), fromLatin1(large)]);
  conversation.hear(frame(HEADERS, 5, 1, join(encodeBlock(requestFields("GET", "/")), taught)));
  const asked = (index: number): string | undefined => {
    conversation.nowMs += 1000;
    const trailers = frame(HEADERS, 5, id(index), allocate(6).fill(0xbe));
    return conversation.hear(join(post(id(index), [], `/${index}`), trailers)).at(-1);
  };
  const ends = Array.from({ length: 125 }, (_, index) => asked(index + 1));
  const served = ends.filter((said) => said?.endsWith(" end 0")).length;
  assert.ok(served * 6 * large.length < HEADS_SIZE_MAX && served > 50, `${served} requests`);
  assert.match(ends.at(-1) ?? "", /^\/125 reset ENHANCE_YOUR_CALM trailer sections too large together$/);
  for (let index = 1; index < 100; index++) conversation.hear(reset(id(index), 8));
  assert.equal(asked(127), "/127 end 0");
});

test("a stream that was reset is remembered while its peer may not know", () => {
  const conversation = Conversation.open();
  conversation.hear(join(post(1), windowUpdate(1, 0)));
  for (let index = 1; index < 256; index++) {
    conversation.nowMs += 1000;
    conversation.hear(join(post(id(index)), windowUpdate(id(index), 0)));
  }
  assert.deepEqual(conversation.hear(data(1, "x")), []);
  conversation.nowMs += 1000;
  conversation.hear(join(post(id(256)), windowUpdate(id(256), 0)));
  assert.match(conversation.hear(data(1, "x"))[0] ?? "", /^failed STREAM_CLOSED/);
});
