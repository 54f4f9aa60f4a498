import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bind,
  choice,
  count,
  countOrAuto,
  duration,
  network,
  octal,
  onOff,
  pair,
  sizeOrUnlimited,
} from "./arguments.ts";
import type { Bind } from "./model.ts";

test("an address is a host, a port, both, an IPv6 address in brackets, a path or a descriptor", () => {
  const tcp = (host: string, port: number): Bind => ({ kind: "tcp", host, port });
  const cases: Readonly<Record<string, Bind>> = {
    "127.0.0.1": tcp("127.0.0.1", 8000),
    "127.0.0.1:80": tcp("127.0.0.1", 80),
    "localhost:0": tcp("localhost", 0),
    ":8080": tcp("0.0.0.0", 8080),
    "*:8080": tcp("0.0.0.0", 8080),
    "8080": tcp("0.0.0.0", 8080),
    "[::1]": tcp("::1", 8000),
    "[::]:443": tcp("::", 443),
    "unix:/run/a.sock": { kind: "unix", path: "/run/a.sock", mode: undefined },
    "unix:///run/a.sock": { kind: "unix", path: "/run/a.sock", mode: undefined },
    "unix:a.sock:0660": { kind: "unix", path: "a.sock", mode: 0o660 },
    "unix:/run/a.sock:777": { kind: "unix", path: "/run/a.sock", mode: 0o777 },
    "fd://3": { kind: "fd", fd: 3 },
  };
  for (const [text, value] of Object.entries(cases)) assert.deepEqual(bind().parse(text), { ok: true, value }, text);
});

test("what is no address is refused, with what was expected", () => {
  for (const text of [
    "",
    "host:port",
    "1.2.3.4:99999",
    "::1",
    "[::1",
    "a b",
    "http://x",
    "fd://x",
    `unix:/${"a".repeat(107)}`,
  ]) {
    const result = bind().parse(text);
    assert.ok(!result.ok, text);
    assert.notEqual(result.error, "");
  }
});

test("numbers have bounds, and the message names them", () => {
  assert.deepEqual(count({ min: 1, max: 64 }).parse("64"), { ok: true, value: 64 });
  for (const text of ["0", "65", "-1", "1.5", "", "ten", "0x10"]) {
    assert.deepEqual(count({ min: 1, max: 64 }).parse(text), { ok: false, error: "a number from 1 to 64" }, text);
  }
  assert.deepEqual(countOrAuto({ min: 1, max: 64 }).parse("auto"), { ok: true, value: "auto" });
});

test("a duration fits a timer of Node's", () => {
  assert.equal(duration({ minMs: 0 }).parse("24d").ok, true);
  assert.equal(duration({ minMs: 0 }).parse("25d").ok, false);
  assert.equal(duration({ minMs: 1 }).parse("0").ok, false);
});

test("a size of 0 stands for no limit where nginx means it so", () => {
  assert.deepEqual(sizeOrUnlimited().parse("0"), { ok: true, value: Number.MAX_SAFE_INTEGER });
});

test("words, switches, pairs, masks and networks are read strictly", () => {
  assert.deepEqual(choice(["auto", "on"]).parse("ON"), { ok: true, value: "on" });
  assert.equal(choice(["auto", "on"]).parse("yes").ok, false);
  assert.deepEqual(
    ["1", "on", "True", "no", "0"].map((text) => onOff().parse(text)).map((r) => r.ok && r.value),
    [true, true, true, false, false],
  );
  assert.deepEqual(pair("=", "NAME=VALUE").parse("A=b=c"), { ok: true, value: ["A", "b=c"] });
  assert.equal(pair("=", "NAME=VALUE").parse("=x").ok, false);
  assert.deepEqual(octal().parse("027"), { ok: true, value: 0o27 });
  assert.equal(octal().parse("088").ok, false);
  for (const text of ["*", "10.0.0.0/8", "127.0.0.1", "::1", "fe80::/10"])
    assert.equal(network().parse(text).ok, true, text);
  for (const text of ["", "example.org", "10.0.0", "1.2.3.4/"]) assert.equal(network().parse(text).ok, false, text);
});
