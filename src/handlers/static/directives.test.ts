import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  contextMistakes, exampleMistakes, innermost, readText, refusals, textIn,
} from "../../../tests/conf/blocks.ts";
import { ContentTypes } from "./content-type.ts";
import { contentTypes, staticDirectives, staticSettings } from "./directives.ts";
import type { StaticSettings } from "./settings.ts";

type FileSettings = Omit<StaticSettings, "mapping" | "isUtf8">;

/** What a text in `http` says, or in the block that it opens. */
function settingsOf(text: string): FileSettings {
  return staticSettings(innermost(textIn("http", text), staticDirectives));
}

function refused(text: string): readonly string[] {
  return refusals(textIn("http", text), staticDirectives);
}

const literal = (text: string): readonly unknown[] => [{ kind: "literal", text }];

describe("the directives of files", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(staticDirectives), []);
  });

  test("may stand where nginx's reference says", () => {
    assert.deepEqual(contextMistakes(staticDirectives), []);
  });

  test("have nginx's defaults, but for types and max_ranges", () => {
    assert.deepEqual(settingsOf(""), {
      index: ["index.html"],
      variableIndex: undefined,
      types: undefined,
      defaultType: "text/plain",
      etag: true,
      ifModifiedSince: "exact",
      maxRanges: 16,
      gzipStatic: "off",
      brotliStatic: "off",
      zstdStatic: "off",
      gzipVary: false,
      autoindex: undefined,
      absoluteRedirect: true,
      portInRedirect: true,
      serverNameInRedirect: false,
      sendfile: false,
      openFileCache: undefined,
      symlinks: { mode: "off", from: [] },
      limitRate: literal("0"),
      limitRateAfter: literal("0"),
    });
  });

  test("can be written in full", () => {
    const text = `default_type ""; etag off; if_modified_since BEFORE; max_ranges 0; gzip_static on;
      brotli_static always; zstd_static on; gzip_vary on; absolute_redirect off; port_in_redirect off;
      server_name_in_redirect on; sendfile on; types { } limit_rate 4k; limit_rate_after $arg_after; index a;`;
    const written: Partial<FileSettings> = {
      index: ["a"], types: {}, defaultType: "", etag: false, ifModifiedSince: "before", maxRanges: 0, gzipStatic: "on",
      brotliStatic: "always", zstdStatic: "on", gzipVary: true, absoluteRedirect: false, portInRedirect: false,
      serverNameInRedirect: true, sendfile: true, limitRate: [{ kind: "literal", text: "4k" }],
      limitRateAfter: [{ kind: "variable", name: "arg_after" }],
    };
    assert.deepEqual(settingsOf(text), { ...settingsOf(""), ...written });
  });

  test("are taken from the nearest block around, each by itself", () => {
    const text = `etag off; default_type a/a; open_file_cache max=2; autoindex on; autoindex_format json; sendfile on;
      server { default_type b/b; open_file_cache_valid 1s;
        location / { autoindex_exact_size off; if ($a) { sendfile off; } } }`;
    const { etag, defaultType, openFileCache, autoindex, sendfile } = settingsOf(text);
    assert.deepEqual([etag, defaultType, sendfile], [false, "b/b", false]);
    assert.deepEqual(openFileCache, { max: 2, inactiveMs: 60_000, validMs: 1000, minUses: 1, errors: false });
    assert.deepEqual(autoindex, { format: "json", exactSize: false, localtime: false });
    assert.equal(settingsOf("autoindex on; server { autoindex off; }").autoindex, undefined);
  });

  test("are refused in nginx's words", () => {
    for (const [text, nginx] of [
      ["etag x;", 'invalid value "x" in "etag" directive, it must be "on" or "off"'],
      ["if_modified_since x;", 'invalid value "x"'],
      ["max_ranges -1;", '"max_ranges" directive invalid number'],
      ["gzip_static x;", 'invalid value "x"'],
      ["autoindex_format x;", 'invalid value "x"'],
      ["default_type a b;", 'invalid number of arguments in "default_type" directive'],
      ["limit_rate x;", '"limit_rate" directive invalid value'],
      ["limit_rate 1g;", '"limit_rate" directive invalid value'],
      ['limit_rate "";', '"limit_rate" directive invalid value'],
      ["limit_rate_after ${a;", 'the closing bracket in "a" variable is missing'],
      ["open_file_cache_valid 10ms;", '"open_file_cache_valid" directive invalid value'],
      ["open_file_cache_min_uses x;", '"open_file_cache_min_uses" directive invalid number'],
      ["etag on; etag off;", '"etag" directive is duplicate'],
    ] as const) assert.deepEqual(refused(text), [nginx], text);
    assert.deepEqual(refusals(textIn("limit_except", "limit_rate 1k;"), staticDirectives), [
      '"limit_rate" directive is not allowed here',
    ]);
  });
});

