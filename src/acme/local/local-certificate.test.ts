import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FILE_SIZE_MAX } from "./authority-folder.ts";
import { localCertificate } from "./local-certificate.ts";
import type { LocalCertificate, LocalCertificateOptions } from "./local-certificate.ts";
import type { Machine } from "./machine.ts";
import { NAMES_MAX } from "./names.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 10, 21, 12);
const NOBODY = 65_534;

const machine: Machine = {
  hostName: "Laptop", addresses: ["127.0.0.1", "192.168.1.7", "203.0.113.9", "fd00::7"], userName: "ada", isRoot: false,
  platform: "linux", osRelease: "ID=debian",
};

let parent: string;
let folder: string;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "tricorn-authority-"));
  folder = join(parent, "data/tricorn/authority");
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

function ask(more: Partial<LocalCertificateOptions> = {}): ReturnType<typeof localCertificate> {
  return localCertificate({ names: [], addresses: [], folder, machine, nowMs: START_MS, ...more });
}

async function made(more: Partial<LocalCertificateOptions> = {}): Promise<LocalCertificate> {
  const outcome = await ask(more);
  assert.ok(outcome.ok, outcome.ok ? "" : outcome.error);
  return outcome.value;
}

async function refused(more: Partial<LocalCertificateOptions> = {}): Promise<string> {
  const outcome = await ask(more);
  assert.ok(!outcome.ok);
  return outcome.error;
}

/** Everything that is in the folder. */
function content(): ReadonlyMap<string, string> {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

describe("the authority", () => {
  test("is made once, for its owner alone, and kept", async () => {
    const first = await made();
    assert.equal(first.isNew, true);
    assert.equal(first.authorityPath, join(folder, "ca.pem"));
    const files = readdirSync(folder).sort();
    assert.deepEqual(files, ["ca.pem", "intermediate.pem", "server.pem"]);
    for (const name of files) assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name);
    const folders = [folder, join(folder, ".."), join(folder, "../..")];
    for (const path of folders) assert.equal(statSync(path).mode & 0o777, 0o700, path);
    assert.deepEqual(readdirSync(join(folder, "..")), ["authority"]);
    const before = content();
    const second = await made();
    assert.equal(second.isNew, false);
    assert.equal(second.certificate, first.certificate);
    assert.equal(second.key, first.key);
    assert.deepEqual(content(), before);
  });

  test("has the owner's name and ten years, and no key of the root is left", async () => {
    const { authorityPath } = await made();
    const root = new X509Certificate(readFileSync(authorityPath));
    assert.equal(root.subject, "O=Tricorn\nCN=Tricorn development CA ada@Laptop 2026-11-21");
    assert.equal(root.validToDate.getTime() - START_MS, 3652 * DAY_MS);
    for (const text of content().values()) {
      if (text.includes("PRIVATE KEY")) assert.equal(root.checkPrivateKey(createPrivateKey(text)), false);
    }
  });

  test("of a user with a long name has a name that is not too long", async () => {
    const { authorityPath } = await made({ machine: { ...machine, userName: "å".repeat(70) } });
    const { subject } = new X509Certificate(readFileSync(authorityPath));
    assert.match(subject, /å 2026-11-21$/);
    assert.equal(subject.split("CN=")[1]?.length, 64);
  });

  test("is one when several processes ask for it at once", async () => {
    const module = new URL("local-certificate.ts", import.meta.url).href;
    const program = `
      const { localCertificate } = await import(${JSON.stringify(module)});
      await import("@peculiar/x509");
      process.stdout.write("ready");
      await new Promise((resolve) => process.stdin.once("data", resolve));
      const outcome = await localCertificate({ names: [], addresses: [], folder: ${JSON.stringify(folder)} });
      process.stdout.write(JSON.stringify(outcome));
      process.exit();`;
    const words = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", program];
    const processes = Array.from({ length: 3 }, () =>
      spawn(process.execPath, words, { cwd: import.meta.dirname, stdio: ["pipe", "pipe", "inherit"] }));
    await Promise.all(processes.map(({ stdout }) => once(stdout, "data")));
    const outputs = processes.map(async ({ stdin, stdout }) => {
      stdin.write("go");
      let text = "";
      for await (const chunk of stdout) text += String(chunk);
      return JSON.parse(text) as { readonly ok: boolean; readonly value: LocalCertificate };
    });
    const all = await Promise.all(outputs);
    assert.deepEqual(all.map(({ ok }) => ok), [true, true, true]);
    assert.equal(all.filter(({ value }) => value.isNew).length, 1);
    const root = new X509Certificate(readFileSync(join(folder, "ca.pem")));
    for (const { value } of all) {
      const [leaf = "", intermediate = ""] = value.certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
      const issuer = new X509Certificate(intermediate);
      assert.equal(new X509Certificate(leaf).verify(issuer.publicKey), true);
      assert.equal(issuer.verify(root.publicKey), true);
    }
    assert.deepEqual(readdirSync(join(folder, "..")), ["authority"]);
    assert.deepEqual(readdirSync(folder).sort(), ["ca.pem", "intermediate.pem", "server.pem"]);
  });

  test("is refused when it has expired, and while it is not valid yet", async () => {
    await made();
    const before = content();
    const expired = await refused({ nowMs: START_MS + 3652 * DAY_MS });
    assert.match(expired, /was valid until Nov 20 12:00:00 2036 GMT\. To have one made anew, move it away: mv /);
    const early = await refused({ nowMs: START_MS - DAY_MS });
    assert.match(early, /is valid from .* 2026 GMT, which is to come\. Set the clock/);
    assert.deepEqual(content(), before);
  });
});

