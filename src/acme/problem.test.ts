import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asProblem, nextAction, problemOf } from "./problem.ts";

const PREFIX = "urn:ietf:params:acme:error:";

describe("what an issuer refuses", () => {
  test("has a type, from which the next action follows", () => {
    const refused = problemOf({ type: `${PREFIX}caa`, detail: "CAA forbids it" }, 403, 0);
    assert.deepEqual([refused.message, refused.facts.type, refused.isOfIssuer], ["CAA forbids it", "caa", false]);
    assert.match(nextAction(refused) ?? "", /CAA record/);
    assert.equal(nextAction(problemOf({ type: "about:blank", detail: "x" }, 400, 0)), undefined);
  });

  test("says what is wrong with each name", () => {
    const subproblems = [{ identifier: { type: "dns", value: "a.org" }, detail: "no" }, "nonsense", { detail: "why" }];
    const refused = problemOf({ type: `${PREFIX}compound`, detail: "two names", subproblems }, 400, 0);
    assert.equal(refused.message, "two names; a.org: no; : why");
  });

  test("is shown in one line of five hundred characters at most", () => {
    assert.equal(problemOf({ detail: "a\r\n[error] b\u0000c" }, 400, 0).message, "a [error] b c");
    assert.equal(problemOf({ detail: "x".repeat(500) }, 400, 0).message.length, 500);
    assert.equal(problemOf({ detail: "x".repeat(501) }, 400, 0).message, `${"x".repeat(500)}…`);
  });

  test("may be no document at all", () => {
    for (const document of [undefined, null, 7, "text", [], { detail: 7, type: {}, subproblems: "no" }]) {
      const refused = problemOf(document, 502, 5000);
      assert.deepEqual([refused.message, refused.isOfIssuer], ["it answered with status 502", true]);
    }
    assert.equal(asProblem("a text").message, "a text");
  });
});
