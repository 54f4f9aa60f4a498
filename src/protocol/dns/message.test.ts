import { deepEqual, equal, notEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import type { Bytes } from "../../std/bytes.ts";
import { NO_BYTES, copyBytes, fromLatin1 } from "../../std/bytes.ts";
import { type DnsQuestion, type DnsReading, encodeDnsQuery, readDnsAnswer } from "./index.ts";

const ID = 0x1234;
const A = 1, CNAME = 5, AAAA = 28, SRV = 33, DNAME = 39;
const INTERNET = 1, CHAOS = 3;
const question: DnsQuestion = { name: "a.test", type: "A" };

function words(...values: readonly number[]): string {
  return values.map((value) => String.fromCharCode(value >> 8, value & 255)).join("");
}

function wireName(name: string): string {
  return `${name.split(".").map((label) => String.fromCharCode(label.length) + label).join("")}\0`;
}

/** A record. @param owner on the wire: "\xc0\x0c" is the asked name */
function record(owner: string, type: number, ttl: number, data: string, kind: number = INTERNET): string {
  return owner + words(type, kind, ttl >>> 16, ttl & 0xffff, data.length) + data;
}

function pointer(at: number): string {
  return words(0xc000 | at);
}

const asked = pointer(12);
const address = "\xc0\0\x02\x01";

interface Message {
  readonly id?: number;
  readonly flags?: number;
  readonly asks?: string;
  readonly count?: number;
}

/** An answer of these records. */
function message(records: readonly string[], { id = ID, flags = 0x8180, asks, count }: Message = {}): Bytes {
  const section = asks ?? wireName("a.test") + words(A, INTERNET);
  return fromLatin1(words(id, flags, 1, count ?? records.length, 0, 0) + section + records.join(""));
}

function read(records: readonly string[], more: Message = {}): DnsReading {
  return readDnsAnswer(message(records, more), ID, question);
}

/** What is said of names and records where nothing else is. */
const nothing = { kind: "answer", code: 0, addresses: [], services: [], alias: undefined, ttl: Infinity } as const;

describe("a question to a name server", () => {
  test("is a header, the name's labels, its type and the internet's class", () => {
    const wire = "\x124\x01\0\0\x01\0\0\0\0\0\0\x01a\x04test\0\0\x1c\0\x01";
    equal(encodeDnsQuery(ID, { name: "a.test", type: "AAAA" })?.latin1Slice(), wire);
    equal(encodeDnsQuery(ID, { name: "a.test.", type: "AAAA" })?.latin1Slice(), wire);
  });

  test("has a name of 253 characters and labels of 63 at most", () => {
    const label = "x".repeat(63);
    const longest = `${label}.${label}.${label}.${"x".repeat(61)}`;
    equal(longest.length, 253);
    equal(encodeDnsQuery(ID, { name: longest, type: "A" })?.length, 12 + 255 + 4);
    for (const name of [`${longest}x`, `${label}x.test`, "", ".", "a..b", ".a", "é€"]) {
      equal(encodeDnsQuery(ID, { name, type: "A" }), undefined, name);
    }
  });
});

describe("an answer of a name server", () => {
  test("tells addresses, and for how long all of it counts", () => {
    const records = [record(asked, A, 60, address), record(asked, A, 30, "\xc0\0\x02\x02")];
    deepEqual(read(records), { ...nothing, addresses: ["192.0.2.1", "192.0.2.2"], ttl: 30 });
    const ipv6 = "\x20\x01\x0d\xb8" + "\0".repeat(11) + "\x01";
    const asks = wireName("A.Test") + words(AAAA, INTERNET);
    deepEqual(
      readDnsAnswer(message([record(asked, AAAA, 1, ipv6)], { asks }), ID, { name: "a.TEST.", type: "AAAA" }),
      { ...nothing, addresses: ["2001:db8::1"], ttl: 1 },
    );
    deepEqual(read([]), nothing);
  });

  test("tells services", () => {
    const data = words(1, 5, 8000) + wireName("App.Test");
    const asks = wireName("a.test") + words(SRV, INTERNET);
    deepEqual(readDnsAnswer(message([record(asked, SRV, 9, data)], { asks }), ID, { name: "a.test", type: "SRV" }), {
      ...nothing, services: [{ priority: 1, weight: 5, port: 8000, target: "app.test" }], ttl: 9,
    });
    for (const bad of [data.slice(0, 6), data.slice(0, -1), `${data}x`, ""]) {
      const bytes = message([record(asked, SRV, 9, bad)], { asks });
      equal(readDnsAnswer(bytes, ID, { name: "a.test", type: "SRV" }).kind, "malformed");
    }
  });

  test("leads by aliases to what was asked for, or to the next question", () => {
    const b = wireName("b.test"), c = wireName("c.test");
    const chain = [record(asked, CNAME, 50, b), record(b, CNAME, 40, c)];
    deepEqual(read([...chain, record(c, A, 60, address)]), { ...nothing, addresses: ["192.0.2.1"], ttl: 40 });
    deepEqual(read([record(c, A, 60, address), ...chain.toReversed()]),
      { ...nothing, addresses: ["192.0.2.1"], ttl: 40 }, "in any order");
    deepEqual(read(chain), { ...nothing, alias: "c.test", ttl: 40 });
    const moved = record(wireName("test"), DNAME, 7, wireName("example"));
    const made = record(asked, CNAME, 9, wireName("a.example"));
    deepEqual(read([moved, made]), { ...nothing, alias: "a.example", ttl: 9 });
  });

  test("says nothing about other names, types and classes", () => {
    const records = [
      record(wireName("other.test"), A, 1, address), record(asked, AAAA, 1, "\0".repeat(16)),
      record(asked, A, 1, address, CHAOS), record(asked, 16, 1, "\x01x"),
    ];
    deepEqual(read(records), nothing);
  });

  test("has sixteen aliases at most, and none in a circle", () => {
    const names = Array.from({ length: 18 }, (_none, index) => wireName(index === 0 ? "a.test" : `a${index}.test`));
    const aliases = (count: number): readonly string[] =>
      Array.from({ length: count }, (_none, index) => record(names[index] ?? "", CNAME, 5, names[index + 1] ?? ""));
    deepEqual(read([...aliases(16), record(names[16] ?? "", A, 5, address)]),
      { ...nothing, addresses: ["192.0.2.1"], ttl: 5 });
    equal(read([...aliases(17), record(names[17] ?? "", A, 5, address)]).kind, "malformed");
    equal(read([record(asked, CNAME, 5, asked)]).kind, "malformed");
  });

  test("of which 512 records are looked at", () => {
    const other = record(wireName("other.test"), A, 1, address);
    const own = record(asked, A, 1, address);
    const many = (count: number): readonly string[] => Array.from({ length: count }, () => other);
    deepEqual(read([...many(511), own]), { ...nothing, addresses: ["192.0.2.1"], ttl: 1 });
    deepEqual(read([...many(512), own]), nothing);
  });

  test("may say that something is wrong, or that TCP is needed", () => {
    for (const code of [1, 2, 3, 5, 15]) deepEqual(read([], { flags: 0x8180 | code }), { ...nothing, code });
    deepEqual(read([], { flags: 0x8380 }), { kind: "truncated" });
    deepEqual(read([], { flags: 0x8382 }), { ...nothing, code: 2 });
  });

  test("takes TTLs of more than 31 bits for 0", () => {
    deepEqual(read([record(asked, A, 0x7fff_ffff, address)]).kind === "answer"
      && read([record(asked, A, 0x8000_0000, address)]), { ...nothing, addresses: ["192.0.2.1"], ttl: 0 });
  });

  test("is none if it has another id, another question, or is no answer", () => {
    for (const more of [
      { id: ID + 1 }, { flags: 0x0100 }, { flags: 0x8980 },
      { asks: wireName("b.test") + words(A, INTERNET) }, { asks: wireName("a.test") + words(AAAA, INTERNET) },
      { asks: wireName("a.test") + words(A, CHAOS) }, { asks: "" }, { asks: wireName("a.test") },
    ]) {
      deepEqual(read([], more), { kind: "unrelated" }, JSON.stringify(more));
    }
    const whole = message([record(asked, A, 1, address)]);
    for (let size = 0; size < whole.length; size++) {
      const { kind } = readDnsAnswer(whole.subarray(0, size), ID, question);
      equal(kind, size < 24 ? "unrelated" : "malformed", `${size} bytes`);
    }
    deepEqual(read([], { count: 1 }), { kind: "malformed" });
  });

  test("may be of any bytes, and is read to some end", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    const service = words(1, 5, 8000) + `\x01b${pointer(14)}`;
    const sources = [
      message([record(asked, CNAME, 5, `\x01b${pointer(14)}`), record(pointer(36), A, 1, address)]),
      message([record(asked, SRV, 5, service)], { asks: wireName("a.test") + words(SRV, INTERNET) }),
    ];
    const kinds = new Set<string>();
    for (let round = 0; round < 20_000; round++) {
      const bytes = copyBytes(sources[round % 2] ?? NO_BYTES);
      for (let count = random(4); count >= 0; count--) bytes[random(bytes.length)] = random(256);
      const type = round % 2 === 0 ? "A" : "SRV";
      kinds.add(readDnsAnswer(bytes.subarray(0, bytes.length - random(3)), ID, { name: "a.test", type }).kind);
    }
    deepEqual([...kinds].sort(), ["answer", "malformed", "truncated", "unrelated"]);
  });

  test("is not understood if its addresses are none", () => {
    for (const data of ["", "\x7f\0\0", "\x7f\0\0\x01\0"]) {
      equal(read([record(asked, A, 1, data)]).kind, "malformed");
    }
  });
});

