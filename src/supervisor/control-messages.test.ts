import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReport } from "./control-messages.ts";

const parse = (value: unknown): ReturnType<typeof parseReport> => parseReport(JSON.stringify(value));

test("the messages of a worker's life are understood", () => {
  const hello = { type: "hello", name: "worker-1", pid: 12, role: "worker" } as const;
  assert.deepEqual(parse(hello), { ok: true, value: hello });
  const loaded = parse({
    type: "loaded",
    interface: "asgi",
    asgi: 3,
    framework: null,
    application: "a:b",
    python: "P",
    loop: null,
  });
  assert.deepEqual(loaded.ok && loaded.value, {
    type: "loaded",
    interface: "asgi",
    asgi: 3,
    framework: undefined,
    application: "a:b",
    python: "P",
    loop: undefined,
  });
  assert.equal(parse({ type: "ready" }).ok, true);
  assert.equal(parse({ type: "exit", name: "worker-1", pid: 12, code: null, signal: 9 }).ok, true);
});

test("what a worker must not say is an error, never an exception", () => {
  const wrong: readonly unknown[] = [
    null,
    7,
    [],
    {},
    { type: "Hello" },
    { type: "hello", name: "x", pid: "12", role: "worker" },
    { type: "hello", name: "x", pid: -1, role: "worker" },
    { type: "hello", name: "x", pid: 1, role: "boss" },
    { type: "loaded", interface: "fcgi" },
    { type: "fork", name: "x" },
    { type: "__proto__" },
  ];
  for (const value of wrong) assert.equal(parse(value).ok, false, JSON.stringify(value));
  for (const line of ["", "{", "\0", "undefined"]) assert.equal(parseReport(line).ok, false, line);
});