describe("the certificate", () => {
  test("is for localhost, the machine, and what is asked for", async () => {
    const { names, notes } = await made({ names: ["shop.test"], addresses: ["10.1.2.3"] });
    const everywhere = ["localhost", "*.localhost", "127.0.0.1", "::1"];
    assert.deepEqual(names, [...everywhere, "shop.test", "10.1.2.3", "laptop", "laptop.local"]);
    assert.deepEqual(notes, []);
  });

  test("is for the machine's private addresses where the server binds to all", async () => {
    const { names, notes } = await made({ addresses: ["0.0.0.0"] });
    assert.deepEqual(names.slice(-4), ["laptop", "laptop.local", "192.168.1.7", "fd00::7"]);
    assert.deepEqual(notes, []);
  });

  test("leaves out what is somebody else's, and says so each time", async () => {
    for (let times = 2; times > 0; times--) {
      const { names, notes } = await made({ names: ["example.org", "_"], addresses: ["203.0.113.9"] });
      assert.equal(names.includes("example.org"), false);
      assert.deepEqual(notes, [
        "The certificate is not for example.org, 203.0.113.9: the local authority may sign private names only.",
      ]);
    }
    const before = content();
    await made({ names: ["example.org"] });
    assert.deepEqual(content(), before);
  });

  test("leaves out a host name that the machine got after the authority was made", async () => {
    await made();
    const { names, notes } = await made({ machine: { ...machine, hostName: "other" } });
    assert.equal(names.includes("other"), false);
    assert.equal(names.includes("other.local"), true);
    assert.deepEqual(notes, []);
  });

  test("has a hundred names at most, the written ones first", async () => {
    const many = Array.from({ length: NAMES_MAX - 4 }, (_, index) => `s${index}.test`);
    const full = await made({ names: many });
    assert.equal(full.names.length, NAMES_MAX);
    assert.equal(full.names.includes("laptop"), false);
    assert.deepEqual(full.notes, []);
    const { names, notes } = await made({ names: [...many, "x.test"] });
    assert.equal(names.length, NAMES_MAX);
    assert.deepEqual(notes, ["The certificate is not for x.test: it has 100 names already."]);
    // Names of the one before have no room, and do not keep out new ones.
    const next = await made({ names: ["y.test"] });
    assert.equal(next.names.includes("y.test"), true);
    assert.equal(next.names.includes("s1.test"), false);
  });

  test("keeps the names that other servers asked for, until it is renewed", async () => {
    await made({ names: ["one.test"] });
    const second = await made({ names: ["two.test"] });
    assert.equal(second.names.includes("one.test"), true);
    assert.equal((await made({ names: ["one.test"] })).certificate, second.certificate);
    const renewed = await made({ names: ["two.test"], nowMs: second.renewAtMs });
    assert.equal(renewed.names.includes("one.test"), false);
  });

  test("is renewed when a third of its ninety days is left", async () => {
    const first = await made();
    assert.equal(Math.round((first.renewAtMs - START_MS) / DAY_MS), 60);
    assert.equal((await made({ nowMs: first.renewAtMs - 1 })).certificate, first.certificate);
    const second = await made({ nowMs: first.renewAtMs });
    assert.notEqual(second.certificate, first.certificate);
    assert.notEqual(second.key, first.key);
    assert.equal(second.isNew, false);
    assert.equal(new X509Certificate(second.certificate).validToDate.getTime(), first.renewAtMs + 90 * DAY_MS);
    assert.equal((await made({ nowMs: first.renewAtMs + DAY_MS })).certificate, second.certificate);
  });

  test("is made anew after it has expired, and when the clock was ahead", async () => {
    const first = await made();
    const late = await made({ nowMs: START_MS + 1000 * DAY_MS });
    assert.notEqual(late.certificate, first.certificate);
    const early = await made();
    assert.notEqual(early.certificate, late.certificate);
    assert.equal(new X509Certificate(early.certificate).validFromDate.getTime() < START_MS, true);
  });

  test("ends with the authority, and is not renewed in vain before", async () => {
    await made();
    const nowMs = START_MS + 3650 * DAY_MS;
    const last = await made({ nowMs });
    assert.equal(last.renewAtMs, START_MS + 3652 * DAY_MS);
    assert.equal(new X509Certificate(last.certificate).validToDate.getTime(), last.renewAtMs);
    assert.equal((await made({ nowMs: last.renewAtMs - 1000 })).certificate, last.certificate);
  });

  test("serves when it cannot be kept", async () => {
    await made();
    rmSync(join(folder, "server.pem"));
    await withoutWriting([folder], async () => {
      const { names, notes } = await made();
      assert.equal(names[0], "localhost");
      assert.deepEqual(notes, [`The certificate could not be kept in ${folder} (13: Permission denied).`]);
    });
  });
});

