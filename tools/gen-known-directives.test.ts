import assert from "node:assert/strict";
import { test } from "node:test";
import { knownDirectivesText } from "./gen-known-directives.ts";

test("directives are written in the order of their modules, one a line", () => {
  const text = knownDirectivesText({
    server: [{ mod: "b", syn: [], cx: ["http"] }, { mod: "a", syn: ["address [parameters]"], cx: ["upstream"] }],
    include: [{ mod: "a", syn: ["file | mask"], cx: [] }],
  });
  const { lines, licence } = JSON.parse(text) as { readonly lines: readonly string[]; readonly licence: string };
  const a = ["a", "include\t\tfile | mask", "server\tupstream\taddress [parameters]"];
  assert.deepEqual(lines, [...a, "b", "server\thttp"]);
  assert.match(licence, /BSD-2-Clause/);
});
