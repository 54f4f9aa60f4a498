import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, text } from "../../tests/route/facts.ts";
import { compileText } from "./evaluate.ts";
import { type SplitShare, checkShares, compileSplitClients, murmurHash2, parseShare } from "./split-clients.ts";

function shares(written: Readonly<Record<string, string>>): readonly SplitShare[] {
  return Object.entries(written).map(([share, value]) => ({ hundredths: must(parseShare(share)), value }));
}

describe("split_clients", () => {
  test("chooses as nginx does", () => {
    // nginx 1.22 said so: the number of the share, of a hundred.
    const expected = {
      "": "0", a: "57", ab: "10", abc: "7", abcd: "15", abcde: "37", "client-1": "92", "client-2": "41",
      "\xe9\xff": "36",
    };
    const variables = programVariables();
    const percents = Array.from({ length: 100 }, (_, index): SplitShare => ({ hundredths: 100, value: String(index) }));
    must(variables.define(compileSplitClients({ variable: "v", source: text("$arg_x"), shares: percents }, variables)));
    const value = compileText(text("$v"), variables);
    for (const [argument, share] of Object.entries(expected)) {
      assert.equal(value(request(`/?x=${argument}`)), share, argument);
    }
    assert.equal(murmurHash2(""), 0);
  });

  test("gives each its share", () => {
    const variables = programVariables();
    const split = { variable: "v", source: text("$arg_x"), shares: shares({ "20%": "a", "0.5%": "b", "*": "c" }) };
    must(variables.define(compileSplitClients(split, variables)));
    const value = compileText(text("$v"), variables);
    const counts: Record<string, number> = { a: 0, b: 0, c: 0 };
    for (let i = 0; i < 20_000; i++) {
      const chosen = value(request(`/?x=client-${i}`));
      counts[chosen] = (counts[chosen] ?? 0) + 1;
    }
    assert.ok(Math.abs((counts["a"] ?? 0) - 4000) < 300, JSON.stringify(counts));
    assert.ok(Math.abs((counts["b"] ?? 0) - 100) < 60, JSON.stringify(counts));
  });

  test("gives nothing where no share is left", () => {
    const variables = programVariables();
    const split = { variable: "v", source: text("x"), shares: shares({ "0.01%": "a" }) };
    must(variables.define(compileSplitClients(split, variables)));
    assert.equal(compileText(text("$v"), variables)(request()), "");
  });

  test("reads percents with two decimals that are a hundred at most", () => {
    const percents = ["1%", "33.3%", "0.05%", "100%", "*"].map((share) => must(parseShare(share)));
    assert.deepEqual(percents, [100, 3330, 5, 10_000, undefined]);
    for (const share of ["1", "0%", "1.234%", "%", "-1%", ""]) {
      assert.deepEqual(parseShare(share), { ok: false, error: `invalid percent value "${share}"` });
    }
    assert.equal(checkShares(shares({ "50%": "a", "50.00%": "b" })), undefined);
    assert.equal(checkShares(shares({ "50%": "a", "50.01%": "b" })), "percent total is greater than 100%");
  });
});
