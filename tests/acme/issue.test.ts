// Certificates are ordered, from a real ACME server.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requirePebble } from "../../tools/pebble.ts";
import { Pebble } from "../support/pebble.ts";
import { Harness, issuerSettings, wanted } from "./harness.ts";

describe("certificates by themselves", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-issue-"));
  let pebble: Pebble;
  before(async () => {
    pebble = await Pebble.start(directory);
  });
  after(async () => {
    await pebble[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  function freshState(): string {
    return mkdtempSync(join(directory, "state-"));
  }

  test("are issued for names that HTTP proves", async () => {
    pebble.resolve("shop.example", "www.shop.example");
    await using harness = new Harness(pebble);
    const statePath = join(freshState(), "pebble");
    harness.settings({
      issuers: [issuerSettings(pebble, { statePath })], certificates: [wanted(["shop.example", "www.shop.example"])],
    });
    const served = await harness.certificate();
    assert.deepEqual([...served.names].sort(), ["shop.example", "www.shop.example"]);
    assert.equal(served.whence, "issued");
    assert.ok(new X509Certificate(served.chain).checkHost("www.shop.example"));
    await harness.settled();
    assert.equal(harness.reports.filter(({ kind }) => kind === "challenge").length, 2);
    assert.equal(harness.reports.filter(({ kind }) => kind === "challenge-removed").length, 2);
    assert.equal(statSync(statePath).mode & 0o777, 0o700);
    for (const entry of readdirSync(statePath, { recursive: true, withFileTypes: true })) {
      const { mode } = statSync(join(entry.parentPath, entry.name));
      assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
    }
  });
});
