import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { evaluateConditions, ifRangeHolds, type ConditionOutcome, type ModifiedSinceMode } from "./conditional.ts";
import { formatHttpDate } from "./date.ts";
import { fileEtag } from "./etag.ts";
import type { RequestConditions } from "./request-conditions.ts";

const changedS = 784_111_777;
const changed = formatHttpDate(changedS);
const before = formatHttpDate(changedS - 1);
const after = formatHttpDate(changedS + 1);
const etag = fileEtag(changedS, 1024);
const validators = { etag, lastModifiedS: changedS };
const nothing: RequestConditions = {
  ifMatch: undefined, ifNoneMatch: undefined, ifModifiedSince: undefined, ifUnmodifiedSince: undefined,
  ifRange: undefined, range: undefined,
};

const outcome = (asked: Partial<RequestConditions>, mode: ModifiedSinceMode = "exact"): ConditionOutcome =>
  evaluateConditions({ ...nothing, ...asked }, validators, mode);

test("a file's tag is its time and its size, in hexadecimal", () => {
  assert.equal(etag, '"2ebc98a1-400"');
});

describe("If-None-Match", () => {
  test("that names the tag, also weakly or in a list, is 304", () => {
    for (const list of [etag, `W/${etag}`, `"a", ${etag}`, `"a,b",${etag} , "c"`, ` ${etag}`, "*", `x, , y,${etag}`])
      assert.equal(outcome({ ifNoneMatch: list }), "not-modified", list);
  });

  test("that names others proceeds", () => {
    for (const list of ['"a"', "", `${etag}x`, etag.slice(1), `"a, ${etag.slice(1)}`, "**", ",", ",,"])
      assert.equal(outcome({ ifNoneMatch: list }), "proceed", list);
  });

  test("and If-Modified-Since must both say that nothing changed, as in nginx", () => {
    assert.equal(outcome({ ifNoneMatch: etag, ifModifiedSince: changed }), "not-modified");
    assert.equal(outcome({ ifNoneMatch: etag, ifModifiedSince: before }), "proceed");
    assert.equal(outcome({ ifNoneMatch: '"a"', ifModifiedSince: changed }), "proceed");
  });

  test("is quick on a hostile list", () => {
    const start = performance.now();
    for (const list of [",".repeat(60_000), ` ${'"'.repeat(60_000)}`, "W/,".repeat(20_000), '"a" ,'.repeat(10_000)])
      outcome({ ifNoneMatch: list });
    assert.ok(performance.now() - start < 2000);
  });
});

describe("If-Modified-Since", () => {
  test("compares as if_modified_since says", () => {
    const table: Record<ModifiedSinceMode, readonly [string, string, string]> = {
      exact: ["proceed", "not-modified", "proceed"],
      before: ["proceed", "not-modified", "not-modified"],
      off: ["proceed", "proceed", "proceed"],
    };
    for (const mode of ["exact", "before", "off"] as const) {
      const got = [before, changed, after].map((ifModifiedSince) => outcome({ ifModifiedSince }, mode));
      assert.deepEqual(got, table[mode], mode);
    }
  });

  test("that is no date is ignored", () => {
    assert.equal(outcome({ ifModifiedSince: "soon" }, "before"), "proceed");
  });
});

describe("If-Match and If-Unmodified-Since", () => {
  test("fail where the representation is another", () => {
    assert.equal(outcome({ ifMatch: etag }), "proceed");
    assert.equal(outcome({ ifMatch: "*" }), "proceed");
    // RFC 9110 §13.1.1: a strong comparison.
    assert.equal(outcome({ ifMatch: `W/${etag}` }), "failed");
    assert.equal(outcome({ ifMatch: '"a"' }), "failed");
    assert.equal(outcome({ ifUnmodifiedSince: changed }), "proceed");
    assert.equal(outcome({ ifUnmodifiedSince: after }), "proceed");
    assert.equal(outcome({ ifUnmodifiedSince: before }), "failed");
    assert.equal(outcome({ ifUnmodifiedSince: "soon" }), "failed");
  });

  test("come before those that give 304", () => {
    assert.equal(outcome({ ifMatch: '"a"', ifNoneMatch: etag }), "failed");
  });

  test("fail, like a tag asked for, where there are no validators", () => {
    const none = { etag: undefined, lastModifiedS: undefined };
    assert.equal(evaluateConditions({ ...nothing, ifMatch: etag }, none, "exact"), "failed");
    assert.equal(evaluateConditions({ ...nothing, ifUnmodifiedSince: after }, none, "exact"), "failed");
    assert.equal(evaluateConditions({ ...nothing, ifModifiedSince: changed }, none, "exact"), "proceed");
  });
});

test("If-Range holds for the very tag or the very date", () => {
  assert.equal(ifRangeHolds(etag, validators), true);
  assert.equal(ifRangeHolds(`W/${etag}`, validators), false);
  assert.equal(ifRangeHolds('"a"', validators), false);
  assert.equal(ifRangeHolds(changed, validators), true);
  assert.equal(ifRangeHolds(after, validators), false);
  assert.equal(ifRangeHolds("soon", validators), false);
  assert.equal(ifRangeHolds("soon", { etag: undefined, lastModifiedS: undefined }), false);
});
