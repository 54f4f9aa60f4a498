import assert from "node:assert/strict";
import { hostname } from "node:os";
import { describe, test } from "node:test";
import { ok } from "../../std/result.ts";
import { authorityFolder, thisMachine } from "./machine.ts";

describe("where the authority is kept", () => {
  test("is the user's folder for data", () => {
    const home = { HOME: "/home/ada" };
    assert.deepEqual(authorityFolder(false, home), ok("/home/ada/.local/share/tricorn/authority"));
    assert.deepEqual(authorityFolder(false, { ...home, XDG_DATA_HOME: "/data" }), ok("/data/tricorn/authority"));
    const ignored = authorityFolder(false, { ...home, XDG_DATA_HOME: "data" });
    assert.deepEqual(ignored, ok("/home/ada/.local/share/tricorn/authority"));
  });

  test("is the system's for root, whoever's home it has", () => {
    const environment = { HOME: "/home/ada", XDG_DATA_HOME: "/home/ada/data" };
    assert.deepEqual(authorityFolder(true, environment), ok("/var/lib/tricorn/authority"));
  });

  test("has to be named where there is no home", () => {
    const refused = authorityFolder(false, { HOME: "" });
    assert.match(refused.ok ? "" : refused.error, /no home.*Name a folder in XDG_DATA_HOME\.$/);
  });
});

test("the machine has a name, and addresses without zones", () => {
  const { hostName, addresses, userName } = thisMachine();
  assert.equal(hostName, hostname());
  assert.notEqual(userName, "");
  for (const address of addresses) assert.equal(/^fe80:|%/i.test(address), false, address);
});
