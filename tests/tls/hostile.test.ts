// Handshakes of clients that know TLS and mean ill: each ends with the alert that the standards name, and the site goes
// on. Whose first bytes are no ClientHello at all is looked at in src/protocol/tls.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { after, afterEach, before, describe, test } from "node:test";
import * as tls from "node:tls";
import { type Program, freePort } from "../support/program.ts";
import { Certificates, ask, clientHello, exchange, pairOf, startTls } from "./site.ts";

/** RFC 8446 §6. */
const alerts: Readonly<Record<number, string>> = {
  10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow", 40: "handshake_failure",
  47: "illegal_parameter", 50: "decode_error", 51: "decrypt_error", 70: "protocol_version",
  86: "inappropriate_fallback", 109: "missing_extension",
};
const tls13 = 0x0304, aes13 = 0x1301, x25519 = 29, p256 = 23, hybrid = 0x11ec;
const keyShare = 51, pskModes = 45, preSharedKey = 41, ticket = 35;

describe("a site with TLS", () => {
  const certificates = new Certificates();
  const pair = certificates.sign("localhost");
  let program: Program;
  let cachingPort = 0;
  before(async () => {
    cachingPort = await freePort();
    program = await startTls(`
      client_header_timeout 5s; ${pairOf(pair)}
      server { listen 127.0.0.1:%PORT% ssl; return 200 $ssl_session_reused; }
      server { listen 127.0.0.1:${cachingPort} ssl; ssl_session_tickets off; ssl_session_cache shared:ids:1m; }
    `);
  });
  after(() => program.stop());
  after(() => certificates[Symbol.dispose]());

  afterEach(async () => {
    assert.equal((await ask({ port: program.port })).body, ".", "it serves");
    assert.doesNotMatch(program.output, /killed|exited|uncaught|\[(?:alert|crit|emerg)\]/i);
  });

  /** Of all records that come back, in clear: "handshake", or the alert's name. */
  const outcome = async (...parts: readonly Uint8Array[]): Promise<string> =>
    summary(await exchange(program.port, Buffer.concat(parts)));

  test("takes no share of a key that is none", async () => {
    const hello = (...shares: readonly (readonly [number, Buffer])[]): Buffer => clientHello({
      versions: [tls13], ciphers: [aes13], groups: shares.map(([group]) => group),
      more: [[keyShare, keyShares(shares)]],
    });
    const offCurve = Buffer.alloc(65, 1);
    offCurve[0] = 4;
    const cases: readonly (readonly [string, number, Buffer, string])[] = [
      // RFC 8446 §7.4.2: the shared secret would be zero.
      ["a point of low order", x25519, Buffer.alloc(32), "illegal_parameter"],
      ["31 bytes", x25519, Buffer.alloc(31, 9), "illegal_parameter"],
      ["33 bytes", x25519, Buffer.alloc(33, 9), "illegal_parameter"],
      ["a point beside the curve", p256, offCurve, "illegal_parameter"],
      ["the point at infinity", p256, Buffer.of(0), "illegal_parameter"],
      ["a compressed point", p256, Buffer.alloc(33, 2), "illegal_parameter"],
      ["a short key of ML-KEM", hybrid, Buffer.alloc(1215, 1), "illegal_parameter"],
      ["a long key of ML-KEM", hybrid, Buffer.alloc(1217, 1), "illegal_parameter"],
      ["a key of ML-KEM beyond its field", hybrid, Buffer.alloc(1216, 0xff), "illegal_parameter"],
      ["nothing", x25519, Buffer.alloc(0), "decode_error"],
    ];
    for (const [what, group, share, expected] of cases) {
      assert.equal(await outcome(hello([group, share])), expected, what);
    }
  });

  test("refuses what TLS 1.3 forbids to offer", async () => {
    const good: readonly [number, Buffer] = [keyShare, keyShares([[x25519, Buffer.alloc(32, 9)]])];
    const hello = (...more: readonly (readonly [number, Buffer])[]): Buffer =>
      clientHello({ versions: [tls13], ciphers: [aes13], more });
    // RFC 8446 §4.2.11: pre_shared_key stands last, and §4.2.9: with its modes.
    const identity = vector(2, Buffer.concat([vector(2, Buffer.alloc(200, 5)), Buffer.alloc(4)]));
    const binder = vector(2, Buffer.alloc(33, 32));
    const offered: readonly [number, Buffer] = [preSharedKey, Buffer.concat([identity, binder])];
    const modes: readonly [number, Buffer] = [pskModes, Buffer.of(1, 1)];
    assert.equal(await outcome(hello(offered, modes, good)), "illegal_parameter");
    assert.equal(await outcome(hello(good, offered)), "missing_extension");
    assert.equal(await outcome(hello()), "missing_extension");
  });

  test("is not talked down", async () => {
    const fallback = 0x5600;
    // RFC 7507 §3, and RFC 8446 §4.1.2: the null method is always there.
    assert.equal(await outcome(clientHello({ ciphers: [0xc02b, fallback] })), "inappropriate_fallback");
    assert.equal(await outcome(clientHello({ compressions: [1] })), "illegal_parameter");
    for (const versions of [[0x0300], [0x0301, 0x0302], [0x0200], [0x7f1c], [0x0a0a]]) {
      assert.equal(await outcome(clientHello({ versions })), "protocol_version");
    }
    const old = clientHello({ versions: [] });
    old.writeUInt16BE(0x0302, 9);
    assert.equal(await outcome(old), "protocol_version");
    // RSA key exchange, CBC, RC4, anonymous, NULL; and nothing that anybody knows.
    for (const ciphers of [[0x009c, 0x002f], [0xc009, 0xc013], [0x0005], [0xc018, 0x0034], [0x0001], [0x0a0a]]) {
      assert.equal(await outcome(clientHello({ ciphers })), "handshake_failure");
    }
  });

  test("ends when messages come that are not for this moment", async () => {
    const hello = clientHello({}), second = clientHello({});
    // The version of its record, which is fixed by then.
    second[2] = 3;
    const changeCipherSpec = Buffer.of(20, 3, 3, 0, 1, 1);
    const finished = Buffer.concat([Buffer.of(22, 3, 3, 0, 16, 20, 0, 0, 12), Buffer.alloc(12)]);
    const cases: readonly (readonly [string, readonly Uint8Array[], string])[] = [
      ["a second ClientHello", [hello, second], "unexpected_message"],
      ["CVE-2014-0224: ChangeCipherSpec too early", [hello, changeCipherSpec], "unexpected_message"],
      ["Finished without keys", [hello, finished], "unexpected_message"],
      ["data without keys", [hello, Buffer.of(23, 3, 3, 0, 1, 65)], "unexpected_message"],
      ["a heartbeat", [hello, Buffer.of(24, 3, 3, 0, 3, 1, 0x40, 0)], "unexpected_message"],
      ["empty records", [hello, ...Array.from({ length: 100 }, () => Buffer.of(22, 3, 3, 0, 0))], "unexpected_message"],
      ["a record that is too long", [hello, Buffer.of(22, 3, 3, 0x48, 1), Buffer.alloc(0x4801)], "record_overflow"],
      ["a message of 16 MB", [hello, Buffer.of(22, 3, 3, 0, 4, 16, 0xff, 0xff, 0xff)], "illegal_parameter"],
      // CVE-2016-8610: warnings without end.
      ["warnings", [hello, ...Array.from({ length: 10_000 }, () => Buffer.of(21, 3, 3, 0, 2, 1, 90))],
        "unexpected_message"],
    ];
    for (const [what, parts, expected] of cases) assert.equal(await outcome(...parts), expected, what);
  });

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`resumes nothing of ${maxVersion} by a ticket that it has not sealed`, async () => {
      let session: Buffer | undefined;
      await ask({ port: program.port, maxVersion, onSession: (made) => (session = made) });
      assert.ok(session !== undefined);
      const resumed = async (changed: Buffer): Promise<string> => {
        const { body } = await ask({ port: program.port, maxVersion, session: changed });
        return body;
      };
      assert.equal(await resumed(session), "r");
      const { at, size } = ticketIn(session);
      // In its key's name, its IV, what is sealed, and its MAC.
      for (const offset of [0, 15, 16, 31, 32, size >> 1, size - 33, size - 32, size - 1]) {
        const changed: Buffer = Buffer.from(session);
        changed[at + offset] = (changed[at + offset] ?? 0) ^ 1;
        assert.equal(await resumed(changed), ".", `byte ${offset} of ${size}`);
      }
    });
  }

  test("passes over tickets and ids of any size that mean nothing to it", async () => {
    for (const port of [program.port, cachingPort]) {
      for (const size of [0, 1, 15, 16, 31, 32, 63, 64, 80, 1000, 12_000]) {
        const hello = clientHello({ more: [[ticket, Buffer.alloc(size, 3)]] });
        assert.equal(summary(await exchange(port, hello, "first")), "handshake", `a ticket of ${size} bytes`);
      }
      for (const size of [1, 31, 32]) {
        const hello = clientHello({ sessionId: Buffer.alloc(size, 3) });
        assert.equal(summary(await exchange(port, hello, "first")), "handshake", `an id of ${size} bytes`);
      }
      const long = await exchange(port, clientHello({ sessionId: Buffer.alloc(33, 3) }));
      assert.equal(summary(long), "decode_error");
    }
  });

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    test(`ends a connection of ${maxVersion} in which a record is forged`, async () => {
      const { plain, secure } = await opened(program.port, maxVersion);
      const closed = once(plain, "close");
      // As long as a record may be when nothing is wrong with it.
      plain.write(Buffer.concat([Buffer.of(23, 3, 3, 0, 64), Buffer.alloc(64, 1)]));
      const [problem] = await once(secure, "error") as [NodeJS.ErrnoException];
      assert.equal(problem.code, "ERR_SSL_SSL/TLS_ALERT_BAD_RECORD_MAC");
      await closed;
    });
  }
});

