// Certificates are ordered, from a real ACME server.
import assert from "node:assert/strict";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ServedCertificate } from "../../src/acme/index.ts";
import { ORDERS_MAX } from "../../src/acme/keeper.ts";
import { makeKey } from "../../src/acme/key-types.ts";
import { requirePebble } from "../../tools/pebble.ts";
import { Pebble } from "../support/pebble.ts";
import { eventually } from "../support/wait.ts";
import { Harness, SHORT, issuerSettings, wanted } from "./harness.ts";

describe("certificates by themselves", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-issue-"));
  let pebble: Pebble;
  before(async () => {
    pebble = await Pebble.start(directory, { otherChains: 2 });
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
      assert.doesNotMatch(entry.name, /lock|probe|new$/);
    }
  });

  test("are issued for names that TLS proves", async () => {
    pebble.resolve("tls.example");
    await using harness = new Harness(pebble);
    harness.settings({
      issuers: [issuerSettings(pebble)], certificates: [wanted("tls.example", { challenges: ["tls-alpn-01"] })],
    });
    await harness.certificate();
    const [report] = harness.reports.filter(({ kind }) => kind === "challenge");
    assert.ok(report?.kind === "challenge" && report.challenge.kind === "tls-alpn-01");
    assert.equal(new X509Certificate(report.challenge.certificate).subjectAltName, "DNS:tls.example");
  });

  test("have keys of the kind that is wanted", async () => {
    pebble.resolve("keys.example");
    await using harness = new Harness(pebble);
    const keyTypes = ["ecdsa:256", "ecdsa:384", "rsa:2048"] as const;
    harness.settings({
      issuers: [issuerSettings(pebble)], certificates: keyTypes.map((keyType) => wanted("keys.example", { keyType })),
    });
    await harness.certificate(3);
    assert.deepEqual(harness.served.map(({ keyType }) => keyType).sort(), keyTypes);
    for (const { chain, key } of harness.served) {
      assert.ok(new X509Certificate(chain).checkPrivateKey(createPrivateKey(key)));
    }
  });

  test("are had by accounts with keys of every kind, also one that is a file", async () => {
    pebble.resolve("account.example");
    const path = join(directory, "account.pem");
    writeFileSync(path, await makeKey("ecdsa:384"));
    const kinds = [
      { kind: "file", path }, { kind: "made", type: "rsa:2048" }, { kind: "made", type: "ecdsa:521" },
    ] as const;
    for (const accountKey of kinds) {
      await using harness = new Harness(pebble);
      const issuers = [issuerSettings(pebble, { accountKey })];
      harness.settings({ issuers, certificates: [wanted("account.example")] });
      await harness.certificate();
    }
  });

  test("have the chain whose end has the preferred name", async () => {
    pebble.resolve("chain.example");
    const roots = await Promise.all([0, 1, 2].map((number) => pebble.root(number)));
    for (const { subject } of roots) {
      await using harness = new Harness(pebble);
      const preferredChain = subject.replace(/^CN=/, "");
      const issuers = [issuerSettings(pebble, { preferredChain })];
      harness.settings({ issuers, certificates: [wanted("chain.example")] });
      const { chain } = await harness.certificate();
      const last = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)?.at(-1) ?? "";
      assert.equal(new X509Certificate(last).issuer, subject);
    }
  });

  test("may have a common name, if the first name is short enough", async () => {
    const long = `${"a".repeat(60)}.example`;
    pebble.resolve("common.example", long);
    for (const name of ["common.example", long]) {
      await using harness = new Harness(pebble);
      harness.settings({
        issuers: [issuerSettings(pebble, { commonNameInCsr: true })],
        certificates: [wanted(name, { challenges: ["tls-alpn-01"] })],
      });
      assert.deepEqual((await harness.certificate()).names, [name]);
    }
  });

  test("need a profile that the issuer has, if it is required", async () => {
    pebble.resolve("profile.example");
    await using harness = new Harness(pebble);
    const profile = { name: "shortish", isRequired: true };
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("profile.example", { profile })] });
    await harness.noticed(/pebble has no profile shortish \(it has default, shortlived\): choose one of them/);
    await using other = new Harness(pebble);
    const certificate = wanted("profile.example", { profile: { ...profile, isRequired: false } });
    other.settings({ issuers: [issuerSettings(pebble)], certificates: [certificate] });
    await other.certificate();
  });

  test("come from a directory that has moved", async () => {
    pebble.resolve("redirected.example");
    pebble.intercept = ({ path }) =>
      (path === "/old" ? { status: 301, headers: { Location: "/dir" }, body: "" } : undefined);
    await using harness = new Harness(pebble);
    const uri = pebble.uri.replace("/dir", "/old");
    harness.settings({ issuers: [issuerSettings(pebble, { uri })], certificates: [wanted("redirected.example")] });
    await harness.certificate();
    pebble.intercept = () => undefined;
  });

  test("are of the profile that is wanted", async () => {
    pebble.resolve("short.example");
    await using harness = new Harness(pebble);
    harness.settings({
      issuers: [issuerSettings(pebble)], certificates: [wanted("short.example", { profile: SHORT })],
    });
    const { notBefore, notAfter } = await harness.certificate();
    assert.equal(Math.round((notAfter - notBefore) / 86_400_000), 6);
  });

  test("are served from the state directory after a restart, without asking the issuer for anything", async () => {
    pebble.resolve("kept.example");
    const settings = {
      issuers: [issuerSettings(pebble, { statePath: freshState() })], certificates: [wanted("kept.example")],
    };
    let first: ServedCertificate;
    {
      await using harness = new Harness(pebble);
      harness.settings(settings);
      first = await harness.certificate();
      await harness.settled();
    }
    const orders = pebble.count("POST /order-plz");
    await using harness = new Harness(pebble);
    harness.settings(settings);
    assert.deepEqual(harness.served, [{ ...first, whence: "state" }]);
    assert.deepEqual(harness.reports.at(-1), { kind: "loaded", missing: [] });
    await harness.settled();
    assert.equal(pebble.count("POST /order-plz"), orders);
  });

  test("make one account for all of them, and it is kept", async () => {
    pebble.resolve("one.example", "two.example", "three.example");
    const issuer = issuerSettings(pebble, { statePath: freshState() });
    const before = pebble.count("POST /sign-me-up");
    for (const names of [["one.example", "two.example"], ["three.example"]]) {
      await using harness = new Harness(pebble);
      harness.settings({ issuers: [issuer], certificates: names.map((name) => wanted(name)) });
      await harness.certificate(names.length);
      await harness.settled();
    }
    assert.equal(pebble.count("POST /sign-me-up"), before + 1);
  });

  test("of a server that got another name, the old one is served until the new one is there", async () => {
    pebble.resolve("old.example");
    const issuers = [issuerSettings(pebble, { statePath: freshState() })];
    {
      await using harness = new Harness(pebble);
      harness.settings({ issuers, certificates: [wanted("old.example")] });
      await harness.certificate();
      await harness.settled();
    }
    await using harness = new Harness(pebble);
    harness.settings({ issuers, certificates: [wanted(["old.example", "unknown.example"])] });
    const meanwhile = await harness.certificate();
    assert.deepEqual([meanwhile.names, meanwhile.wanted], [["old.example"], undefined]);
    assert.match(await harness.noticed(/no certificate/), /NXDOMAIN|unknown\.example/);
  });

  test("of an issuer that is not named any more, the old one is served until the new one is there", async () => {
    pebble.resolve("moved.example");
    const statePath = freshState();
    const old = issuerSettings(pebble, { name: "old", statePath: join(statePath, "old") });
    {
      await using harness = new Harness(pebble);
      harness.settings({ issuers: [old], certificates: [wanted("moved.example", { issuers: ["old"] })], statePath });
      await harness.certificate();
      await harness.settled();
    }
    await using harness = new Harness(pebble);
    const issuer = issuerSettings(pebble, { statePath: join(statePath, "pebble") });
    harness.settings({ issuers: [issuer], certificates: [wanted("moved.example")], statePath });
    assert.equal((await harness.certificate(1)).wanted, undefined);
    assert.equal((await harness.certificate(2)).whence, "issued");
  });

  test("come from the next issuer if the first one refuses", async () => {
    pebble.resolve("second.example");
    await using harness = new Harness(pebble);
    const broken = issuerSettings(pebble, { name: "broken", uri: pebble.uri.replace("/dir", "/nothing-here") });
    harness.settings({
      issuers: [broken, issuerSettings(pebble)],
      certificates: [wanted("second.example", { issuers: ["broken", "pebble"] })],
    });
    assert.equal((await harness.certificate()).issuer, "pebble");
  });

  test("are ordered even if edges are silent about a challenge, and that is said", async () => {
    pebble.resolve("silent.example");
    await using harness = new Harness(pebble);
    harness.isDeaf = true;
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("silent.example")] });
    await eventually("a challenge", 20_000, () => harness.reports.some(({ kind }) => kind === "challenge"));
    await harness.passUntilServed(11_000);
    await harness.noticed(/not known to all edge threads after 10 s/);
  });

  test("are ordered four at a time", async () => {
    const names = ["q1.example", "q2.example", "q3.example", "q4.example", "q5.example", "q6.example"];
    pebble.resolve(...names);
    await using harness = new Harness(pebble);
    // Each order waits for its edges, ten seconds of a clock that nobody turns.
    harness.isDeaf = true;
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: names.map((name) => wanted(name)) });
    const published = (): number => harness.reports.filter(({ kind }) => kind === "challenge").length;
    await eventually("four challenges", 20_000, () => published() === ORDERS_MAX);
    assert.equal(ORDERS_MAX, 4);
    harness.isDeaf = false;
    await harness.passUntilServed(10_000);
    await harness.certificate(names.length);
    assert.equal(published(), names.length);
  });

  test("are taken up again after a reload, and only what is new is ordered", async () => {
    pebble.resolve("stays.example", "comes.example");
    const issuers = [issuerSettings(pebble, { statePath: freshState() })];
    await using harness = new Harness(pebble);
    harness.settings({ issuers, certificates: [wanted("stays.example")] });
    await harness.certificate();
    await harness.settled();
    const orders = pebble.count("POST /order-plz");
    harness.settings({ issuers, certificates: [wanted("stays.example"), wanted("comes.example")] });
    assert.deepEqual((await harness.certificate(2)).names, ["stays.example"]);
    assert.deepEqual((await harness.certificate(3)).names, ["comes.example"]);
    assert.equal(pebble.count("POST /order-plz"), orders + 1);
  });
});

describe("an issuer that wants an account beside ACME's", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-eab-"));
  const key = Buffer.from("a key that the issuer's web site shows, 32+").toString("base64url");
  let pebble: Pebble;
  before(async () => {
    pebble = await Pebble.start(directory, { externalAccounts: { "kid-1": key }, refusedNonces: 10 });
    pebble.resolve("eab.example");
  });
  after(async () => {
    await pebble[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test("gets its key, from the configuration or from a file, and may refuse nonces", async () => {
    const path = join(directory, "hmac");
    writeFileSync(path, `${key}\n`);
    for (const source of [{ kind: "data", key }, { kind: "file", path }] as const) {
      await using harness = new Harness(pebble);
      const externalAccount = { kid: "kid-1", key: source };
      const issuers = [issuerSettings(pebble, { externalAccount })];
      harness.settings({ issuers, certificates: [wanted("eab.example")] });
      await harness.certificate();
    }
  });

  test("says so without one, and what to do is said", async () => {
    await using harness = new Harness(pebble);
    harness.settings({ issuers: [issuerSettings(pebble)], certificates: [wanted("eab.example")] });
    assert.match(await harness.noticed(/no certificate/), /write acme_issuer with external_account_key/);
  });
});
