import assert from "node:assert/strict";
import { test } from "node:test";
import { ok } from "../../std/result.ts";
import { onOff, string } from "./argument-types.ts";
import { type DefaultedDirectiveRow, type DirectiveRow, one } from "./directive-row.ts";
import { readConfiguration } from "./read-configuration.ts";

const daemonRow: DefaultedDirectiveRow<boolean> = {
  name: "daemon", contexts: ["main"], arguments: one(onOff()), default: "on", merge: "none", module: "x", doc: "",
  example: "",
};
const pidRow: DirectiveRow<string> = {
  name: "pid", contexts: ["main"], arguments: one(string("file")), merge: "none", module: "x", doc: "", example: "",
};

test("defaults of whoever reads hold where neither a file nor -g says anything, and are no file", () => {
  const read = (text: string, parameter?: string): readonly unknown[] => {
    const files = { readText: (path: string) => ok(path === "/i" ? "pid i;" : text), glob: () => [] };
    const input = { path: "/n.conf", parameter, files, defaults: "daemon off; pid d;" };
    const { block, sources, mistakes } = readConfiguration(input, [daemonRow, pidRow]);
    assert.deepEqual(mistakes, []);
    assert.ok(!sources.some(({ path }) => path === "defaults"));
    return [block.one(daemonRow), block.optional(pidRow)];
  };
  assert.deepEqual(read(""), [false, "d"]);
  assert.deepEqual(read("pid p;"), [false, "p"]);
  assert.deepEqual(read("include /i;"), [false, "i"]);
  assert.deepEqual(read("", "daemon on;"), [true, "d"]);
});
