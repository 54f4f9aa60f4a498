// What of the settings of files is known with the request only.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { programVariables, request, text } from "../../../tests/route/facts.ts";
import type { RateSettings } from "../../net/index.ts";
import { compileIndex } from "./index-names.ts";
import { compileRate } from "./limit-rate.ts";

/** The rate of one request. */
function rateOf(rate: string, after: string = "0", target: string = "/", log: string[] = []): RateSettings | undefined {
  const compiled = compileRate({ limitRate: text(rate), limitRateAfter: text(after) }, programVariables());
  return compiled?.(request(target, { log }));
}

describe("limit_rate", () => {
  test("is the same for all requests without variables", () => {
    assert.deepEqual(rateOf("4k", "1m"), { rate: 4096, after: 1_048_576 });
    const written = { limitRate: text("1"), limitRateAfter: text("0") };
    const rate = compileRate(written, programVariables());
    assert.equal(rate?.(request("/a")), rate?.(request("/b")));
  });

  test("is not there where it is 0", () => {
    for (const written of ["0", "0k", ""]) {
      const limits = { limitRate: text(written), limitRateAfter: text("$arg_after") };
      assert.equal(compileRate(limits, programVariables()), undefined, written);
    }
  });

  test("is what variables say", () => {
    assert.deepEqual(rateOf("$arg_rate", "$arg_after", "/?rate=2k&after=10"), { rate: 2048, after: 10 });
    assert.deepEqual(rateOf("1k", "$arg_after", "/"), { rate: 1024, after: 0 });
    assert.equal(rateOf("$arg_rate", "5", "/?rate=0"), undefined);
    assert.equal(rateOf("$arg_rate", "5", "/"), undefined);
  });

  test("is no limit where they say no size, and the error log knows", () => {
    const log: string[] = [];
    assert.equal(rateOf("$arg_rate", "0", "/?rate=fast", log), undefined);
    assert.deepEqual(rateOf("1", "$arg_after", "/?after=1g", log), { rate: 1, after: 0 });
    assert.deepEqual(log, ['error: invalid size "fast"', 'error: invalid size "1g"']);
  });
});

describe("index with variables", () => {
  test("has the names of the request, without those that are empty", () => {
    const names = compileIndex([text("index.$arg_lang"), text("$arg_more"), text("/c")], programVariables());
    assert.deepEqual(names(request("/?lang=de&more=b")), ["index.de", "b", "/c"]);
    assert.deepEqual(names(request("/")), ["index.", "/c"]);
  });
});
