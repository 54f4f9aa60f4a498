import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseNginxCommandLine } from "./nginx-command-line.ts";

/** What is said by `argv`, without what it does not say. */
function said(...argv: readonly string[]): Record<string, unknown> {
  const line = parseNginxCommandLine(argv);
  assert.ok(line.ok, line.ok ? "" : line.error);
  return Object.fromEntries(Object.entries(line.value).filter(([, value]) => value !== false && value !== undefined));
}

/** nginx's words for what is wrong with `argv`. */
function refused(...argv: readonly string[]): string {
  const line = parseNginxCommandLine(argv);
  assert.ok(!line.ok);
  return line.error;
}

describe("nginx's command line", () => {
  test("letters may be joined, and values stand behind them or in the next word", () => {
    assert.deepEqual(said("-tq"), { tests: true, isQuiet: true });
    assert.deepEqual(said("-tcn.conf", "-p", "/srv/"), { tests: true, file: "n.conf", prefix: "/srv/" });
    assert.deepEqual(said("-p", "/srv/", "-c", "n.conf", "-e", "error.log", "-g", "daemon off;"), {
      prefix: "/srv/", file: "n.conf", errorLog: "error.log", directives: "daemon off;",
    });
    assert.deepEqual(said("-sreload"), { command: "reload" });
    assert.deepEqual(said("-"), {});
  });

  test("of several values of one letter the last counts", () => {
    assert.deepEqual(said("-c", "a", "-c", "b", "-s", "stop", "-s", "quit"), { file: "b", command: "quit" });
  });

  test("-T and --explain check first, -V and -h say the version too", () => {
    assert.deepEqual(said("-T"), { tests: true, dumps: true });
    assert.deepEqual(said("-t", "--explain"), { tests: true, explains: true });
    assert.deepEqual(said("-V"), { asksVersion: true, asksBuild: true });
    assert.deepEqual(said("-?"), { asksVersion: true, asksHelp: true });
    assert.deepEqual(said("-hv"), { asksVersion: true, asksHelp: true });
  });

  test("what is wrong is said in nginx's words", () => {
    assert.equal(refused("-x"), 'invalid option: "x"');
    assert.equal(refused("-tx"), 'invalid option: "x"');
    assert.equal(refused("-h", "-x"), 'invalid option: "x"');
    assert.equal(refused("shop"), 'invalid option: "shop"');
    assert.equal(refused(""), 'invalid option: ""');
    assert.equal(refused("--version"), 'invalid option: "-"');
    assert.equal(refused("-s", "restart"), 'invalid option: "-s restart"');
    assert.equal(refused("-c"), 'option "-c" requires file name');
    assert.equal(refused("-t", "-e"), 'option "-e" requires file name');
    assert.equal(refused("-p"), 'option "-p" requires directory name');
    assert.equal(refused("-g"), 'option "-g" requires parameter');
    assert.equal(refused("-s"), 'option "-s" requires parameter');
  });
});
