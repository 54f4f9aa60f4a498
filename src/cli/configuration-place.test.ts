import assert from "node:assert/strict";
import { test } from "node:test";
import { type Face, type ConfigurationPlace, placeOf } from "./configuration-place.ts";
import { parseNginxCommandLine } from "./nginx-command-line.ts";

function place(face: Face, ...argv: readonly string[]): ConfigurationPlace {
  const line = parseNginxCommandLine(argv);
  assert.ok(line.ok);
  return placeOf(line.value, face, "/srv/shop");
}

test("as nginx, files are where its packages have them, and relative names start at the prefix", () => {
  const plain = place("nginx");
  assert.deepEqual([plain.path, plain.prefix], ["/etc/nginx/nginx.conf", "/usr/share/nginx/"]);
  assert.equal(plain.directory, "/etc/nginx/");
  assert.equal(plain.defaults, "daemon on; pid /run/nginx.pid; error_log stderr;");
  assert.equal(place("nginx", "-c", "n.conf").path, "/usr/share/nginx/n.conf");
  const suite = place("nginx", "-p", "/tmp/t/", "-c", "conf/n.conf", "-e", "error.log");
  assert.deepEqual([suite.path, suite.prefix, suite.directory], ["/tmp/t/conf/n.conf", "/tmp/t/", "/tmp/t/conf/"]);
  assert.equal(suite.errorLog, "/tmp/t/error.log");
  assert.equal(suite.defaults, 'daemon on; pid /run/nginx.pid; error_log "/tmp/t/error.log";');
  assert.equal(place("nginx", "-p", "t", "-c", "n.conf").path, "/srv/shop/t/n.conf");
});

test("as tricorn -c, they start where one is, and the paths of the file at the file", () => {
  const plain = place("tricorn", "-c", "conf/site.conf");
  assert.deepEqual([plain.path, plain.prefix], ["/srv/shop/conf/site.conf", "/srv/shop/conf/"]);
  assert.equal(plain.defaults, "daemon off; error_log stderr info;");
  const given = place("tricorn", "-c", "site.conf", "-p", "/srv/other");
  assert.deepEqual([given.path, given.prefix], ["/srv/other/site.conf", "/srv/other/"]);
});

test("-e stderr is no file, and a name with quotes is quoted", () => {
  assert.equal(place("nginx", "-e", "stderr").errorLog, undefined);
  assert.match(place("nginx", "-e", '/a "b"\\').defaults, /error_log "\/a \\"b\\"\\\\";/);
});
