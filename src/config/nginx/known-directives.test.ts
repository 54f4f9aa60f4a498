import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { adviceFor } from "./advice.ts";
import { knownDirectives } from "./known-directives.ts";

const known = knownDirectives();

describe("nginx's directives", () => {
  test("are all there, each with its module and its places", () => {
    assert.equal(known.size, 805);
    assert.deepEqual(known.get("gzip_min_length"), [
      { name: "gzip_min_length", module: "ngx_http_gzip_module", contexts: ["http", "server", "location"],
        syntaxes: ["length"] },
    ]);
    assert.deepEqual(known.get("server")?.map(({ module }) => module), ["ngx_http_core_module",
      "ngx_http_upstream_module", "ngx_mail_core_module", "ngx_stream_core_module", "ngx_stream_upstream_module"]);
    assert.deepEqual(known.get("include")?.[0]?.contexts, []);
    assert.equal(known.get("location")?.[0]?.syntaxes.length, 2);
  });

  test("are well-formed", () => {
    for (const [name, variants] of known) {
      assert.match(name, /^[a-z0-9_]+$/);
      for (const { module } of variants) assert.match(module, /^ngx_\w+$/);
    }
  });

  test("come with whose they are and what to do", () => {
    const advice = adviceFor("js_content", known.get("js_content"));
    assert.equal(advice?.owner, "nginx's ngx_http_js_module");
    assert.match(advice?.hint ?? "", /app_pass/);
    for (const [name, variants] of known) assert.notEqual(adviceFor(name, variants), undefined, name);
  });
});

test("other modules' directives are recognised by their names", () => {
  for (const name of ["lua_package_path", "content_by_lua_file", "brotli_types", "more_set_headers", "echo",
    "passenger_enabled", "ssl"]) {
    assert.notEqual(adviceFor(name, undefined), undefined, name);
  }
  for (const name of ["echoes", "frobnicate", "proxy_pas"]) assert.equal(adviceFor(name, undefined), undefined, name);
});
