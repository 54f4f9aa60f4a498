import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { exampleMistakes, innermost, readText, refusals, textIn } from "../../tests/conf/blocks.ts";
import type { AppSettings } from "../config/model.ts";
import {
  type AppsInput, appDirectives, appMistakes, appPassSettings, appSettings, writtenApps,
} from "./directives.ts";
import type { AppPassSettings } from "../config/pass-settings.ts";

const facts = { name: "shop", base: "/etc/tricorn", cpuCount: 3 };

/** What stands in `app shop { }`. */
function settingsOf(text: string): AppSettings {
  return appSettings(innermost(`app shop { ${text} }`, appDirectives), facts);
}

function refused(text: string): readonly string[] {
  return refusals(`app shop { ${text} }`, appDirectives);
}

describe("the directives of applications", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(appDirectives), []);
  });

  test("have the defaults of the options", () => {
    assert.deepEqual(settingsOf(""), {
      name: "shop",
      app: "",
      factory: false,
      interface: "auto",
      python: undefined,
      chdir: "/etc/tricorn",
      appDir: "/etc/tricorn",
      pythonpath: [],
      env: [],
      user: undefined,
      group: undefined,
      workers: 1,
      threads: 1,
      preload: false,
      loop: "auto",
      lifespan: "auto",
      rootPath: "",
      timeoutMs: 30_000,
      gracefulTimeoutMs: 30_000,
      maxRequests: 0,
      maxRequestsJitter: 0,
      backlog: 2048,
    });
  });

  test("can be written in full", () => {
    const text = `module shop:create_app; factory on; interface wsgi; python /srv/venv; chdir /srv; app_dir src;
      pythonpath lib /opt/lib; pythonpath ./more; env A=1; env B==; env A=2; user shop; group www-data; workers 4;
      threads 8; preload on; loop uvloop; lifespan off; root_path /shop/; timeout 0; graceful_timeout 500ms;
      max_requests 10; max_requests_jitter 5; backlog 1;`;
    assert.deepEqual(settingsOf(text), {
      name: "shop",
      app: "shop:create_app",
      factory: true,
      interface: "wsgi",
      python: "/srv/venv",
      chdir: "/srv",
      appDir: "/srv/src",
      pythonpath: ["/srv/lib", "/opt/lib", "/srv/more"],
      env: [["A", "2"], ["B", "="]],
      user: "shop",
      group: "www-data",
      workers: 4,
      threads: 8,
      preload: true,
      loop: "uvloop",
      lifespan: "off",
      rootPath: "/shop",
      timeoutMs: 0,
      gracefulTimeoutMs: 500,
      maxRequests: 10,
      maxRequestsJitter: 5,
      backlog: 1,
    });
  });

  test("find paths from the configuration, and from chdir", () => {
    const paths = (text: string): readonly (string | undefined)[] => {
      const { chdir, appDir, python } = settingsOf(text);
      return [chdir, appDir, python];
    };
    assert.deepEqual(paths("chdir shop; app_dir ./src; python .venv;"), [
      "/etc/tricorn/shop", "/etc/tricorn/shop/src", "/etc/tricorn/shop/.venv",
    ]);
    assert.deepEqual(paths("chdir ./; app_dir .; python python3.12;"), ["/etc/tricorn", "/etc/tricorn", "python3.12"]);
    assert.deepEqual(paths("chdir ../a; python venv/bin/python;"), [
      "/etc/tricorn/../a", "/etc/tricorn/../a", "/etc/tricorn/../a/venv/bin/python",
    ]);
  });

  test("know how many processors there are", () => {
    assert.equal(settingsOf("workers auto;").workers, 3);
    const block = innermost("app shop { workers auto; }", appDirectives);
    assert.equal(appSettings(block, { ...facts, cpuCount: 5000 }).workers, 1024);
  });

  test("have bounds", () => {
    const atBounds = "workers 1024; threads 256; timeout 24d; max_requests 2147483647; backlog 65535;";
    assert.deepEqual(refused(atBounds), []);
    const beyond = "workers 0; workers 1025; threads 257; timeout 25d; max_requests 2147483648; backlog 0;";
    assert.deepEqual(refused(beyond), [
      "value must be between 1 and 1024", "value must be between 1 and 1024", "value must be between 1 and 256",
      '"timeout" directive invalid value', "value must be between 0 and 2147483647",
      "value must be between 1 and 65535",
    ]);
  });

  test("are refused with what was expected", () => {
    const expected = (text: string): readonly string[] =>
      readText(`app shop { ${text} }`, appDirectives).mistakes.map(({ message }) => message);
    assert.deepEqual(expected("root_path shop/; env A; env =1; workers x; interface cgi; chdir '';"), [
      'root_path: "shop/" is not a path that begins with a slash, such as /shop',
      'env: "A" is not a variable as NAME=VALUE',
      'env: "=1" is not a variable as NAME=VALUE',
      'workers: "x" is not a number from 1 to 1024, or auto',
      'interface: "cgi" is not one of auto, wsgi, asgi3, asgi2',
      'chdir: "" is not a path without control characters',
    ]);
    assert.deepEqual(refused("root_path shop; root_path '/a\nb'; env A; module a; module b;"), [
      'invalid value "shop" in "root_path" directive', 'invalid value "/a\nb" in "root_path" directive',
      'invalid value "A" in "env" directive', '"module" directive is duplicate',
    ]);
    assert.deepEqual(refusals("module shop; app_pass shop;", appDirectives), [
      '"module" directive is not allowed here', '"app_pass" directive is not allowed here',
    ]);
  });

  test("have names", () => {
    assert.deepEqual(refusals(`app ${"a".repeat(64)} { } app shop-2.x_y { }`, appDirectives), []);
    assert.deepEqual(refusals(`app ${"a".repeat(65)} { }`, appDirectives), [`invalid app name "${"a".repeat(65)}"`]);
    assert.deepEqual(refusals("app -a { } app a/b { } app { }", appDirectives), [
      'invalid app name "-a"', 'invalid app name "a/b"', 'invalid number of arguments in "app" directive',
    ]);
  });
});

