// Certificates are renewed: months pass at once by a clock that the tests turn, and the issuer is a real ACME server,
// whose own clock goes on as ever.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { requirePebble } from "../../tools/pebble.ts";
import { type Intercept, Pebble } from "../support/pebble.ts";
import { SimulatedClock } from "../support/simulated-clock.ts";
import { Harness, SHORT, issuerSettings, wanted } from "./harness.ts";

const ORDER = "POST /order-plz";
const HOUR_MS = 3_600_000, DAY_MS = 24 * HOUR_MS;
/** Where Pebble says when to renew. */
const RENEWAL_INFO = /renewalInfo/;

describe("renewals of certificates", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-renewal-"));
  let pebble: Pebble;
  before(async () => {
    pebble = await Pebble.start(directory);
    pebble.resolve("site.example", "other.example");
  });
  after(async () => {
    await pebble[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(() => {
    pebble.intercept = () => undefined;
  });

  /** Leaves two thirds of the lifetime to count. */
  function withoutRenewalInfo({ path }: { readonly path: string }): ReturnType<Intercept> {
    return RENEWAL_INFO.test(path) ? { status: 404, body: "" } : undefined;
  }

  function short(name: string): ReturnType<typeof wanted> {
    return wanted(name, { profile: SHORT });
  }

  test("are made at two thirds of the lifetime, where the issuer does not say when", async () => {
    pebble.intercept = withoutRenewalInfo;
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [short("site.example")] });
    const first = await harness.certificate();
    await harness.pass(3.8 * DAY_MS - HOUR_MS);
    assert.equal(harness.served.length, 1);
    await harness.pass(0.2 * DAY_MS + HOUR_MS);
    assert.equal(harness.served.length, 2);
    assert.notEqual(harness.served[1]?.chain, first.chain);
    assert.notEqual(harness.served[1]?.key, first.key);
  });

  test("of ninety days are made after fifty-seven to sixty", async () => {
    pebble.intercept = withoutRenewalInfo;
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("site.example")] });
    await harness.certificate();
    await harness.pass(57 * DAY_MS - HOUR_MS);
    assert.equal(harness.served.length, 1);
    await harness.pass(3 * DAY_MS + 2 * HOUR_MS);
    // The new one is as old by our clock: Pebble's stands where it was.
    assert.ok(harness.served.length > 1);
  });

  test("are made at once where the issuer wants it, and name the certificate that they follow", async () => {
    const statePath = mkdtempSync(join(directory, "state-"));
    const issuers = [issuerSettings(pebble, { statePath })];
    await using harness = new Harness(pebble);
    harness.settings({ issuers, certificates: [wanted("site.example")] });
    const first = await harness.certificate();
    await harness.settled();
    await pebble.setRenewalWindow(first.chain, new Date(Date.now() - DAY_MS), new Date(Date.now() - HOUR_MS));
    await harness.pass(7 * HOUR_MS);
    assert.equal(harness.served.length, 2);
    await harness.noticed(/pebble wants .* site\.example to be renewed now \(https:\/\/issuer\.example\/why\)/);
    assert.match(pebble.output, /ARI: order "[^"]+" is a replacement of/);
  });

  test("wait for the window that the issuer says, which outlives a restart", async () => {
    const statePath = mkdtempSync(join(directory, "state-"));
    const settings = { issuers: [issuerSettings(pebble, { statePath })], certificates: [short("site.example")] };
    const clock = new SimulatedClock();
    {
      await using harness = new Harness(pebble, clock);
      harness.settings(settings);
      const first = await harness.certificate();
      await harness.settled();
      // Two thirds are after four days.
      await pebble.setRenewalWindow(
        first.chain, new Date(clock.now() + 4.5 * DAY_MS), new Date(clock.now() + 4.6 * DAY_MS),
      );
      await harness.pass(7 * HOUR_MS);
    }
    pebble.intercept = ({ path }) => (RENEWAL_INFO.test(path) ? { status: 500, body: "" } : undefined);
    await using harness = new Harness(pebble, clock);
    harness.settings(settings);
    await harness.pass(4.45 * DAY_MS - 7 * HOUR_MS);
    assert.equal(harness.served.length, 1);
    await harness.pass(0.2 * DAY_MS);
    assert.equal(harness.served.length, 2);
  });

  test("go on where the issuer's window makes no sense", async () => {
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [short("site.example")] });
    const first = await harness.certificate();
    await pebble.setRenewalWindow(first.chain, new Date(8e15), new Date(0));
    await harness.pass(3.7 * DAY_MS);
    assert.equal(harness.served.length, 1);
    // Due after 3.8 to 4 days. Pebble's clock stands still, so the new one is due again after a rest of six hours.
    await harness.pass(0.3 * DAY_MS);
    assert.equal(harness.served.length, 2);
  });

  test("wait while the issuer is away for a day: what is there is served, and a few attempts are made", async () => {
    pebble.intercept = withoutRenewalInfo;
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [short("site.example")] });
    await harness.certificate();
    await harness.pass(3.7 * DAY_MS);
    // The connection is closed without an answer.
    pebble.intercept = () => ({ status: 0, body: "" });
    const before = pebble.requests.length;
    await harness.pass(DAY_MS);
    assert.equal(harness.served.length, 1);
    const notice = await harness.noticed(/no certificate/);
    assert.match(notice, /^warning: .*127\.0\.0\.1 cannot be asked: .*the one that is served counts until/);
    const attempts = harness.notices.filter((text) => text.includes("no certificate")).length;
    assert.ok(attempts >= 5 && attempts <= 10, `${attempts} attempts`);
    assert.ok(pebble.requests.length - before < 60, `${pebble.requests.length - before} requests`);
    pebble.intercept = () => undefined;
    await harness.pass(6.7 * HOUR_MS);
    assert.ok(harness.served.length > 1, harness.notices.join("\n"));
  });

  test("say it louder when little is left, and what has ended is served still", async () => {
    pebble.intercept = withoutRenewalInfo;
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [short("site.example")] });
    await harness.certificate();
    pebble.intercept = () => ({ status: 0, body: "" });
    await harness.pass(7 * DAY_MS);
    assert.equal(harness.served.length, 1);
    assert.match(harness.notices.find((text) => text.includes("no certificate")) ?? "", /^warning/);
    const last = harness.notices.findLast((text) => text.includes("no certificate")) ?? "";
    assert.match(last, /^error: .*the one that is served has ended on/);
  });

  test("are not made again and again by a clock that is days ahead", async () => {
    await using harness = new Harness(pebble, new SimulatedClock(Date.now() + 365 * DAY_MS));
    const before = pebble.count(ORDER);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("site.example")] });
    await harness.certificate();
    await harness.noticed(/the clock of this machine says .*, that of pebble .*: set it/);
    await harness.noticed(/counts from .* to .*: set the clock/);
    await harness.pass(DAY_MS);
    assert.ok(pebble.count(ORDER) - before <= 5, `${pebble.count(ORDER) - before} orders`);
  });

  test("of a clock that is behind, the certificate is served though it is not valid yet, and made when it is time",
    async () => {
      const behindMs = 30 * DAY_MS;
      await using harness = new Harness(pebble, new SimulatedClock(Date.now() - behindMs));
      harness.settings({ issuers: [issuerSettings(pebble)], certificates: [short("site.example")] });
      const { notBefore } = await harness.certificate();
      assert.ok(notBefore > harness.clock.now());
      await harness.noticed(/counts from .* to .*: set the clock/);
      await harness.pass(DAY_MS);
      assert.equal(harness.served.length, 1);
      // Somebody corrects it: that is seen within the hour.
      harness.clock.jump(behindMs + 4 * DAY_MS);
      await harness.pass(HOUR_MS);
      assert.equal(harness.served.length, 2);
    });
});
