import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { encodeBlock } from "../../src/protocol/h2/index.ts";
import { TRANSITIONS } from "../../src/protocol/h2/stream-table.ts";
import { allocate, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import { Conversation, type ConversationOptions, type Stream } from "./conversation.ts";
import {
  CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HAS_PRIORITY, HEADERS, PADDED, PING, PRIORITY, PRIORITY_UPDATE,
  PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, data, frame, get, headers, post, preface, requestFields, reset,
  settingsFrame, uint32, windowUpdate, type Fields,
} from "./frames.ts";

/** Answers each request at once. */
const atOnce = (engine: Conversation["engine"], stream: Stream): void => {
  engine.sender.headers(stream.row, encodeBlock([[":status", "200"]]), allocate(0), false);
  engine.sender.data(stream.row, fromLatin1("hello"), 0, 5, true);
};
const heard = (bytes: Bytes, options: ConversationOptions = {}): readonly string[] =>
  Conversation.open(options).hear(bytes);
const join = (...parts: readonly Bytes[]): Bytes => concatBytes(parts);

describe("a connection", () => {
  test("begins with our settings, and acknowledges the client's", () => {
    const conversation = new Conversation();
    assert.deepEqual(conversation.said(), ["SETTINGS", "WINDOW_UPDATE 0 983041"]);
    assert.deepEqual(conversation.hear(preface()), []);
    assert.deepEqual(conversation.said(), ["SETTINGS ack"]);
  });

  test("carries requests, and their responses in any order", () => {
    const conversation = Conversation.open();
    assert.deepEqual(conversation.hear(join(get(1, "/a"), get(3, "/b"))), ["request GET /a", "request GET /b"]);
    for (const name of ["/b", "/a"]) atOnce(conversation.engine, conversation.streams.get(name) as Stream);
    assert.deepEqual(conversation.said(), ["HEADERS 3", "DATA 3 5 end", "HEADERS 1", "DATA 1 5 end"]);
    assert.equal(conversation.engine.streamCount, 0);
    assert.ok(conversation.engine.invariants());
  });

  test("knows a header block that comes again, and reads it anew when the table has changed", () => {
    const conversation = Conversation.open({ answer: atOnce });
    const indexed = fromLatin1("\x40\x01a\x01b");
    const block = join(encodeBlock(requestFields("GET", "/")), fromLatin1("\xbe"));
    const first = frame(HEADERS, 5, 1, join(encodeBlock(requestFields("GET", "/first")), indexed));
    assert.deepEqual(conversation.hear(first), ["request GET /first"]);
    for (const stream of [3, 5, 7]) {
      assert.deepEqual(conversation.hear(frame(HEADERS, 5, stream, block)), ["request GET /"]);
    }
    const bad = frame(HEADERS, 5, 9, join(encodeBlock(requestFields("GET", "/9")), fromLatin1("\x40\x01A\x01b")));
    assert.deepEqual(conversation.hear(bad), ['malformed GET /9 400 field "A"']);
    // What was "a" is "A" now, which no name may have.
    assert.deepEqual(conversation.hear(frame(HEADERS, 5, 11, block)), ['malformed GET / 400 field "A"']);
  });

  test("says the same, however its bytes were cut", () => {
    const bytes = join(
      preface([4, 70_000]), get(1, "/one"), post(3, [["content-length", "11"]], "/two"), data(3, "hello "),
      frame(PING, 0, 0, "12345678"), data(3, frame(DATA, 0, 0, "world").subarray(9), END_STREAM),
      post(5, [], "/three"), frame(DATA, PADDED, 5, "\x03abc\0\0\0"), headers(5, [["x-trailer", "1"]]),
      frame(HEADERS, END_STREAM, 7, encodeBlock(requestFields("GET", "/four"))),
      frame(CONTINUATION, 0, 7, ""), frame(CONTINUATION, END_HEADERS, 7, encodeBlock([["accept", "*/*"]])),
      windowUpdate(0, 1000), reset(7, 8), post(9, [], "/five"), data(9, "x".repeat(100)), reset(9, 8),
      frame(99, 255, 99, "what is that"), get(11, "/six"),
    );
    const answer: typeof atOnce = (engine, stream) => {
      if (stream.name !== "/two" && stream.name !== "/three") atOnce(engine, stream);
    };
    const whole = new Conversation({ answer });
    whole.hear(bytes);
    const expected = [whole.events.join("\n"), whole.said().join("\n")];
    assert.match(expected[0] ?? "", /\/two end 11\n(?:.*\n)*\/three end 3\n/);
    const eachByte = new Conversation({ answer });
    eachByte.hear(bytes, Array.from({ length: bytes.length - 1 }, (_, index) => index + 1));
    assert.deepEqual([eachByte.events.join("\n"), eachByte.said().join("\n")], expected);
    fc.assert(fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (cuts) => {
      const cut = new Conversation({ answer });
      cut.hear(bytes, cuts);
      assert.deepEqual([cut.events.join("\n"), cut.said().join("\n")], expected);
      assert.ok(cut.engine.invariants());
    }));
  });

  test("bears any bytes: events, or one failure", () => {
    const pieces = fc.oneof(
      fc.tuple(fc.integer({ min: 0, max: 17 }), fc.nat(255), fc.nat(7), fc.uint8Array({ maxLength: 40 }))
        .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload)),
      fc.nat(9).map((index) => get(index * 2 + 1)), fc.nat(9).map((index) => post(index * 2 + 1)),
      fc.nat(9).map((index) => data(index * 2 + 1, "abc", index & 1)), fc.uint8Array({ maxLength: 12 }),
    );
    fc.assert(fc.property(fc.array(pieces, { maxLength: 40 }), fc.boolean(), (parts, answers) => {
      const conversation = Conversation.open(answers ? { answer: atOnce } : {});
      for (const part of parts) conversation.hear(concatBytes([part]));
      assert.ok(conversation.events.filter((event) => event.startsWith("failed")).length <= 1);
      assert.ok(conversation.engine.invariants());
    }), { numRuns: 300 });
  });

  test("that ends in peace serves what had begun, and nothing later", () => {
    const conversation = Conversation.open();
    conversation.hear(get(1, "/a"));
    conversation.engine.goAway(0, "", 2 ** 31 - 1);
    assert.deepEqual(conversation.hear(get(3, "/b")), ["request GET /b"]);
    conversation.engine.goAway(0, "");
    assert.deepEqual(conversation.hear(get(5, "/c")), []);
    assert.deepEqual(conversation.said(), ["GOAWAY 2147483647 NO_ERROR", "GOAWAY 3 NO_ERROR"]);
    assert.deepEqual(conversation.hear(frame(GOAWAY, 0, 0, concatBytes([uint32(0), uint32(2)]))),
      ["goaway INTERNAL_ERROR"]);
  });
});

