// The first bytes of a connection: what OpenSSL's and node's clients send, and what nobody should.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, createServer } from "node:net";
import { describe, test } from "node:test";
import { connect } from "node:tls";
import fc from "fast-check";
import { clientHello, records } from "../../../tests/tls/site.ts";
import { CLIENT_HELLO_SIZE_MAX, type FirstBytes, readClientHello } from "./index.ts";

function helloOf(bytes: Uint8Array): Extract<FirstBytes, { kind: "hello" }>["hello"] {
  const found = readClientHello(bytes);
  assert.ok(found.kind === "hello", JSON.stringify(found));
  return found.hello;
}

/** What is wrong, and the alert for it. */
function violationOf(bytes: Uint8Array): string {
  const found = readClientHello(bytes);
  return found.kind === "violation" ? `${found.alert}: ${found.reason}` : found.kind;
}

describe("a client's first bytes", () => {
  test("are read as node's own client sends them", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const accepted = once(server, "connection");
    const client = connect({ port, host: "127.0.0.1", servername: "shop.example", ALPNProtocols: ["h2", "http/1.1"] });
    client.on("error", () => undefined);
    const [socket] = await accepted as [Socket];
    const [bytes] = await once(socket, "data") as [Buffer];
    client.destroy();
    socket.destroy();
    server.close();
    const { serverName, protocols, ciphers, groups } = helloOf(bytes);
    assert.equal(serverName, "shop.example");
    assert.deepEqual(protocols, ["h2", "http/1.1"]);
    assert.ok(ciphers.includes(0x1302) && groups.includes(29));
  });

  test("say the same whole, byte by byte, and in records of any size", () => {
    const whole = clientHello({ serverName: "a.test", protocols: ["http/1.1"] });
    const expected = { serverName: "a.test", protocols: ["http/1.1"], ciphers: [0xc02b, 0xc02f], groups: [29, 23] };
    assert.deepEqual(helloOf(whole), expected);
    for (let size = 1; size < whole.length; size++) {
      const found = readClientHello(whole.subarray(0, size));
      assert.ok(found.kind === "need-data" && found.size > size && found.size <= whole.length);
    }
    for (const size of [1, 2, 3, 4, 5, 50]) assert.deepEqual(helloOf(records(whole.subarray(5), size)), expected);
  });

  test("that need no TLS are plain HTTP, and others are neither", () => {
    for (const text of ["GET / HTTP/1.1\r\n", "\r\nGET", "PRI * HTTP/2.0\r\n", "p", "{"]) {
      const found = readClientHello(Buffer.from(text));
      assert.equal(found.kind, text === "{" ? "violation" : "plain", text);
    }
    for (const byte of [0, 1, 0x14, 0x15, 0x17, 0x80, 0xff]) {
      assert.equal(violationOf(Buffer.of(byte, 1, 2)), "undefined: neither TLS nor HTTP");
    }
    assert.deepEqual(readClientHello(new Uint8Array()), { kind: "need-data", size: 1 });
  });

  test("that are no ClientHello are refused with the alert for it", () => {
    const whole = clientHello({ serverName: "a.test" });
    const changed = (at: number, ...bytes: number[]): Buffer => {
      const copy = Buffer.from(whole);
      copy.set(bytes, at);
      return copy;
    };
    assert.equal(violationOf(changed(5, 2)), "unexpected_message: a handshake without a ClientHello");
    assert.equal(violationOf(changed(1, 2)), "decode_error: a record of another protocol");
    assert.equal(violationOf(changed(3, 0, 0)), "unexpected_message: an empty record");
    assert.equal(violationOf(changed(3, 0x40, 1)), "record_overflow: a record that is too long");
    assert.equal(violationOf(changed(6, 1)), "decode_error: a ClientHello that is too long");
    assert.equal(violationOf(changed(8, (whole[8] ?? 0) - 1)), "unexpected_message: bytes behind the ClientHello");
    const inAlert = Buffer.concat([records(whole.subarray(5, 20), 15), Buffer.of(21, 3, 1, 0, 2, 1, 0)]);
    assert.equal(violationOf(inAlert), "unexpected_message: a record of type 21 before the ClientHello");
    for (const bytes of [
      clientHello({ serverName: "" }), clientHello({ serverName: "a".repeat(256) }),
      clientHello({ more: [[10, Buffer.of(0, 2, 0, 29)]] }), clientHello({ more: [[16, Buffer.of(0, 1, 0)]] }),
      clientHello({ more: [[0, Buffer.of(0, 8, 0, 0, 1, 97, 0, 0, 1, 98)]] }),
      clientHello({ more: [[0, Buffer.of(0, 4, 1, 0, 1, 97)]] }),
    ]) assert.equal(violationOf(bytes), "decode_error: malformed ClientHello");
  });

  test("are bounded: a name by 255 bytes, all by 16 KiB", () => {
    assert.equal(helloOf(clientHello({ serverName: "a".repeat(255) })).serverName?.length, 255);
    const padded = (size: number): Buffer => clientHello({ more: [[21, Buffer.alloc(size)]] });
    const most = CLIENT_HELLO_SIZE_MAX - padded(0).length;
    assert.equal(readClientHello(padded(most)).kind, "hello");
    assert.equal(violationOf(padded(most + 1)), "decode_error: a ClientHello that is too long");
    const small = records(padded(most).subarray(5), 100);
    assert.equal(violationOf(small), "decode_error: a ClientHello that is too long");
  });

  test("are never thrown at, whatever they are", () => {
    const whole = clientHello({ serverName: "a.test", protocols: ["http/1.1"] });
    const broken = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(whole.length))
      .map(([at, byte, end]) => {
        const copy = Buffer.from(whole);
        copy[at] = byte;
        return copy.subarray(0, end);
      });
    fc.assert(fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const found = readClientHello(bytes);
      if (found.kind === "need-data") assert.ok(found.size > bytes.length);
    }), { numRuns: 3000 });
  });
});
