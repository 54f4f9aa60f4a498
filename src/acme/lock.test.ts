import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { SimulatedClock } from "../../tests/support/simulated-clock.ts";
import { Lock, STALE_AFTER_MS } from "./lock.ts";

describe("a lock between processes", () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-lock-"));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let count = 0;

  function fresh(): string {
    count += 1;
    return join(directory, `${count}.lock`);
  }

  /** Makes its file look as if it was touched so long ago. */
  function age(path: string, ms: number): void {
    const then = (Date.now() - ms) / 1000;
    utimesSync(path, then, then);
  }

  test("is held by one, and free again afterwards", () => {
    const path = fresh();
    const clock = new SimulatedClock();
    const lock = Lock.take(path, clock);
    assert.ok(lock !== undefined);
    assert.equal(Lock.take(path, clock), undefined);
    lock.release();
    assert.equal(existsSync(path), false);
    const next = Lock.take(path, clock);
    assert.ok(next !== undefined);
    next.release();
  });

  test("of a process that is dead is taken away at once, of another machine after a minute", () => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    const dead = fresh();
    writeFileSync(dead, `${hostname()} ${pid}`);
    const taken = Lock.take(dead, new SimulatedClock());
    assert.ok(taken !== undefined);
    taken.release();
    const far = fresh();
    writeFileSync(far, `another-machine ${pid}`);
    assert.equal(Lock.take(far, new SimulatedClock()), undefined);
    age(far, STALE_AFTER_MS + 1000);
    const lock = Lock.take(far, new SimulatedClock());
    assert.ok(lock !== undefined);
    lock.release();
  });

  test("of a process that lives is left alone", () => {
    const path = fresh();
    writeFileSync(path, `${hostname()} ${process.ppid}`);
    assert.equal(Lock.take(path, new SimulatedClock()), undefined);
  });

  test("is touched while it is held", async () => {
    const path = fresh();
    const clock = new SimulatedClock();
    const lock = Lock.take(path, clock);
    age(path, STALE_AFTER_MS);
    await clock.pass(11_000, () => Promise.resolve());
    assert.ok(Date.now() - statSync(path).mtimeMs < STALE_AFTER_MS / 2);
    lock?.release();
  });

  test("that somebody else has taken away meanwhile stays with them", () => {
    const path = fresh();
    const lock = Lock.take(path, new SimulatedClock());
    writeFileSync(path, "another-machine 1");
    lock?.release();
    assert.equal(readFileSync(path, "utf8"), "another-machine 1");
  });

  test("is not taken away by two at once: who died while taking is waited for", () => {
    const path = fresh();
    writeFileSync(path, "another-machine 1");
    age(path, STALE_AFTER_MS + 1000);
    writeFileSync(`${path}.taking`, "another-machine 2");
    assert.equal(Lock.take(path, new SimulatedClock()), undefined);
    age(`${path}.taking`, STALE_AFTER_MS + 1000);
    assert.equal(Lock.take(path, new SimulatedClock()), undefined);
    const lock = Lock.take(path, new SimulatedClock());
    assert.ok(lock !== undefined);
    lock.release();
  });
});
