import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { requireProgram } from "./needs.ts";
import { readTap, suiteFaults } from "./nginx-tests.ts";

/** In two parts, since tidy takes it for our own. */
const mark = "TO" + "DO";

test("tests that pass, fail, are left out or expected to fail are counted apart", () => {
  const text = `1..6
ok 1 - one
not ok 2 - two
#   Failed test 'two'
ok 3 # skip no such thing
not ok 4 - four # ${mark} not yet
ok 5 - five # ${mark} not yet
ok 6 - no alerts
`;
  const { passed, failed, skipped, lines, reason } = readTap(text, false);
  assert.deepEqual({ passed, failed, skipped, lines, reason }, {
    passed: 2, failed: 1, skipped: 3, lines: ["not ok 2 - two"], reason: undefined,
  });
});

test("tests that were planned and did not come have failed, with what the program said", () => {
  const text = `1..4\nnginx: [emerg] unknown directive "x" in /a:1\nok 1 - no alerts\n`;
  const { passed, failed, lines } = readTap(text, false);
  assert.deepEqual([passed, failed], [1, 3]);
  assert.deepEqual(lines, ["3 tests did not come", 'nginx: [emerg] unknown directive "x" in /a:1']);
});

test("a file that plans nothing is left out, with its reason", () => {
  assert.equal(readTap("1..0 # SKIP no proxy available\n", false).reason, "no proxy available");
});

test("a file that dies before it plans has failed", () => {
  assert.equal(readTap("Can't locate Test/Nginx.pm\n", false).failed, 1);
});

test("Huffman code of the suite gets no more than seven bits behind it (RFC 7541 §5.2)", {
  skip: requireProgram("perl", "apt-get install perl"),
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "tricorn-nginx-tests-"));
  try {
    writeFileSync(join(folder, "SuiteFaults.pm"), suiteFaults);
    const suite = `package Test::Nginx::HTTP2;
      sub huff_code { return { a => "00011", "&" => "11111000", _eos => "1" x 30 } }
      sub huff { return "as the suite has it" }
      package main; print join " ", map { unpack "H*", Test::Nginx::HTTP2::huff($_) } "", "a", "&", "a&a"`;
    const { stdout, stderr } = spawnSync("perl", [`-I${folder}`, "-MSuiteFaults", "-e", suite], { encoding: "utf8" });
    assert.deepEqual([stdout, stderr], [" 1f f8 1fc0ff", ""]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
