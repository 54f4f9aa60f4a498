import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asBytes, copyBytes, fromLatin1, fromUtf8 } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import type { DeflateCodec, WsDeflate } from "./deflate.ts";
import { OPCODE } from "./frames.ts";
import { OutgoingMessage } from "./outgoing-message.ts";
import { WsSender } from "./sender.ts";

const hex = (frame: string | Uint8Array): string =>
  Buffer.from(typeof frame === "string" ? fromLatin1(frame) : frame).toString("hex");

function outgoing(payload: string | Uint8Array, shared = false): OutgoingMessage {
  const message = new OutgoingMessage();
  const bytes = typeof payload === "string" ? fromUtf8(payload) : asBytes(payload);
  message.reset(bytes, 0, bytes.length, typeof payload === "string", shared);
  return message;
}

/** Remembers what it was asked, in place of compressing. */
class Recorder implements DeflateCodec {
  readonly dictionaries: string[] = [];
  payload = fromLatin1("\x01\x02");

  deflate(_bytes: Uint8Array, _windowBits: number, dictionary: Bytes): Bytes {
    this.dictionaries.push(dictionary.toString("latin1"));
    return this.payload;
  }

  inflate(): "invalid" {
    return "invalid";
  }
}

function agreed(codec: DeflateCodec, ownTakeover = true): WsDeflate {
  return { ownWindowBits: 12, ownTakeover, peerWindowBits: 12, peerTakeover: true, codec };
}

describe("a server's sender", () => {
  test("writes a message of up to 16 KiB as latin-1 text, a longer one as bytes of its own", () => {
    const sender = new WsSender(undefined);
    assert.equal(sender.frame(outgoing("hällo")), "\x81\x06h\xc3\xa4llo");
    assert.equal(sender.frame(outgoing(Uint8Array.of(0, 255))), "\x82\x02\x00\xff");
    assert.equal(sender.frame(outgoing("")), "\x81\x00");
    const text = sender.frame(outgoing("x".repeat(16_384)));
    assert.ok(typeof text === "string" && text.length === 4 + 16_384);
    const payload = Buffer.alloc(16_385, "x");
    const bytes = sender.frame(outgoing(payload));
    assert.ok(typeof bytes !== "string" && bytes.length === 4 + 16_385);
    payload.fill("y");
    assert.equal(bytes.toString("latin1", 4), "x".repeat(16_385), "what is written later must not change");
  });

  test("takes the part of the memory that is the message", () => {
    const message = new OutgoingMessage();
    message.reset(fromLatin1("abcdef"), 2, 4, false, false);
    assert.equal(new WsSender(undefined).frame(message), "\x82\x02cd");
  });

  test("writes the frame of a message once for all", () => {
    const message = outgoing(Buffer.alloc(20_000), true);
    assert.equal(new WsSender(undefined).frame(message), new WsSender(undefined).frame(message));
    message.reset(fromLatin1("next"), 0, 4, true, true);
    assert.equal(new WsSender(undefined).frame(message), "\x81\x04next");
  });

  test("writes parts of a message as fragments", () => {
    const sender = new WsSender(undefined);
    assert.equal(hex(sender.part(fromLatin1("ab"), OPCODE.text, false)), "01026162");
    assert.equal(hex(sender.part(fromLatin1("cd"), OPCODE.continuation, true)), "80026364");
  });
});

describe("a client's sender", () => {
  test("masks every frame with a key of its own", () => {
    const keys = [0x37fa213d, 0x01020304, 0x7fffffff];
    const sender = new WsSender(undefined, () => keys.shift() ?? assert.fail());
    // RFC 6455 §5.7: a single-frame masked text message.
    assert.equal(hex(sender.frame(outgoing("Hello"))), "818537fa213d7f9f4d5158");
    assert.equal(hex(sender.frame(outgoing("Hello"))), "8185010203044967" + "6f686e");
    assert.equal(hex(sender.part(fromLatin1("ab"), OPCODE.binary, false)), "02827fffffff1e9d");
  });

  test("leaves the payload as it was given", () => {
    const payload = copyBytes(fromLatin1("x".repeat(1000)));
    new WsSender(undefined, () => -1).frame(outgoing(payload));
    assert.equal(payload.toString(), "x".repeat(1000));
  });
});