describe("a name in an answer", () => {
  /** Of which name is the first record's target? The record's data begins at byte 36. */
  function target(data: string): string | undefined {
    const reading = read([record(asked, CNAME, 1, data)]);
    return reading.kind === "answer" ? reading.alias : undefined;
  }

  test("may point to labels that stand before it, and nowhere else", () => {
    equal(target(`\x01b${pointer(14)}`), "b.test");
    equal(target(pointer(14)), "test");
    for (const at of [36, 37, 38, 100, 0x3fff]) equal(target(`\x01b${pointer(at)}`), undefined, `byte ${at}`);
    notEqual(target(`\x01b${pointer(12)}`), undefined);
  });

  test("goes through a pointer to a pointer, but never in a circle", () => {
    const b = record(asked, CNAME, 1, `\x01b${pointer(14)}`);
    const c = record(`\x01b${pointer(14)}`, CNAME, 1, `\x01c${pointer(36)}`);
    const reading = read([b, c]);
    equal(reading.kind === "answer" ? reading.alias : undefined, "c.b.test");
    equal(target(`${pointer(38)}${pointer(36)}`), undefined);
  });

  test("has labels of 63 and a whole of 253 characters, and none with a dot in it", () => {
    const label = "x".repeat(63);
    const longest = `${label}.${label}.${label}.${"x".repeat(61)}`;
    equal(target(wireName(longest)), longest);
    equal(target(wireName(`${longest}x`)), undefined);
    equal(target(`\x40${"x".repeat(64)}\0`), undefined, "64 is no length");
    equal(target("\x03a.b\0"), undefined);
    equal(target("\0"), "");
    equal(target("\x01b"), undefined, "no end within the data");
  });
});
