import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnyDirectiveRow, none } from "../config/nginx/directive-row.ts";
import { buildLines, versionLine } from "./build-text.ts";

function row(name: string, module: string): AnyDirectiveRow {
  return { name, module, contexts: ["http"], arguments: none(), merge: "none", doc: "", example: "" };
}

test("the version is where tools look for it", () => {
  assert.match(versionLine(), /^nginx version: nginx\/\d+\.\d+\.\d+ \(tricorn\/\d+\.\d+\.\d+\)\n$/);
});

test("modules are told as a build of nginx tells them: what was added, and what was left out", () => {
  const hash = { ...row("hash", "ngx_http_upstream_module"), contexts: ["upstream"] as const };
  const rows = [row("map", "ngx_http_map_module"), row("sub_filter", "ngx_http_sub_module"), hash];
  const [openssl, sni, words = ""] = buildLines(rows, "3.5.4+quic").split("\n");
  assert.equal(openssl, "built with OpenSSL 3.5.4");
  assert.equal(sni, "TLS SNI support enabled");
  assert.match(words, /^configure arguments: --prefix=\S+ --conf-path=\S+/);
  assert.match(words, / --with-http_sub_module( |$)/);
  assert.match(words, / --without-http_gzip_module( |$)/);
  assert.match(words, / --without-http-cache( |$)/);
  assert.match(words, / --without-http_upstream_zone_module( |$)/);
  assert.doesNotMatch(words, /http_map_module|upstream_hash|with-http_ssl_module|=dynamic/);
});
