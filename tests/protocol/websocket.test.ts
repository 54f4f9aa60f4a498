// The reader of frames with the cases of tests/cases/websocket, which go through the categories of the Autobahn test
// suite (its numbers stand in front of the names) and some that it does not have.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FrameCase, bytesIn, eventsOut, readCases, settingsOf } from "./websocket-cases.ts";
import { encode, play, playEveryWay } from "./websocket.ts";
import { cut } from "./engine.ts";

const files = ["1-framing", "2-pings", "3-reserved-bits", "4-opcodes", "5-fragmentation", "7-closing", "9-limits"];

for (const file of files) {
  describe(`WebSocket frames, ${file}`, () => {
    for (const item of readCases<FrameCase>(file)) {
      test(item.name, () => {
        const bytes = bytesIn(item);
        const settings = settingsOf(item);
        assert.deepEqual(playEveryWay(bytes, settings), eventsOut(item));
        const ended = /^(?:close|violation) /.test(item.out.at(-1) ?? "");
        const more = encode({ opcode: 1, payload: Buffer.from("a") }, settings.role === "server" ? "client" : "server");
        if (ended) assert.deepEqual(play([bytes, more], settings), eventsOut(item), "nothing follows the end");
      });
    }
  });
}

interface TextCase {
  readonly name: string;
  readonly hex: string;
  readonly valid: boolean;
  /** The first byte after which nothing could make it right; null when it is only cut. */
  readonly wrongAt?: number | null;
}

describe("WebSocket text, 6-text", () => {
  for (const { name, hex, valid, wrongAt } of readCases<TextCase>("6-text")) {
    const payload = Buffer.from(hex, "hex");
    const expected = valid ? [`text ${payload.toString()}`] : ["violation 1007"];
    const shorter = name.length > 90 ? `${name.slice(0, 90)}…` : name;

    test(`${shorter} ${valid ? "is text" : "is none"}`, () => {
      assert.deepEqual(playEveryWay(encode({ opcode: 1, payload })), expected, "in one frame");
      const single = Array.from(payload, (_, at) => encode({
        opcode: at === 0 ? 1 : 0, payload: payload.subarray(at, at + 1), fin: at === payload.length - 1,
      }));
      if (single.length > 0) assert.deepEqual(playEveryWay(Buffer.concat(single)), expected, "in many fragments");
      for (let at = 0; at <= payload.length; at += Math.ceil(payload.length / 50) || 1) {
        const fragments = [
          encode({ opcode: 1, payload: payload.subarray(0, at), fin: false }),
          encode({ opcode: 9, payload: Buffer.alloc(0) }),
          encode({ opcode: 0, payload: payload.subarray(at) }),
        ];
        // What is wrong in the first fragment is refused before the ping.
        const early = typeof wrongAt === "number" && wrongAt < at;
        assert.deepEqual(playEveryWay(Buffer.concat(fragments)), early ? expected : ["ping ", ...expected]);
      }
    });

    if (typeof wrongAt === "number") {
      test(`${shorter} fails at byte ${wrongAt}, whatever was still to come`, () => {
        const frame = encode({ opcode: 1, payload: Buffer.concat([payload, Buffer.alloc(200, "a")]) });
        const start = frame.length - payload.length - 200;
        assert.deepEqual(play([frame.subarray(0, start + wrongAt)]), [], "not before");
        assert.deepEqual(play([frame.subarray(0, start + wrongAt + 1)]), expected);
        assert.deepEqual(play(cut(frame.subarray(0, start + wrongAt + 1), start + wrongAt)), expected);
      });
    }
  }

  test("the same bytes are no text in a binary message, and no fault", () => {
    for (const { hex } of readCases<TextCase>("6-text")) {
      assert.deepEqual(playEveryWay(encode({ opcode: 2, payload: Buffer.from(hex, "hex") })), [`binary ${hex}`]);
    }
  });
});
