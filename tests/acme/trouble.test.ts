// What goes wrong with certificates, against a real ACME server: what is there goes on being served, and it is said
// what to do.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { makeKey } from "../../src/acme/key-types.ts";
import { requirePebble } from "../../tools/pebble.ts";
import { Pebble } from "../support/pebble.ts";
import { Harness, SHORT, issuerSettings, wanted } from "./harness.ts";

const ORDER = "POST /order-plz";
const MINUTE_MS = 60_000, HOUR_MS = 60 * MINUTE_MS;

describe("trouble with certificates", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-trouble-"));
  let pebble: Pebble;
  before(async () => {
    pebble = await Pebble.start(directory, { blocked: ["blocked.example"] });
  });
  after(async () => {
    await pebble[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  afterEach(() => {
    pebble.intercept = () => undefined;
    pebble.refuses = [];
  });

  function freshState(): string {
    return mkdtempSync(join(directory, "state-"));
  }

  test("a name that leads elsewhere is told with what to do, and the other names get theirs", async () => {
    pebble.resolve("here.example");
    pebble.names.say("elsewhere.example", [{ type: "A", address: "127.0.0.9" }]);
    await using harness = new Harness(pebble);
    harness.settings({
      issuers: [issuerSettings(pebble)], certificates: [wanted("elsewhere.example"), wanted("here.example")],
    });
    const notice = await harness.noticed(/no certificate for elsewhere\.example/);
    assert.match(notice, /^error: .*never asked for here.*A and AAAA records point here.*tried again in 60 seconds/);
    assert.deepEqual((await harness.certificate()).names, ["here.example"]);
  });

  test("a name that is not in the DNS is tried again, five times in the first hour and a half, then ever more seldom",
    async () => {
      await using harness = new Harness(pebble);
      const before = pebble.count(ORDER);
      harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("nowhere.example")] });
      assert.match(await harness.noticed(/no certificate for nowhere\.example/), /could not resolve.*let port 80/);
      await harness.pass(90 * MINUTE_MS);
      assert.equal(pebble.count(ORDER) - before, 5);
      await harness.pass(24 * HOUR_MS);
      assert.equal(pebble.count(ORDER) - before, 10);
      pebble.resolve("nowhere.example");
      await harness.pass(6.7 * HOUR_MS);
      assert.equal(harness.served.length, 1);
    });

  test("the pauses after failures outlive a restart, and a reload ends them", async () => {
    const settings = {
      issuers: [issuerSettings(pebble, { statePath: freshState() })], certificates: [wanted("later.example")],
    };
    {
      await using harness = new Harness(pebble);
      harness.settings(settings);
      await harness.noticed(/no certificate/);
      await harness.settled();
    }
    const before = pebble.count(ORDER);
    await using harness = new Harness(pebble);
    harness.settings(settings);
    await harness.settled();
    assert.equal(pebble.count(ORDER), before);
    pebble.resolve("later.example");
    harness.settings(settings);
    await harness.certificate();
  });

  test("a reload does not end what the issuer has said", async () => {
    pebble.resolve("patient.example");
    pebble.intercept = ({ path }) =>
      (path === "/order-plz" ? { status: 429, headers: { "Retry-After": "7200" }, body: "{}" } : undefined);
    const settings = { issuers: [issuerSettings(pebble)], certificates: [wanted("patient.example")] };
    await using harness = new Harness(pebble);
    const before = pebble.count(ORDER);
    harness.settings(settings);
    await harness.noticed(/no certificate/);
    for (let count = 0; count < 3; count++) {
      await harness.pass(5 * MINUTE_MS);
      harness.settings(settings);
    }
    await harness.settled();
    assert.equal(pebble.count(ORDER) - before, 1);
  });

  test("reloads in a row fail no more than once a minute", async () => {
    const settings = { issuers: [issuerSettings(pebble)], certificates: [wanted("hasty.example")] };
    await using harness = new Harness(pebble);
    const before = pebble.count(ORDER);
    harness.settings(settings);
    await harness.noticed(/no certificate/);
    for (let count = 0; count < 5; count++) {
      harness.settings(settings);
      await harness.pass(5000);
    }
    assert.equal(pebble.count(ORDER) - before, 1);
  });

  test("an issuer that never looks is given up after five minutes", async () => {
    pebble.resolve("ignored.example");
    // What says that the challenge is ready does not reach Pebble.
    pebble.intercept = ({ path }) => (path.startsWith("/chalZ/") ? { status: 200, body: "{}" } : undefined);
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("ignored.example")] });
    await harness.noticed(/ignored\.example: the issuer has not looked within 5 minutes/);
    await harness.settled();
    assert.equal(pebble.challenges.size, 0);
  });

  test("an account that another machine is at for minutes is given up for now", async () => {
    pebble.resolve("waiting.example");
    const statePath = freshState();
    writeFileSync(join(statePath, "account.lock"), "another-machine 1");
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble, { statePath })], certificates: [wanted("waiting.example")] });
    await harness.noticed(/account\.lock is held by another process: look what became of it/);
  });

  test("several names that fail are told together", async () => {
    await using harness = new Harness(pebble);
    const certificate = wanted(["lost-1.example", "lost-2.example"]);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [certificate] });
    assert.match(await harness.noticed(/no certificate for lost-1\.example and 1 more/), /lost-1.*lost-2/);
  });

  test("a challenge that is refused is followed by one of another kind", async () => {
    pebble.resolve("proxied.example");
    pebble.refuses = ["http-01"];
    await using harness = new Harness(pebble);
    const certificate = wanted("proxied.example", { challenges: ["http-01", "tls-alpn-01"] });
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [certificate] });
    assert.match(await harness.noticed(/no certificate/), /\(http-01; it was never asked for here\)/);
    await harness.settled();
    assert.equal(pebble.challenges.size, 0);
    await harness.pass(2 * MINUTE_MS);
    assert.equal(harness.served.length, 1);
  });

  test("a name that the issuer does not sign for is told", async () => {
    pebble.resolve("blocked.example");
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("blocked.example")] });
    assert.match(await harness.noticed(/no certificate/), /take it out of server_name, or name another issuer/);
  });

  test("an issuer that has had too many orders is left alone for as long as it says", async () => {
    pebble.resolve("limited.example");
    const problem = { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many certificates already issued" };
    pebble.intercept = ({ path }) => (path !== "/order-plz" ? undefined : {
      status: 429, headers: { "Retry-After": "7200", "Content-Type": "application/problem+json" },
      body: JSON.stringify(problem),
    });
    await using harness = new Harness(pebble);
    const before = pebble.count(ORDER);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("limited.example")] });
    const notice = await harness.noticed(/no certificate/);
    assert.match(notice, /too many certificates already issued.*tried again in 2 hours/);
    await harness.settled();
    pebble.intercept = () => undefined;
    await harness.pass(119 * MINUTE_MS);
    assert.equal(pebble.count(ORDER) - before, 1);
    await harness.pass(2 * MINUTE_MS);
    assert.equal(harness.served.length, 1);
  });

  test("an issuer that is busy is left alone by all orders", async () => {
    pebble.resolve("busy-1.example", "busy-2.example", "busy-3.example", "busy-4.example", "busy-5.example");
    pebble.intercept = ({ path }) =>
      (path === "/order-plz" ? { status: 503, headers: { "Retry-After": "600" }, body: "busy" } : undefined);
    await using harness = new Harness(pebble);
    const before = pebble.count(ORDER);
    const names = [1, 2, 3, 4, 5].map((number) => `busy-${number}.example`);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: names.map((name) => wanted(name)) });
    await harness.noticed(/it answered with status 503/);
    await harness.settled();
    pebble.intercept = () => undefined;
    // Four were on their way.
    assert.ok(pebble.count(ORDER) - before <= 4);
    await harness.pass(9 * MINUTE_MS);
    assert.ok(pebble.count(ORDER) - before <= 4);
    await harness.pass(10 * MINUTE_MS);
    assert.deepEqual(harness.served.flatMap(({ names: served }) => served).sort(), names);
  });

  test("an account that the issuer does not know any more is made again, with the same key", async () => {
    pebble.resolve("gone.example", "again.example");
    const statePath = freshState();
    const issuers = [issuerSettings(pebble, { statePath })];
    {
      await using harness = new Harness(pebble);
      harness.settings({ issuers, certificates: [wanted("gone.example")] });
      await harness.certificate();
      await harness.settled();
    }
    const record = join(statePath, "account.json");
    const key = readFileSync(join(statePath, "account.key"), "utf8");
    const gone = readFileSync(record, "utf8").replace(/my-account\/\w+/, "my-account/0badbadbad");
    writeFileSync(record, gone);
    await using harness = new Harness(pebble);
    harness.settings({ issuers, certificates: [wanted("again.example")] });
    await harness.certificate();
    await harness.noticed(/does not know our account any more/);
    assert.notEqual(readFileSync(record, "utf8"), gone);
    assert.equal(readFileSync(join(statePath, "account.key"), "utf8"), key);
  });

  test("files that are damaged are put aside, and what was in them is had again", async () => {
    pebble.resolve("damaged.example");
    const statePath = freshState();
    const settings = { issuers: [issuerSettings(pebble, { statePath })], certificates: [wanted("damaged.example")] };
    {
      await using harness = new Harness(pebble);
      harness.settings(settings);
      await harness.certificate();
      await harness.settled();
    }
    const certificates = join(statePath, "certificates");
    const stem = readdirSync(certificates).find((name) => name.endsWith(".pem"))?.slice(0, -4) ?? "";
    const text = readFileSync(join(certificates, `${stem}.pem`), "utf8");
    const damages: readonly (readonly [string, string, RegExp])[] = [
      [`certificates/${stem}.pem`, text.slice(0, 300), /has no certificate/],
      [`certificates/${stem}.pem`, text.replace(/MII/, "MIJ"), /cannot be read/],
      [`certificates/${stem}.pem`, `${await makeKey("ecdsa:256")}${text.slice(text.indexOf("-----BEGIN CERT"))}`,
        /has a certificate for another key/],
      [`certificates/${stem}.pem`, "x".repeat(2_000_000), /cannot be read \(it has 2000000 bytes/],
      ["account.key", "nonsense", /it is no private key.* gets another account/],
      ["account.json", "{\"uri\":", /is asked for the account again/],
    ];
    for (const [file, damaged, said] of damages) {
      writeFileSync(join(statePath, file), damaged);
      writeFileSync(join(certificates, `${stem}.json`), "[1, {");
      // Without it nothing would be asked of the account.
      if (file.startsWith("account")) rmSync(join(certificates, `${stem}.pem`), { force: true });
      await using harness = new Harness(pebble);
      harness.settings(settings);
      assert.equal((await harness.certificate()).whence, "issued");
      await harness.noticed(said);
      await harness.settled();
    }
    assert.ok(readdirSync(certificates).includes(`${stem}.pem.damaged`));
  });

  test("where nothing can be kept, a certificate that is missing is served all the same, and one that is there is kept",
    async () => {
      pebble.resolve("unkept.example");
      const file = join(freshState(), "a-file");
      writeFileSync(file, "");
      pebble.intercept = ({ path }) => (path.includes("renewalInfo") ? { status: 404, body: "" } : undefined);
      await using harness = new Harness(pebble);
      harness.settings({
        issuers: [issuerSettings(pebble, { statePath: join(file, "state") })],
        certificates: [wanted("unkept.example", { profile: SHORT })],
      });
      await harness.certificate();
      await harness.noticed(/error: the new certificate for unkept\.example is served, but cannot be kept/);
      await harness.settled();
      const orders = pebble.count(ORDER);
      // Renewals would be lost with a restart, and issuers count them.
      await harness.pass(4.1 * 24 * HOUR_MS);
      assert.equal(pebble.count(ORDER), orders);
      await harness.noticed(/no certificate for unkept\.example.*cannot be written.*that is served counts until/);
    });

  test("a disk that is full keeps what is on it, and what came meanwhile is written when there is room", {
    skip: process.getuid?.() === 0 ? false : "needs root, for a disk of its own",
  }, async (context) => {
    pebble.resolve("full.example", "more.example");
    const disk = freshState();
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], { stdio: "pipe" });
    } catch {
      return context.skip("needs to be allowed to mount");
    }
    try {
      const issuers = [issuerSettings(pebble, { statePath: join(disk, "pebble") })];
      await using harness = new Harness(pebble);
      harness.settings({ issuers, certificates: [wanted("full.example")] });
      const first = await harness.certificate();
      await harness.settled();
      mkdirSync(join(disk, "others"));
      const ballast = join(disk, "others/ballast");
      for (let size = 128 * 1024; size > 0; size -= 4096) {
        try {
          writeFileSync(ballast, Buffer.alloc(size));
          break;
        } catch {
          // It is smaller than that.
        }
      }
      harness.settings({ issuers, certificates: [wanted("full.example"), wanted("more.example")] });
      assert.equal((await harness.certificate(2)).chain, first.chain);
      assert.deepEqual((await harness.certificate(3)).names, ["more.example"]);
      await harness.noticed(/more\.example is served, but cannot be kept \(28: No space left on device\)/);
      await harness.settled();
      const kept = (): readonly string[] => readdirSync(join(disk, "pebble/certificates")).filter((name) =>
        name.endsWith(".pem"));
      assert.equal(kept().length, 1);
      rmSync(ballast);
      await harness.pass(61 * MINUTE_MS);
      assert.equal(kept().length, 2);
    } finally {
      execFileSync("umount", ["-l", disk]);
    }
  });
});