describe("the applications of a configuration", () => {
  const world: AppsInput = {
    base: "/etc/tricorn",
    kindOf: (path) => (path === "/etc/tricorn" ? "directory" : path === "/etc/tricorn/file" ? "file" : undefined),
    members: [],
  };
  const mistakesOf = (text: string): readonly string[] => {
    const { block, mistakes } = readText(text, appDirectives);
    assert.deepEqual(mistakes, []);
    return appMistakes(block, world).map(({ place, nginx, hint }) => `${place.line}: ${nginx} | ${hint ?? ""}`);
  };

  test("stand in the main context and in http", () => {
    const { block } = readText("app a { workers 2; } http { app b { workers 3; } server { } }", appDirectives);
    assert.deepEqual(writtenApps(block).map(({ name, block: inner }) => [name, appSettings(inner, facts).workers]), [
      ["a", 2], ["b", 3],
    ]);
  });

  test("have different names", () => {
    assert.deepEqual(mistakesOf("app a { }\nhttp { app a { }\n app b { } }"), [
      '2: duplicate app "a" | it stands in line 1 already: give it another name',
    ]);
  });

  test("run in directories that are there", () => {
    assert.deepEqual(mistakesOf("app a {\n chdir nowhere; }\napp b { chdir file; }"), [
      '2: chdir("/etc/tricorn/nowhere") failed (2: No such file or directory) | name the directory of the application',
      '3: chdir("/etc/tricorn/file") failed (20: Not a directory) | name the directory of the application',
    ]);
  });

  test("are known to whoever passes to them", () => {
    const text = `app shop { }
      http { server { app_pass shop; location / { app_pass shpo; limit_except GET { app_pass y; } } } }`;
    assert.deepEqual(mistakesOf(text), [
      '2: app "shpo" is not defined | did you mean shop?',
      '2: app "y" is not defined | write app y { } outside of http { } or in it',
    ]);
  });

  test("are known to upstreams that have them among their servers", () => {
    const { block } = readText("app shop { }", appDirectives);
    const [{ place } = { place: undefined }] = writtenApps(block);
    assert.ok(place !== undefined);
    const members = ["shop", "shpo"].map((name) => ({ name, place }));
    assert.deepEqual(appMistakes(block, { ...world, members }), [
      { place, nginx: 'app "shpo" is not defined', hint: "did you mean shop?" },
    ]);
  });
});

describe("what a location says about its application's responses", () => {
  const passOf = (text: string): AppPassSettings => appPassSettings(innermost(textIn("http", text), appDirectives));
  const hidden = [
    "x-accel-redirect", "x-accel-expires", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset",
  ];

  test("is by default what nginx says of those of upstreams", () => {
    assert.deepEqual(passOf(""), {
      interceptErrors: false, hideHeaders: hidden, hidesMore: false, ignoreHeaders: [], buffering: true,
      requestBuffering: undefined,
      maxTempFileSize: 1_073_741_824,
    });
  });

  test("is taken from the nearest block around", () => {
    const text = `app_intercept_errors on; app_hide_header A; app_buffering off; app_ignore_headers Vary Expires;
      server { app_request_buffering on; app_hide_header B; app_hide_header C;
        location / { app_pass_header X-Accel-Charset; app_ignore_headers X-Accel-Redirect VARY; app_ignore_headers vary;
          app_max_temp_file_size 0; } }`;
    assert.deepEqual(passOf(text), {
      interceptErrors: true, hideHeaders: [...hidden.slice(0, 4), "b", "c"], hidesMore: true,
      ignoreHeaders: ["x-accel-redirect", "vary"], buffering: false, requestBuffering: true, maxTempFileSize: 0,
    });
  });

  test("passes what is both hidden and passed, and hides nothing twice", () => {
    const text = "app_hide_header A; app_hide_header X-Accel-Expires; app_pass_header a;";
    assert.deepEqual(passOf(text).hideHeaders, hidden);
  });

  test("is refused in nginx's words", () => {
    assert.deepEqual(refusals(textIn("http", "app_ignore_headers Server; app_buffering x; app_max_temp_file_size 1g;"),
      appDirectives), [
      'invalid value "Server"', 'invalid value "x" in "app_buffering" directive, it must be "on" or "off"',
      '"app_max_temp_file_size" directive invalid value',
    ]);
  });
});
