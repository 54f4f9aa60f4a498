// Sessions that are resumed: by tickets over threads, reloads and machines, never from one server to another.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Certificates, ask, pairOf, startTls } from "./site.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());
const one = certificates.sign("one.test"), other = certificates.sign("other.test");
const versions = ["TLSv1.2", "TLSv1.3"] as const;
type Version = (typeof versions)[number];

/** A session of a connection of its own. */
async function sessionOf(port: number, maxVersion: Version, servername: string = "one.test"): Promise<Buffer> {
  let session: Buffer | undefined;
  await ask({ port, maxVersion, servername, host: servername, onSession: (made) => (session = made) });
  assert.ok(session !== undefined, "there was a session");
  return session;
}

async function isResumed(
  port: number, maxVersion: Version, session: Buffer, servername: string = "one.test",
): Promise<boolean> {
  const { isReused, status, body } = await ask({ port, maxVersion, session, servername, host: servername });
  assert.equal(status, 200);
  assert.equal(body.split(" ")[0], isReused ? "r" : ".");
  return isReused;
}

const said = 'return 200 "$ssl_session_reused $ssl_session_id"';

describe("a session", () => {
  let program: Program;
  let plainPort = 0, shortPort = 0, cachedPort = 0;
  const file = (port: string): string => `
    ${pairOf(one)}
    server { listen 127.0.0.1:${port} ssl; server_name one.test; ${said}; }
    server { listen 127.0.0.1:${port} ssl; server_name other.test; ${pairOf(other)} ${said}; }
    server { listen 127.0.0.1:${plainPort} ssl; ssl_session_tickets off; ${said}; }
    server { listen 127.0.0.1:${cachedPort} ssl; ssl_session_tickets off; ssl_session_cache shared:SSL:1m; ${said}; }
    server { listen 127.0.0.1:${shortPort} ssl; ssl_session_timeout 1s; ${said}; }`;
  before(async () => {
    [plainPort, shortPort, cachedPort] = [await freePort(), await freePort(), await freePort()];
    program = await startTls(file("%PORT%"), "worker_processes 2;");
  });
  after(() => program.stop());

  for (const version of versions) {
    test(`of ${version} is resumed, in whichever thread`, async () => {
      const session = await sessionOf(program.port, version);
      for (let count = 0; count < 12; count++) assert.equal(await isResumed(program.port, version, session), true);
    });

    test(`of ${version} is resumed by no server with another certificate`, async () => {
      const session = await sessionOf(program.port, version);
      assert.equal(await isResumed(program.port, version, session, "other.test"), false);
      const second = await sessionOf(program.port, version, "other.test");
      assert.equal(await isResumed(program.port, version, second, "other.test"), true);
      assert.equal(await isResumed(program.port, version, second, "one.test"), false);
      assert.equal(await isResumed(plainPort, version, session), false);
    });

    test(`of ${version} ends with its time`, async () => {
      const session = await sessionOf(shortPort, version);
      assert.equal(await isResumed(shortPort, version, session), true);
      await eventually("it is over", 10_000, async () => !(await isResumed(shortPort, version, session)));
    });
  }

  test("is none where tickets are off", async () => {
    const { isReused } = await ask({ port: plainPort, maxVersion: "TLSv1.2" });
    assert.equal(isReused, false);
    let made: Buffer | undefined;
    await ask({ port: plainPort, maxVersion: "TLSv1.2", onSession: (session) => (made = session) });
    if (made !== undefined) assert.equal(await isResumed(plainPort, "TLSv1.2", made), false);
  });

  test("with an id is kept for all threads, where there is a cache", async () => {
    const session = await sessionOf(cachedPort, "TLSv1.2");
    for (let count = 0; count < 12; count++) assert.equal(await isResumed(cachedPort, "TLSv1.2", session), true);
    assert.equal(await isResumed(program.port, "TLSv1.2", session), false);
    await ask({ port: cachedPort, maxVersion: "TLSv1.3" });
  });

  test("outlives a reload", async () => {
    const sessions = await Promise.all(versions.map(async (version) => ({
      version, session: await sessionOf(program.port, version),
    })));
    await program.configure(`daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info; events { }
      worker_processes 2; http { keepalive_requests 7; ${file("%PORT%")} }`);
    program.signal("SIGHUP");
    await eventually("another edge serves", 20_000, () =>  /has taken over/.test(program.output));
    for (const { version, session } of sessions) assert.equal(await isResumed(program.port, version, session), true);
  });
});

describe("keys of tickets in files", () => {
  const key = (size: number): string => {
    const path = join(certificates.directory, `key-${randomBytes(4).toString("hex")}`);
    writeFileSync(path, randomBytes(size));
    return path;
  };

  test("let several machines resume each other's sessions, and old ones open what they have sealed", async () => {
    const [old, now, long] = [key(48), key(48), key(80)];
    const server = (port: number | string, ...keys: readonly string[]): string => `server {
      listen 127.0.0.1:${port} ssl; ${pairOf(one)} ${said};
      ${keys.map((path) => `ssl_session_ticket_key ${path};`).join(" ")}
    }`;
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const [oldPort, nowPort, longPort] = ports;
    const blocks = [server(oldPort, old), server(nowPort, now, old), server(longPort, long)].join("\n");
    const start = (): Promise<Program> => startTls(`server { listen 127.0.0.1:%PORT%; } ${blocks}`);
    let program = await start();
    try {
      for (const version of versions) {
        const kept = new Map<number, Buffer>();
        for (const port of ports) kept.set(port, await sessionOf(port, version));
        // What another machine has made, as far as this one knows.
        await program.stop();
        program = await start();
        for (const [port, session] of kept) {
          assert.equal(await isResumed(port, version, session), true, `${version} ${port}`);
        }
      }
    } finally {
      await program.stop();
    }
  });
});
