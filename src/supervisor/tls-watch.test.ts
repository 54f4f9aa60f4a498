// Keys of tickets in the master's hands; files that change are tried with the whole program (tests/tls).
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROTATION_MS } from "../tls/index.ts";
import { TlsKeys } from "./tls-watch.ts";

test("another key seals tickets every 12 hours, and the two before it still open them", () => {
  const keys = new TlsKeys();
  const first = keys.at(0);
  assert.equal(first.length, 1);
  assert.equal(keys.at(ROTATION_MS - 1), first);
  const second = keys.at(ROTATION_MS);
  assert.deepEqual([second.length, second[1]], [2, first[0]]);
  assert.equal(keys.at(2 * ROTATION_MS - 1), second);
  keys.at(2 * ROTATION_MS);
  const fourth = keys.at(3 * ROTATION_MS);
  assert.equal(fourth.length, 3);
  assert.ok(first[0] !== undefined && !fourth.includes(first[0]));
});