describe("compression", () => {
  const long = (letter: string): string => letter.repeat(600);

  test("is for messages of 512 bytes and more", () => {
    const codec = new Recorder();
    const sender = new WsSender(agreed(codec));
    assert.equal((sender.frame(outgoing("x".repeat(511))) as string).length, 4 + 511);
    assert.equal(codec.dictionaries.length, 0);
    assert.equal(hex(sender.frame(outgoing("x".repeat(512)))), "c1020102", "RSV1 is set");
    assert.equal(hex(sender.frame(outgoing(Buffer.alloc(512)))), "c2020102");
  });

  test("leans on what was sent compressed before, and on nothing else", () => {
    const codec = new Recorder();
    const sender = new WsSender(agreed(codec));
    for (const text of [long("a"), "short", long("b"), long("c")]) sender.frame(outgoing(text));
    assert.deepEqual(codec.dictionaries, ["", long("a"), long("a") + long("b")]);
  });

  test("leans on nothing without context takeover", () => {
    const codec = new Recorder();
    const sender = new WsSender(agreed(codec, false));
    for (const letter of ["a", "b", "c"]) sender.frame(outgoing(long(letter)));
    assert.deepEqual(codec.dictionaries, ["", "", ""]);
  });

  test("for many is done once, leans on nothing, and is remembered by each", () => {
    const codec = new Recorder();
    const senders = Array.from({ length: 5 }, () => new WsSender(agreed(codec)));
    for (const sender of senders) sender.frame(outgoing(long("a")));
    assert.equal(codec.dictionaries.length, 5);
    const message = outgoing(long("b"), true);
    const frames = new Set(senders.map((sender) => sender.frame(message)));
    assert.equal(frames.size, 1);
    assert.deepEqual(codec.dictionaries.slice(5), [""]);
    for (const sender of senders) sender.frame(outgoing(long("c")));
    assert.deepEqual(codec.dictionaries.slice(6), senders.map(() => long("a") + long("b")));
  });

  test("for many is done anew for the next message", () => {
    const codec = new Recorder();
    const sender = new WsSender(agreed(codec));
    const message = outgoing(long("a"), true);
    sender.frame(message);
    codec.payload = fromLatin1("\x03");
    message.reset(fromUtf8(long("b")), 0, 600, true, true);
    assert.equal(hex(sender.frame(message)), "c10103");
  });

  test("for many is done once for each size of window", () => {
    const codec = new Recorder();
    const message = outgoing(long("a"), true);
    for (const ownWindowBits of [9, 12, 9, 12, 12]) new WsSender({ ...agreed(codec), ownWindowBits }).frame(message);
    assert.equal(codec.dictionaries.length, 2);
  });

  test("that saves nothing is not sent, and not remembered", () => {
    const codec = new Recorder();
    codec.payload = asBytes(Buffer.alloc(600));
    const sender = new WsSender(agreed(codec));
    assert.equal((sender.frame(outgoing(long("a"))) as string).slice(0, 5), "\x81\x7e\x02\x58a");
    sender.frame(outgoing(long("b"), true));
    codec.payload = asBytes(Buffer.alloc(599));
    assert.equal((sender.frame(outgoing(long("c"))) as string).slice(0, 4), "\xc1\x7e\x02\x57");
    sender.frame(outgoing(long("d")));
    assert.deepEqual(codec.dictionaries, ["", "", "", long("c")]);
  });

  test("of a client is masked, and leans on its history", () => {
    const codec = new Recorder();
    const sender = new WsSender(agreed(codec), () => 0x10203040);
    assert.equal(hex(sender.frame(outgoing(long("a")))), "c182102030401122");
    sender.frame(outgoing(long("b")));
    assert.deepEqual(codec.dictionaries, ["", long("a")]);
  });

  test("with a window of 256 bytes is left out, because zlib cannot", () => {
    const codec = new Recorder();
    for (const key of [undefined, (): number => 0]) {
      const sender = new WsSender({ ...agreed(codec), ownWindowBits: 8 }, key);
      assert.equal(hex(sender.frame(outgoing(long("a")))).slice(0, 2), "81");
    }
    assert.equal(codec.dictionaries.length, 0);
  });
});
