// The keys of session tickets.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { TICKET_KEY_LONG_SIZE, TICKET_KEY_SIZE, randomTicketKey, rotated, ticketKeyCallback, ticketKeyOf }
  from "./ticket-keys.ts";

const iv = new Uint8Array(16);
const zeros: readonly number[] = Array.from(iv);

describe("keys of tickets", () => {
  test("are replaced by others, and three are kept", () => {
    const first = randomTicketKey();
    let keys = rotated([first]);
    assert.equal(keys[1], first);
    assert.notDeepEqual(keys[0], first);
    keys = rotated(keys);
    assert.equal(keys[2], first);
    keys = rotated(keys);
    assert.equal(keys.length, 3);
    assert.ok(!keys.includes(first));
  });

  test("seal with the newest, open with any, and say which tickets shall be replaced", () => {
    const [old, now] = [randomTicketKey(), randomTicketKey()];
    let keys = [old];
    const callback = ticketKeyCallback(() => keys);
    const [good, hmac, aes, name, sealingIv] = callback(new Uint8Array(16), iv, true);
    assert.equal(good, 1);
    assert.deepEqual([...Buffer.from(name as Uint8Array), ...hmac as Uint8Array, ...aes as Uint8Array], [...old]);
    assert.equal((sealingIv as Uint8Array).length, 16);
    assert.deepEqual(callback(old.subarray(0, 16), iv, false), [1, hmac, aes]);
    keys = [now, old];
    assert.deepEqual(callback(old.subarray(0, 16), iv, false), [2, hmac, aes]);
    assert.equal(callback(now.subarray(0, 16), iv, false)[0], 1);
    keys = [now];
    // Without two buffers of this size node aborts: a client's ticket of yesterday would end the process.
    const [unknown, ...nothing] = callback(old.subarray(0, 16), iv, false);
    assert.deepEqual([unknown, ...nothing.map((part) => [...part as Uint8Array])], [0, zeros, zeros]);
    keys = [];
    assert.deepEqual(callback(new Uint8Array(16), iv, true), [-1]);
  });

  test("of files have 48 bytes, or 80, of which all count", () => {
    const text = (size: number, last: string): string => "k".repeat(size - 1) + last;
    assert.equal(ticketKeyOf(text(TICKET_KEY_SIZE, "a"))?.length, TICKET_KEY_SIZE);
    const [one, other] = ["a", "b"].map((last) => ticketKeyOf(text(TICKET_KEY_LONG_SIZE, last)));
    assert.equal(one?.length, TICKET_KEY_SIZE);
    assert.notDeepEqual(one, other);
    for (const size of [1, 47, 49, 79, 81]) assert.equal(ticketKeyOf(text(size, "a")), undefined);
  });
});
