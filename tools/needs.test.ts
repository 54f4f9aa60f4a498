import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { findProgram, requireProgram } from "./needs.ts";

describe("a test that needs a program", () => {
  const ci = process.env["CI"];
  beforeEach(() => {
    delete process.env["CI"];
  });
  afterEach(() => {
    if (ci === undefined) delete process.env["CI"];
    else process.env["CI"] = ci;
  });

  test("runs when the program is there under any of its names", () => {
    assert.equal(findProgram("no-such-program", "sh")?.endsWith("/sh"), true);
    assert.equal(requireProgram(["no-such-program", "sh"], "apt-get install dash"), false);
  });

  test("is left out with the command that installs it", () => {
    assert.equal(requireProgram("no-such-program", "apt-get install it"), "needs no-such-program: apt-get install it");
  });

  test("fails in CI", () => {
    process.env["CI"] = "true";
    assert.throws(() => requireProgram("no-such-program", "apt-get install it"), /CI=true leaves no test out/);
  });
});
