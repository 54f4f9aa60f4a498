import assert from "node:assert/strict";
import { chownSync, existsSync, linkSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { text } from "../../tests/route/facts.ts";
import { logFilePaths, prepareLogFiles } from "./log-files.ts";
import type { AccessLogSettings } from "./settings.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

test("the files of a configuration are those whose names are known, each once", () => {
  const base = { format: "combined", bufferSize: 0, flushMs: undefined, gzip: undefined, condition: undefined };
  const access: AccessLogSettings = {
    logs: ["/a", "-", "syslog:server=a", text("/v/$host"), "/b"].map((path) => ({ ...base, path })),
    openFileCache: undefined, logSubrequests: false,
  };
  const error = [{ path: "/b", level: "error" }, { path: "-", level: "info" }, { path: "/c", level: "info" }] as const;
  assert.deepEqual(logFilePaths([access, access], [error]), ["/a", "/b", "/c"]);
});

test("files are made, and what cannot be is said", () => {
  const path = join(directory, "a.log");
  const nowhere = join(directory, "nowhere", "b.log");
  const [failed, ...others] = prepareLogFiles([path, nowhere, "/dev/stdout"], undefined);
  assert.deepEqual(others, []);
  assert.equal(failed?.path, nowhere);
  assert.match(String(failed?.error), /ENOENT/);
  assert.ok(existsSync(path));
});

test("root gives its files to whom the edge runs as, but none that has two names", (context) => {
  if (process.getuid?.() !== 0) return context.skip("only root can give files away");
  const [made, old, other, linked] = ["m", "o", "x", "l"].map((name) => join(directory, name));
  assert.ok(made !== undefined && old !== undefined && other !== undefined && linked !== undefined);
  for (const path of [old, other, linked]) writeFileSync(path, "");
  chownSync(other, 12_345, 0);
  linkSync(linked, `${linked}.2`);
  assert.deepEqual(prepareLogFiles([made, old, other, linked], { uid: 65_534 }), []);
  assert.deepEqual([made, old, other, linked].map((path) => statSync(path).uid), [65_534, 65_534, 12_345, 0]);
});