describe("what RFC 9113 forbids", () => {
  const open = post(1);
  const ended = get(1);
  const connection: readonly (readonly [what: string, code: string, bytes: Bytes])[] = [
    ["another first frame than SETTINGS", "PROTOCOL_ERROR",
      join(fromLatin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), get(1))],
    ["another preface", "PROTOCOL_ERROR", fromLatin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")],
    ["a frame that is too large", "FRAME_SIZE_ERROR", frame(DATA, 0, 1, allocate(16_385))],
    ["DATA on stream 0", "PROTOCOL_ERROR", data(0, "x")],
    ["DATA on an idle stream", "PROTOCOL_ERROR", data(1, "x")],
    ["padding that is longer than its frame", "PROTOCOL_ERROR", join(open, frame(DATA, PADDED, 1, "\x05abc"))],
    ["HEADERS on stream 0", "PROTOCOL_ERROR", get(0)],
    ["HEADERS on an even stream", "PROTOCOL_ERROR", get(2)],
    ["HEADERS padded beyond their end", "PROTOCOL_ERROR", frame(HEADERS, PADDED | 4, 1, "\xff\x82")],
    ["HEADERS whose priority is cut", "PROTOCOL_ERROR", frame(HEADERS, HAS_PRIORITY | 4, 1, "\0\0\0")],
    ["a stream that depends on itself", "PROTOCOL_ERROR", frame(HEADERS, HAS_PRIORITY | 4, 1, "\0\0\0\x01\0\x82")],
    ["a header block that no table knows", "COMPRESSION_ERROR", frame(HEADERS, 5, 1, "\xff\xff\xff\xff\xff")],
    ["something between the frames of a header block", "PROTOCOL_ERROR", join(frame(HEADERS, 1, 1, "\x82"), get(3))],
    ["CONTINUATION of another stream", "PROTOCOL_ERROR",
      join(frame(HEADERS, 1, 1, "\x82"), frame(CONTINUATION, 4, 3, "\x82"))],
    ["CONTINUATION of nothing", "PROTOCOL_ERROR", frame(CONTINUATION, 4, 1, "\x82")],
    ["PRIORITY on stream 0", "PROTOCOL_ERROR", frame(PRIORITY, 0, 0, "\0\0\0\0\0")],
    ["PRIORITY of another size on an idle stream", "FRAME_SIZE_ERROR", frame(PRIORITY, 0, 1, "\0\0\0\0")],
    ["an idle stream that depends on itself", "PROTOCOL_ERROR", frame(PRIORITY, 0, 1, "\0\0\0\x01\0")],
    ["RST_STREAM on stream 0", "PROTOCOL_ERROR", reset(0, 8)],
    ["RST_STREAM on an idle stream", "PROTOCOL_ERROR", reset(1, 8)],
    ["RST_STREAM of another size", "FRAME_SIZE_ERROR", join(open, frame(RST_STREAM, 0, 1, "abc"))],
    ["SETTINGS on a stream", "PROTOCOL_ERROR", frame(SETTINGS, 0, 1, "")],
    ["SETTINGS of another size", "FRAME_SIZE_ERROR", frame(SETTINGS, 0, 0, "abc")],
    ["an acknowledgement that says something", "FRAME_SIZE_ERROR", frame(SETTINGS, 1, 0, "abcdef")],
    ["SETTINGS_ENABLE_PUSH of 2", "PROTOCOL_ERROR", settingsFrame([2, 2])],
    ["SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", "FLOW_CONTROL_ERROR", settingsFrame([4, 2 ** 31])],
    ["SETTINGS_INITIAL_WINDOW_SIZE that makes a window too large", "FLOW_CONTROL_ERROR",
      join(open, windowUpdate(1, 2 ** 31 - 1 - 65_535), settingsFrame([4, 65_536]))],
    ["SETTINGS_MAX_FRAME_SIZE below 2^14", "PROTOCOL_ERROR", settingsFrame([5, 16_383])],
    ["SETTINGS_MAX_FRAME_SIZE above 2^24-1", "PROTOCOL_ERROR", settingsFrame([5, 2 ** 24])],
    ["SETTINGS_ENABLE_CONNECT_PROTOCOL of 2", "PROTOCOL_ERROR", settingsFrame([8, 2])],
    ["PUSH_PROMISE", "PROTOCOL_ERROR", frame(PUSH_PROMISE, 4, 1, "\0\0\0\x02\x82")],
    ["PING on a stream", "PROTOCOL_ERROR", frame(PING, 0, 1, "12345678")],
    ["PING of another size", "FRAME_SIZE_ERROR", frame(PING, 0, 0, "1234567")],
    ["GOAWAY on a stream", "PROTOCOL_ERROR", frame(GOAWAY, 0, 1, "12345678")],
    ["GOAWAY that is cut", "FRAME_SIZE_ERROR", frame(GOAWAY, 0, 0, "1234567")],
    ["WINDOW_UPDATE of another size", "FRAME_SIZE_ERROR", frame(WINDOW_UPDATE, 0, 0, "abc")],
    ["WINDOW_UPDATE of 0", "PROTOCOL_ERROR", windowUpdate(0, 0)],
    ["WINDOW_UPDATE on an idle stream", "PROTOCOL_ERROR", windowUpdate(1, 1)],
    ["a window above 2^31-1", "FLOW_CONTROL_ERROR", windowUpdate(0, 2 ** 31 - 1)],
    ["PRIORITY_UPDATE on a stream", "PROTOCOL_ERROR", frame(PRIORITY_UPDATE, 0, 1, "\0\0\0\x01u=1")],
    ["PRIORITY_UPDATE of stream 0", "PROTOCOL_ERROR", frame(PRIORITY_UPDATE, 0, 0, "\0\0\0\0u=1")],
    ["PRIORITY_UPDATE that is cut", "FRAME_SIZE_ERROR", frame(PRIORITY_UPDATE, 0, 0, "\0\0\0")],
    ["DATA on a stream that the client has reset", "STREAM_CLOSED", join(open, reset(1, 8), data(1, "x"))],
    ["HEADERS on a stream that the client has reset", "STREAM_CLOSED", join(ended, reset(1, 8), get(1))],
    ["a stream below the last one", "STREAM_CLOSED", join(get(5), get(3))],
  ];
  for (const [what, code, bytes] of connection) {
    test(`${what} ends the connection with ${code}`, () => {
      const conversation = what.includes("preface") || what.includes("first frame")
        ? new Conversation() : Conversation.open();
      assert.match(conversation.hear(bytes).at(-1) ?? "", new RegExp(`^failed ${code} `));
      assert.match(conversation.said().at(-1) ?? "", new RegExp(`^GOAWAY \\d+ ${code}$`));
      assert.deepEqual(conversation.hear(get(99)), [], "nothing is read behind it");
    });
  }

  const lines = (...more: Fields): Bytes => get(1, "/", more);
  const onlyThese = (fields: Fields): Bytes => headers(1, fields);
  const pseudo = Object.fromEntries(requestFields("GET", "/")) as Readonly<Record<string, string>>;
  const without = (name: string): Fields => Object.entries(pseudo).filter(([own]) => own !== name);
  const stream: readonly (readonly [what: string, code: string, bytes: Bytes])[] = [
    ["DATA behind END_STREAM", "STREAM_CLOSED", join(ended, data(1, "x"))],
    ["HEADERS behind END_STREAM", "STREAM_CLOSED", join(ended, headers(1, [["a", "b"]]))],
    ["trailers that do not end the stream", "PROTOCOL_ERROR", join(open, headers(1, [["a", "b"]], END_HEADERS))],
    ["a pseudo-header field in trailers", "PROTOCOL_ERROR", join(open, headers(1, [[":path", "/"]]))],
    ["a field of the connection in trailers", "PROTOCOL_ERROR", join(open, headers(1, [["connection", "close"]]))],
    ["a line end in trailers", "PROTOCOL_ERROR", join(open, headers(1, [["a", "b\r\nc: d"]]))],
    ["more trailers than fields of a head may be", "PROTOCOL_ERROR",
      join(open, headers(1, Array.from({ length: 1001 }, () => ["a", ""] as const)))],
    ["PRIORITY of another size", "FRAME_SIZE_ERROR", join(open, frame(PRIORITY, 0, 1, "\0\0\0\0"))],
    ["a stream that depends on itself", "PROTOCOL_ERROR", join(open, frame(PRIORITY, 0, 1, "\0\0\0\x01\0"))],
    ["WINDOW_UPDATE of 0", "PROTOCOL_ERROR", join(open, windowUpdate(1, 0))],
    ["a window above 2^31-1", "FLOW_CONTROL_ERROR", join(open, windowUpdate(1, 2 ** 31 - 1))],
    ["less content than content-length says", "PROTOCOL_ERROR",
      join(post(1, [["content-length", "3"]]), data(1, "ab", END_STREAM))],
    ["more content than content-length says", "PROTOCOL_ERROR",
      join(post(1, [["content-length", "3"]]), data(1, "abcd"))],
    ["trailers before content-length is reached", "PROTOCOL_ERROR",
      join(post(1, [["content-length", "3"]]), data(1, "ab"), headers(1, [["a", "b"]]))],
    ["content-length without content", "PROTOCOL_ERROR", lines(["content-length", "3"])],
    ["a content-length that is none", "PROTOCOL_ERROR", lines(["content-length", "+3"])],
    ["two of them", "PROTOCOL_ERROR", lines(["content-length", "0"], ["content-length", "0"])],
    ["upper case in a name", "PROTOCOL_ERROR",
      frame(HEADERS, 5, 1, join(encodeBlock(requestFields("GET", "/")), fromLatin1("\0\x01A\x01b")))],
    ["an empty name", "PROTOCOL_ERROR",
      frame(HEADERS, 5, 1, join(encodeBlock(requestFields("GET", "/")), fromLatin1("\0\0\x01b")))],
    ["a blank in a name", "PROTOCOL_ERROR", lines(["a b", "c"])],
    ["a colon in a name", "PROTOCOL_ERROR", lines(["a:b", "c"])],
    ["a line end in a value", "PROTOCOL_ERROR", lines(["a", "b\r\nhost: c"])],
    ["NUL in a value", "PROTOCOL_ERROR", lines(["a", "b\0c"])],
    ["a blank before a value", "PROTOCOL_ERROR", lines(["a", " b"])],
    ["a blank behind a value", "PROTOCOL_ERROR", lines(["a", "b\t"])],
    ["Connection", "PROTOCOL_ERROR", lines(["connection", "close"])],
    ["Keep-Alive", "PROTOCOL_ERROR", lines(["keep-alive", "1"])],
    ["Proxy-Connection", "PROTOCOL_ERROR", lines(["proxy-connection", "close"])],
    ["Transfer-Encoding", "PROTOCOL_ERROR", lines(["transfer-encoding", "chunked"])],
    ["Upgrade", "PROTOCOL_ERROR", lines(["upgrade", "h2c"])],
    ["TE that is not trailers", "PROTOCOL_ERROR", lines(["te", "gzip"])],
    ["an unknown pseudo-header field", "PROTOCOL_ERROR", onlyThese([[":what", "x"], ...requestFields("GET", "/")])],
    [":status", "PROTOCOL_ERROR", onlyThese([[":status", "200"], ...requestFields("GET", "/")])],
    ["a pseudo-header field behind others", "PROTOCOL_ERROR", lines(["a", "b"], [":authority", "c"])],
    ["no :method", "PROTOCOL_ERROR", onlyThese(without(":method"))],
    ["no :scheme", "PROTOCOL_ERROR", onlyThese(without(":scheme"))],
    ["no :path", "PROTOCOL_ERROR", onlyThese(without(":path"))],
    ["an empty :path", "PROTOCOL_ERROR", get(1, "")],
    ["a :path that is no path", "PROTOCOL_ERROR", get(1, "http://a/b")],
    ["a blank in :path", "PROTOCOL_ERROR", get(1, "/a b")],
    ["* with GET", "PROTOCOL_ERROR", get(1, "*")],
    ["a :method that is none", "PROTOCOL_ERROR", headers(1, requestFields("get", "/"))],
    ["two methods", "PROTOCOL_ERROR", onlyThese([[":method", "GET"], ...requestFields("GET", "/")])],
    ["two paths", "PROTOCOL_ERROR", onlyThese([[":path", "/"], ...requestFields("GET", "/")])],
    [":protocol without CONNECT", "PROTOCOL_ERROR",
      onlyThese([[":protocol", "websocket"], ...requestFields("GET", "/")])],
    ["CONNECT with a :path", "PROTOCOL_ERROR", headers(1, requestFields("CONNECT", "/"))],
  ];
  for (const [what, code, bytes] of stream) {
    test(`${what} resets the stream with ${code}, and the next one is served`, () => {
      const conversation = Conversation.open();
      const events = conversation.hear(bytes);
      assert.match(events.at(-1) ?? "", new RegExp(`^(?:/ reset ${code} (?!by them)|/ malformed |malformed .* 400 )`));
      assert.deepEqual(conversation.said().filter((line) => line.startsWith("RST")), [`RST_STREAM 1 ${code}`]);
      assert.deepEqual(conversation.hear(get(3, "/next")), ["request GET /next"]);
      assert.ok(conversation.engine.invariants());
    });
  }
});