describe("types", () => {
  test("are by extension in lower case, of all blocks, the last that names it", () => {
    const text = 'types { text/html HTML htm; a/b x; text/none; } types { c/d x; }';
    assert.deepEqual(settingsOf(text).types, { html: "text/html", htm: "text/html", x: "c/d" });
  });

  test("are all of the nearest block that writes any, or none", () => {
    assert.deepEqual(settingsOf("types { a/a a; } server { types { b/b b; } location / { } }").types, { b: "b/b" });
    assert.deepEqual(settingsOf("types { a/a a; } server { types { } }").types, {});
  });

  test("may be included", () => {
    const files = { "/etc/nginx/mime.types": "types { text/html html; }", "/etc/nginx/more": "a/b c d;" };
    const text = "http { include mime.types; types { include more; } }";
    const { block, mistakes } = readText(text, staticDirectives, files);
    assert.deepEqual(mistakes, []);
    const [http] = block.directives;
    assert.ok(http?.block !== undefined);
    assert.deepEqual(contentTypes(http.block), { html: "text/html", c: "a/b", d: "a/b" });
  });

  test("may be shared by blocks that write none", () => {
    const block = innermost(textIn("http", ""), staticDirectives);
    const types = contentTypes(block);
    assert.equal(staticSettings(block, types).types, types);
  });

  test("may be of any extension", () => {
    const { types } = settingsOf("types { a/b __proto__ constructor; text/é é; }");
    const found = new ContentTypes({ types, defaultType: "" });
    assert.deepEqual(["/x.__proto__", "/x.constructor", "/x.toString", "/x.\xc3\xa9"].map((path) => found.of(path)), [
      "a/b", "a/b", undefined, "text/\xc3\xa9",
    ]);
  });

  test("stay within their field", () => {
    assert.deepEqual(refused('types { "a\nb" x; }'), ['invalid value "a\nb"']);
    assert.deepEqual(refused('default_type "a\nb";'), ['invalid value "a\nb"']);
    assert.deepEqual(refused("types x { } types { a/b c { } }"), [
      'invalid number of arguments in "types" directive', 'unexpected "{"',
    ]);
  });
});

describe("index", () => {
  test("adds up within a block, and is as bytes", () => {
    assert.deepEqual(settingsOf("index a b; index é /c;").index, ["a", "b", "\xc3\xa9", "/c"]);
    assert.deepEqual(settingsOf("index a; server { index b; location / { } }").index, ["b"]);
  });

  test("is kept as written where a name has variables", () => {
    const { index, variableIndex } = settingsOf("index a$arg_b c;");
    assert.deepEqual([index, variableIndex], [
      [], [[...literal("a"), { kind: "variable", name: "arg_b" }], literal("c")],
    ]);
  });

  test("is refused in nginx's words", () => {
    assert.deepEqual(refused('index ""; index a "" b; index; index $;'), [
      'index "" in "index" directive is invalid', 'index "a" in "index" directive is invalid',
      'invalid number of arguments in "index" directive', "invalid variable name",
    ]);
  });
});

describe("open_file_cache", () => {
  test("has a number of files, and a time", () => {
    const text = `open_file_cache inactive=1m max=7; open_file_cache_valid 2m; open_file_cache_min_uses 3;
      open_file_cache_errors on;`;
    assert.deepEqual(settingsOf(text).openFileCache, {
      max: 7, inactiveMs: 60_000, validMs: 120_000, minUses: 3, errors: true,
    });
    assert.equal(settingsOf("open_file_cache max=1 off;").openFileCache, undefined);
  });

  test("is refused in nginx's words", () => {
    for (const [words, nginx] of [
      ["max=0", 'invalid "open_file_cache" parameter "max=0"'],
      ["max=-1", 'invalid "open_file_cache" parameter "max=-1"'],
      ["max=10 inactive=x", 'invalid "open_file_cache" parameter "inactive=x"'],
      ["max=10 inactive=10ms", 'invalid "open_file_cache" parameter "inactive=10ms"'],
      ["max=10 foo", 'invalid "open_file_cache" parameter "foo"'],
      ["OFF", 'invalid "open_file_cache" parameter "OFF"'],
      ["inactive=10", '"open_file_cache" must have the "max" parameter'],
      ["", 'invalid number of arguments in "open_file_cache" directive'],
    ] as const) assert.deepEqual(refused(`open_file_cache ${words};`), [nginx], words);
  });
});

describe("disable_symlinks", () => {
  test("has a mode, and what is not looked at, in either order", () => {
    assert.deepEqual(settingsOf("disable_symlinks from=$document_root if_not_owner;").symlinks, {
      mode: "if_not_owner", from: [{ kind: "variable", name: "document_root" }],
    });
    assert.deepEqual(settingsOf("disable_symlinks on from=;").symlinks, { mode: "on", from: [] });
  });

  test("is refused in nginx's words", () => {
    for (const [words, nginx] of [
      ["x", 'invalid parameter "x"'],
      ["ON", 'invalid parameter "ON"'],
      ["on off", 'duplicate parameters "on off"'],
      ["on on", 'duplicate parameters "on on"'],
      ["from=/a", '"disable_symlinks" must have "off", "on" or "if_not_owner" parameter'],
      ["from=/a from=/b", '"disable_symlinks" must have "off", "on" or "if_not_owner" parameter'],
      ["off from=/a", '"from=" cannot be used with "off" parameter'],
      ["from=/a off", '"from=" cannot be used with "off" parameter'],
      ["on from=${", "invalid variable name"],
    ] as const) assert.deepEqual(refused(`disable_symlinks ${words};`), [nginx], words);
  });
});