/** Runs steps as an owner of `parent` who may not write to `folders`. Root might, and is somebody else meanwhile. */
async function withoutWriting(folders: readonly string[], steps: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  const all = [parent, ...readdirSync(parent, { recursive: true, encoding: "utf8" }).map((name) => join(parent, name))];
  if (isRoot) for (const path of all) chownSync(path, NOBODY, NOBODY);
  for (const path of folders) chmodSync(path, 0o500);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    await steps();
  } finally {
    if (isRoot) process.seteuid?.(0);
    for (const path of folders) chmodSync(path, 0o700);
  }
}

describe("what is not an authority", () => {
  const server = (): string => join(folder, "server.pem");

  test("is never written over", async () => {
    await made();
    const good = content();
    const cut = (name: string) => () => truncateSync(join(folder, name), 100);
    const write = (name: string, text: string) => () => writeFileSync(join(folder, name), text);
    const cases: readonly (readonly [() => void, RegExp])[] = [
      [cut("ca.pem"), /ca\.pem is no certificate\. To have one made anew, move it away: mv /],
      [cut("intermediate.pem"), /intermediate\.pem is no certificate with its key\. To have/],
      [cut("server.pem"), /server\.pem is not what this authority signed\. Remove it to have it made again: rm /],
      [() => rmSync(join(folder, "ca.pem")), /ca\.pem is no certificate/],
      [() => rmSync(join(folder, "intermediate.pem")), /intermediate\.pem is no certificate with its key/],
      [write("ca.pem", good.get("server.pem") ?? ""), /are not an authority that Tricorn made/],
      [write("intermediate.pem", good.get("server.pem") ?? ""), /are not an authority that Tricorn made/],
      [write("server.pem", good.get("intermediate.pem") ?? ""), /server\.pem is not what this authority signed/],
      [write("server.pem", " ".repeat(FILE_SIZE_MAX + 1)), /server\.pem has more than 65536 bytes/],
      [() => chmodSync(join(folder, "intermediate.pem"), 0o640), /Others may read \S+intermediate\.pem\. Forbid it: /],
      [() => chmodSync(server(), 0o604), /Others may read \S+server\.pem\. Forbid it: chmod 600/],
      [() => chmodSync(folder, 0o770), /Others may write to \S+authority\. Forbid it: chmod 700/],
    ];
    for (const [breakIt, message] of cases) {
      breakIt();
      const broken = content();
      assert.match(await refused(), message);
      assert.deepEqual(content(), broken);
      chmodSync(folder, 0o700);
      for (const [name, text] of good) {
        writeFileSync(join(folder, name), text);
        chmodSync(join(folder, name), 0o600);
      }
      await made();
    }
  });

  test("leaves its place: a file, other things, nothing", async () => {
    mkdirSync(join(folder, ".."), { recursive: true });
    writeFileSync(folder, "mine");
    assert.match(await refused(), /authority is no folder\. To have one made anew, move it away: mv /);
    rmSync(folder);
    mkdirSync(folder);
    writeFileSync(join(folder, "mine"), "");
    assert.match(await refused(), /authority has other things in it than an authority\. Move them away, or it\.$/);
    assert.deepEqual(readdirSync(folder), ["mine"]);
    assert.deepEqual(readdirSync(join(folder, "..")), ["authority"]);
    rmSync(join(folder, "mine"));
    assert.equal((await made()).isNew, true);
  });

  test("is said to be out of reach where it cannot be made", async () => {
    // What makes it must be loaded, which the other user may not be able to do.
    await made({ folder: join(parent, "other") });
    await withoutWriting([parent], async () => {
      const remedy = "Let this user write there, or name another place in XDG_DATA_HOME.";
      assert.equal(await refused(), `${folder} cannot be made (13: Permission denied). ${remedy}`);
    });
    assert.deepEqual(readdirSync(parent), ["other"]);
    writeFileSync(join(parent, "data"), "");
    assert.match(await refused(), /cannot be (read|made) \(20: Not a directory\)\. Let this user write there, or name/);
  });

  const skip = process.geteuid?.() === 0 ? false : "needs root, who can give it away";
  test("belongs to another user", { skip }, async () => {
    await made();
    await withoutWriting([], async () => {
      process.seteuid?.(0);
      chownSync(folder, 1234, 1234);
      chmodSync(folder, 0o755);
      process.seteuid?.(NOBODY);
      assert.match(await refused(), /authority belongs to another user\. To have one made anew, move it away: mv /);
    });
  });
});