/** A connection that has shaken hands, and the one below it. */
async function opened(
  port: number, maxVersion: tls.SecureVersion,
): Promise<{ readonly plain: Socket; readonly secure: tls.TLSSocket }> {
  const plain = connect(port, "127.0.0.1");
  await once(plain, "connect");
  const secure = tls.connect({ socket: plain, rejectUnauthorized: false, maxVersion });
  await once(secure, "secureConnect");
  return { plain, secure };
}

/** "handshake" for a ServerHello and what follows, then the alert that ends it; "nothing" for neither. */
function summary(bytes: Buffer): string {
  let hasHandshake = false;
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 22) hasHandshake = true;
    const [level, description = 0] = bytes.subarray(at + 5);
    if (bytes[at] === 21 && level === 2) return alerts[description] ?? `alert ${description}`;
  }
  return hasHandshake ? "handshake" : "nothing";
}

/** Where the ticket of a session is: the longest octet string of OpenSSL's SSL_SESSION, tagged [10]. */
function ticketIn(session: Buffer): { readonly at: number; readonly size: number } {
  for (let at = session.length - 4; at > 0; at--) {
    if (session[at] !== 0xaa) continue;
    const rest = session.subarray(at);
    const wide = rest[1] === 0x82 && rest[4] === 0x04 && rest[5] === 0x82;
    const narrow = rest[1] === 0x81 && rest[3] === 0x04 && rest[4] === 0x81;
    if (wide && rest.readUInt16BE(2) === rest.readUInt16BE(6) + 4) return { at: at + 8, size: rest.readUInt16BE(6) };
    if (narrow && rest[2] === (rest[5] ?? 0) + 3) return { at: at + 6, size: rest[5] ?? 0 };
  }
  throw new Error("the session has no ticket");
}

function keyShares(shares: readonly (readonly [number, Buffer])[]): Buffer {
  return vector(2, Buffer.concat(shares.map(([group, share]) =>
    Buffer.concat([Buffer.of(group >> 8, group & 0xff), vector(2, share)]))));
}

function vector(lengthSize: 2, content: Buffer): Buffer {
  const head = Buffer.alloc(lengthSize);
  head.writeUInt16BE(content.length);
  return Buffer.concat([head, content]);
}
