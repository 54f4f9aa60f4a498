// What names become: paths, types, links.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settingsOf } from "../../../tests/static/settings.ts";
import { ContentTypes, extensionOf } from "./content-type.ts";
import { escapeHtml, escapeJson, escapePath, escapeSegment } from "./escape.ts";
import { filePath, systemPath } from "./file-path.ts";
import { failureNotice, statusOfError } from "./notice.ts";
import { acceptableCodings, configuredCodings } from "./precompressed.ts";
import { redirectLocation } from "./redirect.ts";

describe("the path of a file", () => {
  const root = { kind: "root", directory: "/srv", prefix: "" } as const;

  test("follows root whole, and alias without the location's prefix", () => {
    assert.equal(filePath(root, "/srv", "/a/b"), "/srv/a/b");
    assert.equal(filePath({ kind: "alias", directory: "/d/", prefix: "/i/" }, "/d/", "/i/x"), "/d/x");
    assert.equal(filePath({ kind: "alias", directory: "/d/", prefix: "/i" }, "/d/", "/i/x"), "/d//x");
  });

  test("never leads upwards, whatever the location's prefix left", () => {
    assert.equal(filePath({ kind: "alias", directory: "/d/", prefix: "/i" }, "/d/", "/i../x"), undefined);
    for (const path of ["/..", "/../x", "/a/..", "/a/../b", "/\0", "/a\0.html"])
      assert.equal(filePath(root, "/srv", path), undefined, path);
    for (const path of ["/...", "/..a", "/a..", "/a..b/c"]) assert.equal(filePath(root, "/srv", path), `/srv${path}`);
  });

  test("is no longer than a path may be", () => {
    assert.equal(filePath(root, "/srv", `/${"a".repeat(4090)}`)?.length, 4095);
    assert.equal(filePath(root, "/srv", `/${"a".repeat(4091)}`), undefined);
  });

  test("is bytes for the file system", () => {
    assert.equal(systemPath("/a"), "/a");
    assert.deepEqual(systemPath("/\xc3\xa9\xff"), Buffer.from([0x2f, 0xc3, 0xa9, 0xff]));
  });
});

describe("the media type", () => {
  const table = { html: "text/html", js: "application/javascript" };
  const types = new ContentTypes({ types: table, defaultType: "application/octet-stream" });

  test("is that of the extension, else the default", () => {
    assert.equal(types.of("/a.js"), "application/javascript");
    assert.equal(types.of("/a.html.JS"), "application/javascript");
    for (const path of ["/a", "/a.", "/.html", "/x/.html", "/a.html/b", "/a.__proto__", "/a.constructor"])
      assert.equal(types.of(path), "application/octet-stream", path);
  });

  test("may be none", () => {
    assert.equal(new ContentTypes({ types: {}, defaultType: "" }).of("/a"), undefined);
  });

  test("asks the last dot of the last segment", () => {
    assert.deepEqual(["/a.b.c", "/.a.B", "/a.b/c", "a", ""].map(extensionOf), ["c", "b", "", "", ""]);
  });
});

test("names cannot leave their place in a page, a link or a field", () => {
  assert.equal(escapeHtml(`<a href="&">`), "&lt;a href=&quot;&amp;&quot;&gt;");
  assert.equal(escapeSegment("javascript:a/b'\xe9"), "javascript%3Aa%2Fb%27%E9");
  assert.equal(escapeJson(`"\\\n\x01\xe9`), `\\"\\\\\\n\\u0001\xe9`);
  assert.equal(escapePath("/a b\r\n?#%\xe9:@"), "/a%20b%0D%0A%3F%23%25%E9:@");
});

describe("a file made beforehand", () => {
  const codings = configuredCodings(settingsOf({ gzipStatic: "on", brotliStatic: "on", zstdStatic: "on" }));
  const chosen = (accepted: string | undefined): string =>
    acceptableCodings(codings, accepted).map(({ coding }) => coding).join(" ");

  test("is one that the client takes, by its weights and then by size", () => {
    assert.equal(chosen("gzip, deflate, br, zstd"), "br zstd gzip");
    assert.equal(chosen("br;q=0.1, gzip;q=0.9"), "gzip br");
    assert.equal(chosen("GZIP ; Q=0.5 ,br;q=0"), "gzip");
    assert.equal(chosen("gzip;q=0.000"), "");
    for (const none of [undefined, "", "*", "gzipped", "x-gzip", "gzip;q=x", "gzip;q=2"])
      assert.equal(chosen(none), "", String(none));
  });

  test("may be for everybody", () => {
    const always = configuredCodings(settingsOf({ gzipStatic: "always" }));
    for (const accepted of [undefined, "gzip;q=0", "gzip"]) assert.equal(acceptableCodings(always, accepted).length, 1);
  });
});

describe("a redirect", () => {
  const facts = {
    scheme: "http", host: "example.com", serverName: "www.x", localAddress: "::1", localPort: 8080,
  } as const;

  test("is absolute with host and port, as the directives say", () => {
    const location = (settings: Parameters<typeof settingsOf>[0], more: object = {}): string =>
      redirectLocation(settingsOf(settings), { ...facts, ...more }, "/a/");
    assert.equal(location({}), "http://example.com:8080/a/");
    assert.equal(location({ portInRedirect: false }), "http://example.com/a/");
    assert.equal(location({ serverNameInRedirect: true }), "http://www.x:8080/a/");
    assert.equal(location({ absoluteRedirect: false }), "/a/");
    assert.equal(location({}, { host: "" }), "http://[::1]:8080/a/");
    assert.equal(location({}, { localPort: 80 }), "http://example.com/a/");
    assert.equal(location({}, { scheme: "https", localPort: 443 }), "https://example.com/a/");
    assert.equal(location({}, { scheme: "https", localPort: 80 }), "https://example.com:80/a/");
  });

  test("never leads to another host", () => {
    const relative = settingsOf({ absoluteRedirect: false });
    assert.equal(redirectLocation(relative, facts, "//evil.example/"), "http://example.com:8080//evil.example/");
  });
});

test("failures are told in nginx's words", () => {
  assert.equal(failureNotice("open", "/x", "ENOENT"), 'open() "/x" failed (2: No such file or directory)');
  assert.equal(failureNotice("open", "/x", "EACCES"), 'open() "/x" failed (13: Permission denied)');
  assert.equal(failureNotice("open", "/x", "EWHAT"), 'open() "/x" failed (EWHAT)');
  assert.deepEqual(["ENOENT", "EACCES", "EIO"].map(statusOfError), [404, 403, 500]);
});