describe("a malformed request", () => {
  const answer: typeof atOnce = (engine, { row }) =>
    engine.sender.headers(row, encodeBlock([[":status", "400"]]), allocate(0), false);

  test("may be answered before its stream is reset", () => {
    const conversation = Conversation.open({ answer });
    const pathless = headers(3, requestFields("GET", "/b").slice(0, 2));
    assert.deepEqual(conversation.hear(join(get(1, "/a", [["a b", "c"]]), pathless)),
      ['malformed GET /a 400 field "a b"', "malformed   400 :path missing"]);
    assert.deepEqual(conversation.said(),
      ["HEADERS 1", "RST_STREAM 1 PROTOCOL_ERROR", "HEADERS 3", "RST_STREAM 3 PROTOCOL_ERROR"]);
    assert.equal(conversation.engine.streamCount, 0);
    assert.ok(conversation.engine.invariants());
  });

  test("is told of when its content makes it one, and nothing more of it", () => {
    const conversation = Conversation.open();
    const more = join(data(1, "abcd"), data(1, "e", END_STREAM), get(3, "/next"));
    assert.deepEqual(conversation.hear(join(post(1, [["content-length", "3"]]), more)),
      ["request POST /", "/ malformed content is not of content-length", "request GET /next"]);
    assert.deepEqual(conversation.said(), ["RST_STREAM 1 PROTOCOL_ERROR"]);
  });

  test("is refused like others where no stream more may be open", () => {
    const conversation = Conversation.open({ settings: { maxConcurrentStreams: 1 } });
    assert.deepEqual(conversation.hear(join(get(1, "/"), get(3, "/", [["a b", ""]]))), ["request GET /"]);
    assert.deepEqual(conversation.said(), ["RST_STREAM 3 REFUSED_STREAM"]);
  });
});

