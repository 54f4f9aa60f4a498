// The shared memory of sessions.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SessionZone } from "./session-zone.ts";

const id = (number: number): Uint8Array => Uint8Array.of(number & 0xff, number >> 8, 0, 0, 9);
const session = (number: number, size: number = 100): Uint8Array => new Uint8Array(size).fill(number & 0xff);

describe("a zone of sessions", () => {
  test("gives back what it was given, in whichever thread, until that is over", () => {
    const memory = SessionZone.allocate(32_768);
    const [zone, other] = [new SessionZone(memory), new SessionZone(memory)];
    zone.put(id(1), session(1), 100);
    assert.deepEqual([...other.get(id(1), 100) ?? []], [...session(1)]);
    assert.equal(other.get(id(1), 101), undefined);
    assert.equal(other.get(id(2), 1), undefined);
    assert.equal(other.get(id(1).subarray(0, 4), 1), undefined);
    zone.put(id(1), session(2, 50), 200);
    assert.deepEqual([...other.get(id(1), 150) ?? []], [...session(2, 50)]);
  });

  test("keeps the newest when it is full, and nothing that is too large", () => {
    const zone = new SessionZone(SessionZone.allocate(32_768));
    for (let number = 0; number < 1000; number++) zone.put(id(number), session(number), 1000 + number);
    const kept = Array.from({ length: 1000 }, (_, number) => number).filter((number) => zone.get(id(number), 1));
    assert.ok(kept.length >= 50 && kept.length <= 64, `${kept.length} are kept`);
    assert.ok(kept.every((number) => number > 900));
    zone.put(id(1), session(1, 468), 10);
    assert.equal(zone.get(id(1), 1)?.length, 468);
    zone.put(id(2), session(2, 469), 10);
    assert.equal(zone.get(id(2), 1), undefined);
    zone.put(new Uint8Array(33), session(3), 10);
    assert.equal(zone.get(new Uint8Array(33), 1), undefined);
    zone.put(new Uint8Array(), session(3), 10);
    assert.equal(zone.get(new Uint8Array(), 1), undefined);
  });

  test("does without a bucket whose thread has died", () => {
    const memory = SessionZone.allocate(1);
    new Int32Array(memory)[0] = 1;
    const zone = new SessionZone(memory);
    zone.put(id(1), session(1), 100);
    assert.equal(zone.get(id(1), 1), undefined);
  });
});
