import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Bytes, asBytes, concatBytes, fromLatin1 } from "../../std/bytes.ts";
import { PROXY_HEADER_SIZE_MAX, type ProxyEvent, ProxyHeaderReader, tlvNamed } from "./index.ts";

const signature = fromLatin1("\r\n\r\n\0\r\nQUIT\n");
const request = fromLatin1("GET / HTTP/1.1\r\n\r\n");
const tcp4 = fromLatin1("\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae");
const tcp6 = fromLatin1(
  `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${"\0".repeat(10)}\xff\xff\x09\x08\x07\x06\x04\x57\x08\xae`,
);

/** A header of version 2. @param size in the place of the true one */
function second(command: number, family: number, rest: Bytes, size: number = rest.length): Bytes {
  return concatBytes([signature, new Uint8Array([command, family, size >> 8, size & 0xff]), rest]);
}

function tlv(type: number, value: Bytes): Bytes {
  return concatBytes([new Uint8Array([type, value.length >> 8, value.length & 0xff]), value]);
}

/** What a reader says of bytes that come in pieces of this size, in memory that is used again. */
function read(bytes: Bytes, pieceSize: number): { readonly event: ProxyEvent; readonly rest: string } {
  const reader = new ProxyHeaderReader();
  for (let at = 0; at < bytes.length; at += pieceSize) {
    const piece = concatBytes([bytes.subarray(at, at + pieceSize)]);
    const event = reader.receive(piece);
    const rest = reader.takeRest().latin1Slice() + bytes.latin1Slice(Math.min(at + pieceSize, bytes.length));
    if (event !== "need-data") return { event, rest };
    piece.fill(0);
  }
  return { event: "need-data", rest: "" };
}

/** "source port destination port", "unknown", "need-data" or the reason of the refusal. */
function said(event: ProxyEvent): string {
  if (event === "need-data" || event.kind === "unknown") return typeof event === "string" ? event : event.kind;
  if (event.kind === "violation") return event.reason;
  return [event.source, event.destination].map(({ address, port = "-" }) => `${address} ${port}`).join(" ");
}

const headers: readonly (readonly [title: string, header: Bytes | string, expected: string])[] = [
  ["TCP4", "PROXY TCP4 1.2.3.4 5.6.7.8 111 65535\r\n", "1.2.3.4 111 5.6.7.8 65535"],
  ["TCP6, as it is written", "PROXY TCP6 2001:DB8::1 ::ffff:1.2.3.4 1 2\r\n", "2001:DB8::1 1 ::ffff:1.2.3.4 2"],
  ["port 0", "PROXY TCP4 1.2.3.4 5.6.7.8 0 00222\r\n", "1.2.3.4 - 5.6.7.8 222"],
  ["UNKNOWN", "PROXY UNKNOWN\r\n", "unknown"],
  ["UNKNOWN with more", "PROXY UNKNOWN ffff::1 ffff::2 x\r\n", "unknown"],
  ["TCP over IPv4", second(0x21, 0x11, tcp4), "1.2.3.4 1111 5.6.7.8 2222"],
  ["TCP over IPv6", second(0x21, 0x21, tcp6), "2001:db8::1 1111 ::ffff:9.8.7.6 2222"],
  ["TLVs", second(0x21, 0x11, concatBytes([tcp4, tlv(1, fromLatin1("h2"))])), "1.2.3.4 1111 5.6.7.8 2222"],
  ["LOCAL", second(0x20, 0x11, tcp4), "unknown"],
  ["LOCAL without anything", second(0x20, 0, fromLatin1("")), "unknown"],
  ["a Unix socket", second(0x21, 0x31, fromLatin1("a".repeat(216))), "unknown"],
  ["a Unix socket, cut", second(0x21, 0x31, fromLatin1("a")), "unknown"],
  ["UDP", second(0x21, 0x12, tcp4), "unknown"],
  ["a family that nobody knows", second(0x21, 0x41, tcp4), "unknown"],
  ["a command that nobody knows", second(0x22, 0x11, tcp4), "unknown"],
];