describe("a request that is answered with a status", () => {
  const table: readonly (readonly [what: string, expected: string, bytes: Bytes])[] = [
    ["without a host", "refused GET / 400 host_missing", headers(1, requestFields("GET", "/").slice(0, 3))],
    ["with two hosts that differ", "refused GET / 400 host_invalid", get(1, "/", [["host", "other"]])],
    ["whose host is none",
      "refused GET / 400 host_invalid",
      headers(1, [...requestFields("GET", "/").slice(0, 3), [":authority", "a@b"]])],
    ["with two types", "refused GET / 400 content_type_repeated",
      get(1, "/", [["content-type", "a/b"], ["content-type", "a/b"]])],
    ["that expects what nobody knows", "refused GET / 417 expectation", get(1, "/", [["expect", "x"]])],
    ["with a line that is too long", `refused GET /${"x".repeat(8192)} 414 request_line_size`,
      get(1, `/${"x".repeat(8192)}`)],
    ["with a field that is too long", "refused GET / 431 field_size", get(1, "/", [["a", "x".repeat(8192)]])],
    ["CONNECT", "refused CONNECT example.com:443 405 method",
      headers(1, [[":method", "CONNECT"], [":authority", "example.com:443"]])],
  ];
  for (const [what, expected, bytes] of table) {
    test(`${what}`, () => assert.deepEqual(heard(bytes), [expected]));
  }

  test("with a list that is too large, and the connection goes on until that is too often", () => {
    const conversation = Conversation.open({
      settings: { limits: { requestLineSizeMax: 8192, fieldCountMax: 20, fieldSizeMax: 8192, headSizeMax: 32_768 } },
      answer: atOnce,
    });
    const fields = (count: number): Fields => Array.from({ length: count }, () => ["x", "y"]);
    assert.deepEqual(conversation.hear(get(1, "/", fields(20))), ["request GET /"]);
    for (let id = 3; id < 3 + 2 * 16; id += 2) {
      assert.deepEqual(conversation.hear(get(id, "/", fields(21))), ["refused   431 header list too large"]);
    }
    assert.match(conversation.hear(get(99, "/", fields(21)))[0] ?? "", /^failed ENHANCE_YOUR_CALM/);
  });

  test("with more fields than it may have, of which a cookie's crumbs are one", () => {
    const limits = { requestLineSizeMax: 8192, fieldCountMax: 2, fieldSizeMax: 8192, headSizeMax: 32_768 };
    const conversation = Conversation.open({ settings: { limits }, answer: atOnce });
    const crumbs = (count: number): Fields => Array.from({ length: count }, () => ["cookie", "a=b"]);
    assert.deepEqual(conversation.hear(get(1, "/", [["x", "y"], ...crumbs(100)])), ["request GET /"]);
    assert.deepEqual(conversation.hear(get(3, "/", [["x", "y"], ["z", ""], ...crumbs(1)])),
      ["refused   431 header list too large"]);
    assert.deepEqual(conversation.hear(get(5, "/", crumbs(2000))), ["refused   431 header list too large"]);
  });
});

