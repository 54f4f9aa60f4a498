import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromLatin1, fromUtf8 } from "../../std/bytes.ts";
import { OPCODE, closeFrame, frameHead, pingFrame, pongFrame } from "./frames.ts";

const hex = (text: string): string => fromLatin1(text).toString("hex");

describe("the head of a frame", () => {
  test("says its length in as few bytes as possible", () => {
    const heads = [
      [0, "8200"], [125, "827d"], [126, "827e007e"], [127, "827e007f"], [65_535, "827effff"],
      [65_536, "827f0000000000010000"], [0xffff_ffff, "827f00000000ffffffff"], [2 ** 32 + 5, "827f0000000100000005"],
      [2 ** 53 - 1, "827f001fffffffffffff"],
    ] as const;
    for (const [size, head] of heads) assert.equal(hex(frameHead(OPCODE.binary, size, true, false, undefined)), head);
  });

  test("has FIN, RSV1 and the opcode in its first byte", () => {
    assert.equal(hex(frameHead(OPCODE.text, 5, true, false, undefined)), "8105");
    assert.equal(hex(frameHead(OPCODE.text, 5, false, false, undefined)), "0105");
    assert.equal(hex(frameHead(OPCODE.text, 5, true, true, undefined)), "c105");
    assert.equal(hex(frameHead(OPCODE.continuation, 5, true, false, undefined)), "8005");
  });

  test("ends with the key when it is masked", () => {
    assert.equal(hex(frameHead(OPCODE.text, 5, true, false, 0x37fa213d)), "818537fa213d");
    assert.equal(hex(frameHead(OPCODE.text, 5, true, false, -1)), "8185ffffffff");
    assert.equal(hex(frameHead(OPCODE.binary, 256, true, false, 0)), "82fe010000000000");
  });
});

describe("control frames", () => {
  test("a close has a code and a reason as UTF-8, or neither", () => {
    assert.equal(hex(closeFrame(1000)), "880203e8");
    assert.equal(hex(closeFrame(4999, "bye")), "8805138762" + "7965");
    assert.equal(hex(closeFrame(1001, "für")), "880603e966c3bc72");
    assert.equal(hex(closeFrame(undefined)), "8800");
  });

  test("a reason fills 123 bytes", () => {
    assert.equal(closeFrame(1000, "ä".repeat(61)).length, 2 + 2 + 122);
    assert.equal(closeFrame(1000, "a".repeat(123)).length, 127);
    assert.throws(() => closeFrame(1000, "a".repeat(124)), /assertion failed/);
    assert.throws(() => closeFrame(1000, "ä".repeat(62)), /assertion failed/);
  });

  test("a code that nobody may send does not leave", () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_536]) {
      assert.throws(() => closeFrame(code), /assertion failed/);
    }
  });

  test("a pong has the payload of its ping", () => {
    assert.equal(hex(pingFrame()), "8900");
    assert.equal(hex(pingFrame("\x00\xff")), "890200ff");
    assert.equal(hex(pongFrame(fromUtf8("ä"))), "8a02c3a4");
    assert.equal(pongFrame(fromUtf8("a".repeat(125))).length, 127);
    assert.throws(() => pingFrame("a".repeat(126)), /assertion failed/);
  });

  test("are masked by a client", () => {
    // RFC 6455 §5.7 has this payload and key, in a pong.
    assert.equal(hex(pongFrame(fromUtf8("Hello"), 0x37fa213d)), "8a8537fa213d7f9f4d5158");
    assert.equal(hex(closeFrame(1000, "", 0x01020304)), "88820102030402ea");
    assert.equal(hex(pingFrame("", 0x01020304)), "898001020304");
  });
});
