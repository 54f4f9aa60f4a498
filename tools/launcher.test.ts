import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { root } from "./venv.ts";

/** A checkout of nothing but the launcher and a main that prints what it was given. */
function makeCheckout(t: TestContext): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), "tricorn-launcher-")));
  t.after(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, "bin"));
  mkdirSync(join(directory, "src"));
  copyFileSync(join(root, "bin/tricorn"), join(directory, "bin/tricorn"));
  const main = 'const [, main, ...rest]: readonly string[] = process.argv;\nconsole.log(process.pid, main, ...rest);\n';
  writeFileSync(join(directory, "src/main.ts"), main);
  writeFileSync(join(directory, "src/quick-imports.ts"), "");
  return directory;
}

/** A program that claims to be a Node of that version and says when it is run as one. */
function makeNode(path: string, version: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo ${version} ran\n`);
  chmodSync(path, 0o755);
}

/** Runs the launcher with no more on PATH than the system's tools and `path`. */
function launch(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Launched {
  const { TRICORN_NODE: node, PATH: path = "" } = env;
  const result = spawnSync(program, args, {
    encoding: "utf8",
    env: { PATH: `${path}:/nowhere`, ...(node === undefined ? {} : { TRICORN_NODE: node }) },
  });
  return { status: result.status, pid: result.pid, stdout: result.stdout, stderr: result.stderr };
}

interface Launched {
  readonly status: number | null;
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe("bin/tricorn", () => {
  test("becomes Node: same process, same arguments, nothing on stderr", (t) => {
    const checkout = makeCheckout(t);
    const launched = launch(join(checkout, "bin/tricorn"), ["a b", "--c"], { TRICORN_NODE: process.execPath });
    assert.deepEqual(launched, {
      status: 0,
      pid: launched.pid,
      stdout: `${launched.pid} ${checkout}/src/main.ts a b --c\n`,
      stderr: "",
    });
  });

  test("says nginx to the program when it is called under that name, through any links", (t) => {
    const checkout = makeCheckout(t);
    symlinkSync("tricorn", join(checkout, "bin/nginx"));
    symlinkSync(join(checkout, "bin/tricorn"), join(checkout, "nginx"));
    symlinkSync(join(checkout, "bin/nginx"), join(checkout, "nginx-debug"));
    const said = (program: string): string =>
      launch(join(checkout, program), ["-t"], { TRICORN_NODE: process.execPath, PATH: "/usr/bin:/bin" })
        .stdout.replace(/^\d+ /, "");
    assert.equal(said("bin/nginx"), `${checkout}/src/main.ts nginx -t\n`);
    assert.equal(said("nginx"), `${checkout}/src/main.ts nginx -t\n`);
    assert.equal(said("nginx-debug"), `${checkout}/src/main.ts -t\n`);
  });

  test("finds its checkout through links", (t) => {
    const checkout = makeCheckout(t);
    mkdirSync(join(checkout, "elsewhere"));
    symlinkSync("../bin/tricorn", join(checkout, "elsewhere/one"));
    symlinkSync(join(checkout, "elsewhere/one"), join(checkout, "elsewhere/two"));
    const env = { TRICORN_NODE: process.execPath, PATH: "/usr/bin:/bin" };
    const { stdout, stderr } = launch(join(checkout, "elsewhere/two"), [], env);
    assert.match(stdout, /\/src\/main\.ts\n$/);
    assert.equal(stderr, "");
  });

  test("runs dist/ where there is no src/", (t) => {
    const checkout = makeCheckout(t);
    rmSync(join(checkout, "src"), { recursive: true });
    mkdirSync(join(checkout, "dist"));
    writeFileSync(join(checkout, "dist/main.js"), 'console.log("built");');
    writeFileSync(join(checkout, "dist/quick-imports.js"), "");
    const { stdout } = launch(join(checkout, "bin/tricorn"), [], { TRICORN_NODE: process.execPath });
    assert.equal(stdout, "built\n");
  });

  test("prefers TRICORN_NODE, then the checkout's own, then PATH", (t) => {
    const checkout = makeCheckout(t);
    const program = join(checkout, "bin/tricorn");
    makeNode(join(checkout, "named/node"), "v24.0.0");
    makeNode(join(checkout, "path/node"), "v25.1.0");
    makeNode(join(checkout, "node_modules/node/bin/node"), "v26.2.0");
    const env = { TRICORN_NODE: join(checkout, "named/node"), PATH: join(checkout, "path") };
    assert.equal(launch(program, [], env).stdout, "v24.0.0 ran\n");
    assert.equal(launch(program, [], { PATH: env.PATH }).stdout, "v26.2.0 ran\n");
    rmSync(join(checkout, "node_modules"), { recursive: true });
    assert.equal(launch(program, [], { PATH: env.PATH }).stdout, "v25.1.0 ran\n");
  });

  test("passes over a Node that is too old or does not run", (t) => {
    const checkout = makeCheckout(t);
    const program = join(checkout, "bin/tricorn");
    makeNode(join(checkout, "old/node"), "v20.20.2");
    makeNode(join(checkout, "path/node"), "v24.0.0");
    const path = join(checkout, "path");
    assert.equal(launch(program, [], { TRICORN_NODE: join(checkout, "old/node"), PATH: path }).stdout, "v24.0.0 ran\n");
    assert.equal(launch(program, [], { TRICORN_NODE: "/no/such/node", PATH: path }).stdout, "v24.0.0 ran\n");
  });

  test("says in one sentence what to do when no Node is new enough", (t) => {
    const checkout = makeCheckout(t);
    makeNode(join(checkout, "old/node"), "v20.20.2");
    const { status, stderr } = launch(join(checkout, "bin/tricorn"), [], { PATH: join(checkout, "old") });
    assert.equal(status, 1);
    assert.match(stderr, /^tricorn: needs Node\.js 24 or newer and found none: run `npm install` in .*\n$/);
  });
});