describe("what is a request", () => {
  test("its host may be in :authority, in Host, or the same in both", () => {
    const plain = requestFields("GET", "/").slice(0, 3);
    for (const fields of [[[":authority", "a"]], [["host", "a"]], [[":authority", "a"], ["host", "A"]]] as Fields[]) {
      assert.deepEqual(heard(headers(1, [...plain, ...fields])), ["request GET /"]);
    }
  });

  test("OPTIONS may ask for *", () => assert.deepEqual(heard(headers(1, requestFields("OPTIONS", "*"))),
    ["request OPTIONS *"]));

  test("its cookies are one field, and its host is the first", () => {
    const engine = Conversation.open().engine;
    engine.receive(get(1, "/", [["cookie", "a=1"], ["accept", "x"], ["cookie", "b=2"]]), 0);
    const event = engine.next();
    assert.ok(typeof event === "object" && event.kind === "request");
    const { fields } = event.head;
    const lines = Array.from({ length: fields.count }, (_, index) => `${fields.name(index)}: ${fields.value(index)}`);
    assert.deepEqual(lines, ["host: example.com", "accept: x", "cookie: a=1; b=2"]);
  });
});

test("the states of a stream are those of RFC 9113 §5.1", () => {
  assert.deepEqual(TRANSITIONS, {
    open: { "their-end": "remote-closed", "our-end": "local-closed" },
    "remote-closed": { "our-end": "closed" },
    "local-closed": { "their-end": "closed" },
    closed: {},
  });
});
