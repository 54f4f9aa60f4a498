import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { findProgram, requireEnvironment, requireProgram } from "./needs.ts";

const ci = process.env["CI"];
beforeEach(() => {
  delete process.env["CI"];
});
afterEach(() => {
  if (ci === undefined) delete process.env["CI"];
  else process.env["CI"] = ci;
});

describe("a test that needs a program", () => {
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

describe("a test that needs an environment", () => {
  const absent = { folder: "/nowhere", requirements: "none.txt", holds: "frameworks", oldestPython: 9 };

  test("is left out when the packages could not be had, but in CI it fails", () => {
    const reason = "needs frameworks from PyPI: npm test installs them when it can be reached";
    assert.equal(requireEnvironment(absent), reason);
    process.env["CI"] = "true";
    assert.throws(() => requireEnvironment(absent), /CI=true leaves no test out/);
  });

  test("is left out where Python is too old for it, in CI too", () => {
    process.env["CI"] = "true";
    assert.equal(requireEnvironment({ ...absent, oldestPython: 99 }), "needs Python 3.99 or newer");
  });
});
