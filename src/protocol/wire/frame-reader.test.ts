import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asBytes } from "../../std/bytes.ts";
import { FrameReader } from "./frame-reader.ts";
import { FRAME_SIZE_MAX } from "./frames.ts";
import { MalformedFrame } from "./marshal-reader.ts";

function frame(size: number, fill: number): Buffer {
  const bytes = Buffer.alloc(4 + size, fill);
  bytes.writeUInt32LE(size);
  return bytes;
}

describe("the frame reader", () => {
  test("gives frames that are whole as views of what was received", () => {
    const reader = new FrameReader();
    const bytes = asBytes(Buffer.concat([frame(3, 1), frame(0, 0), frame(2, 2)]));
    reader.receive(bytes);
    const seen: (readonly [number, number])[] = [];
    while (reader.next()) {
      assert.equal(reader.bytes, bytes);
      seen.push([reader.start, reader.end]);
    }
    assert.deepEqual(seen, [[4, 7], [11, 11], [15, 17]]);
    assert.equal(reader.next(), false);
  });

  test("gathers a frame that is cut, in memory of its own, and goes on behind it", () => {
    for (let cut = 1; cut < 24; cut++) {
      const bytes = Buffer.concat([frame(10, 1), frame(6, 2)]);
      const reader = new FrameReader();
      const seen: string[] = [];
      for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        const copy = asBytes(Buffer.from(piece));
        reader.receive(copy);
        while (reader.next()) seen.push(reader.bytes.subarray(reader.start, reader.end).toString("hex"));
        copy.fill(0xaa);
      }
      assert.deepEqual(seen, ["01".repeat(10), "02".repeat(6)], `cut at ${cut}`);
    }
  });

  test("takes the largest frame in many pieces, and not one byte more", () => {
    const bytes = frame(FRAME_SIZE_MAX, 7);
    const reader = new FrameReader();
    let count = 0;
    for (let at = 0; at < bytes.length; at += 65_536) {
      reader.receive(asBytes(bytes.subarray(at, at + 65_536)));
      while (reader.next()) count += reader.end - reader.start;
    }
    assert.equal(count, FRAME_SIZE_MAX);
    const beyond = new FrameReader();
    beyond.receive(asBytes(frame(FRAME_SIZE_MAX + 1, 7)));
    assert.throws(() => beyond.next(), MalformedFrame);
  });
});