const cut = /^broken header: "\\x0D\\x0A\\x0D\\x0A\\x00\\x0D\\x0AQUIT\\x0A!/;
const wrong: readonly (readonly [title: string, bytes: Bytes | string, reason: string | RegExp])[] = [
  ["a request", request, 'broken header: "GET / HTTP/1.1"'],
  ["lower case", "proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 'broken header: "proxy TCP4 1.2.3.4 5.6.7.8 1 2"'],
  ["two spaces", "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", 'broken header: "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2"'],
  ["UDP4", "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", 'broken header: "PROXY UDP4 1.2.3.4 5.6.7.8 1 2"'],
  ["another family", "PROXY TCP4 ::1 ::2 1 2\r\n", 'broken header: "PROXY TCP4 ::1 ::2 1 2"'],
  ["no address", "PROXY TCP4 1.2.3.400 5.6.7.8 1 2\r\n", 'broken header: "PROXY TCP4 1.2.3.400 5.6.7.8 1 2"'],
  ["no port", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", 'broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1"'],
  ["a port too large", "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", 'broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1 65536"'],
  ["more words", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", 'broken header: "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3"'],
  ["a bare LF", "PROXY UNKNOWN\nGET / HTTP/1.0\r\n", 'broken header: "PROXY UNKNOWN\\x0AGET / HTTP/1.0"'],
  ["version 1 in the second", second(0x11, 0x11, tcp4), "unknown PROXY protocol version: 1"],
  ["version 3", second(0x31, 0x11, tcp4), "unknown PROXY protocol version: 3"],
  ["too short for IPv4", second(0x21, 0x11, tcp4.subarray(1)), cut],
  ["too short for IPv6", second(0x21, 0x21, tcp6.subarray(1)), cut],
];

const bytesOf = (header: Bytes | string): Bytes => (typeof header === "string" ? fromLatin1(header) : header);

describe("the header of the PROXY protocol", () => {
  for (const [title, header, expected] of headers) {
    test(`is read: ${title}`, () => {
      const bytes = bytesOf(header);
      const whole = concatBytes([bytes, request]);
      for (const size of [1, 2, 7, bytes.length, whole.length]) {
        const { event, rest } = read(whole, size);
        assert.deepEqual([said(event), rest], [expected, request.latin1Slice()], `pieces of ${size}`);
      }
      for (let end = 0; end < bytes.length; end++) assert.equal(read(bytes.subarray(0, end), 5).event, "need-data");
    });
  }

  for (const [title, bytes, reason] of wrong) {
    test(`is refused: ${title}`, () => {
      const heard = said(read(bytesOf(bytes), PROXY_HEADER_SIZE_MAX).event);
      if (typeof reason === "string") assert.equal(heard, reason);
      else assert.match(heard, reason);
      const { event } = read(bytesOf(bytes), 1);
      assert.ok(event !== "need-data" && event.kind === "violation", "byte by byte");
    });
  }

  test("is refused at its first wrong byte", () => {
    for (const start of ["G", "PROXZ", "\r\n\r\n\0\r\nQUIX"]) {
      const { event } = read(fromLatin1(start), 1);
      assert.ok(event !== "need-data" && event.kind === "violation", start);
    }
  });

  test("may have so many bytes and no more", () => {
    const line = (size: number): Bytes => fromLatin1(`PROXY UNKNOWN${"x".repeat(size - 15)}\r\n`);
    const second6 = (size: number): Bytes => second(0x21, 0, fromLatin1("x".repeat(size - 16)));
    for (const header of [line, second6]) {
      for (const pieceSize of [1, PROXY_HEADER_SIZE_MAX * 2]) {
        assert.equal(said(read(header(PROXY_HEADER_SIZE_MAX), pieceSize).event), "unknown");
        assert.equal(said(read(header(PROXY_HEADER_SIZE_MAX + 1), pieceSize).event), "header is too large");
      }
    }
    const endless = fromLatin1(`PROXY ${"x".repeat(PROXY_HEADER_SIZE_MAX - 6)}`);
    assert.equal(said(read(endless, 100).event), "header is too large");
    assert.equal(said(read(second(0x21, 0x11, tcp4, 65_535), 100).event), "header is too large");
  });

  test("may be anything and nothing is thrown", () => {
    for (const start of [fromLatin1("PROXY "), signature, fromLatin1("")]) {
      for (let size = 0; size < 300; size++) {
        const noise = asBytes(Uint8Array.from({ length: size }, (_, index) => (index * 167 + size * 31) & 0xff));
        assert.doesNotThrow(() => read(concatBytes([start, noise]), 1 + (size % 40)));
      }
    }
  });
});

describe("a TLV", () => {
  const inner = [tlv(0x21, fromLatin1("TLSv1.2")), tlv(0x22, fromLatin1("a.test")), tlv(0x23, fromLatin1("AES"))];
  const ssl = concatBytes([fromLatin1("\x01\0\0\x01\xff"), ...inner, tlv(0x24, fromLatin1("SHA")),
    tlv(0x25, fromLatin1("RSA"))]);
  const all = [
    tlv(1, fromLatin1("h2")), tlv(1, fromLatin1("later")), tlv(2, fromLatin1("b.test")), tlv(5, fromLatin1("id")),
    tlv(0x20, ssl), tlv(0x30, fromLatin1("ns")), tlv(0xae, fromLatin1("\xff")), tlv(0x04, fromLatin1("")),
  ];

  function named(rest: readonly Bytes[]): (name: string) => string | undefined {
    const { event } = read(second(0x21, 0x11, concatBytes([tcp4, ...rest])), 10_000);
    assert.ok(event !== "need-data" && event.kind === "header");
    return (name) => tlvNamed(event.tlvs, name);
  }

  const names: readonly (readonly [name: string, expected: string | undefined])[] = [
    ["alpn", "h2"], ["0x01", "h2"], ["0x1", "h2"], ["authority", "b.test"], ["unique_id", "id"], ["netns", "ns"],
    ["0xae", "\xff"], ["0x000AE", "\xff"], ["0x04", ""], ["ssl", ssl.latin1Slice()], ["ssl_verify", "511"],
    ["ssl_version", "TLSv1.2"], ["ssl_cn", "a.test"], ["ssl_cipher", "AES"], ["ssl_sig_alg", "SHA"],
    ["ssl_key_alg", "RSA"], ["ssl_0x22", "a.test"], ["ssl_0x2f", undefined], ["0x0f", undefined], ["0x101", undefined],
    ["", undefined], ["nothing", undefined], ["ssl_", undefined], ["ssl_alpn", undefined], ["0x", undefined],
    ["version", undefined],
  ];

  test("has nginx's name or its number", () => {
    const value = named(all);
    for (const [name, expected] of names) assert.equal(value(name), expected, name);
  });

  test("that is cut ends them, as in nginx", () => {
    const value = named([tlv(1, fromLatin1("h2")), fromLatin1("\x02\0\x09short")]);
    assert.deepEqual([value("alpn"), value("authority")], ["h2", undefined]);
    assert.equal(named([tlv(0x20, fromLatin1("\x01\0\0\0"))])("ssl_verify"), undefined);
    assert.equal(named([tlv(0x20, fromLatin1("\x01\0\0\0\0\x21\0"))])("ssl_version"), undefined);
  });
});
