// Answers of name servers: whatever their bytes are, what is taken of them are addresses, ports and names.
import assert from "node:assert/strict";
import { isIPv4, isIPv6 } from "node:net";
import { type DnsQuestion, encodeDnsQuery, readDnsAnswer } from "../../src/protocol/dns/index.ts";
import { asBytes, concatBytes, fromLatin1 } from "../../src/std/bytes.ts";
import type { Target } from "./target.ts";

const id = 0x1234;
const questions: readonly DnsQuestion[] = (["A", "AAAA", "SRV"] as const).map((type) => ({ name: "a.test", type }));
const recordsAt = 24;

/** A record of what was asked. */
function record(type: string, data: string): string {
  return `\xc0\x0c\0${type}\0\x01\0\0\0\x3c\0${String.fromCharCode(data.length)}${data}`;
}

const records = [
  record("\x01", "\xc0\0\x02\x01"), record("\x1c", `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01`),
  record("\x21", "\0\x01\0\x05\x1f\x40\x01b\xc0\x0e"), record("\x05", "\x01b\xc0\x0e"), record("\x05", "\xc0\x0e"),
];
const followed = `${records[3]}\xc0\x24${records[0]?.slice(2)}`;
const corpus = ["", ...records, ...records.map((each) => each + records[0]), followed];

/** An answer to the question: these records, of whatever number. */
export const nameAnswers: Target = {
  name: "dns answers",
  corpus: corpus.map(fromLatin1),
  words: ["\xc0\x0c", "\xc0\x24", "\xc0\x00", "\x3f", "\0", "\xff\xff", "\x01b\0", ...records].map(fromLatin1),
  run(random, input) {
    for (const question of questions) {
      const query = encodeDnsQuery(id, question);
      assert.equal(query?.length, recordsAt);
      query.writeUInt16BE(random.below(8) === 0 ? random.below(0x10000) : 0x8180, 2);
      query.writeUInt16BE(random.below(4), 6);
      const bytes = random.below(8) === 0 ? asBytes(input) : concatBytes([query, input]);
      const reading = readDnsAnswer(bytes, id, question);
      if (reading.kind !== "answer") continue;
      const { addresses, services, alias, ttl } = reading;
      assert.ok(addresses.every(question.type === "A" ? isIPv4 : isIPv6));
      for (const name of [...services.map(({ target }) => target), alias ?? ""]) {
        assert.ok(name.length <= 253 && name.split(".").every((label) => label.length <= 63), name);
      }
      assert.ok(services.every(({ port }) => port < 0x10000));
      assert.ok(ttl === Infinity || (ttl >= 0 && ttl <= 0x7fff_ffff));
      const isFound = addresses.length + services.length > 0;
      assert.ok(!isFound || (alias === undefined && ttl !== Infinity), "either records, or where they are");
    }
  },
};
