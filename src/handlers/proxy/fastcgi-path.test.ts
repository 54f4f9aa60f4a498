import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must } from "../../../tests/route/facts.ts";
import { translatePattern } from "../../route/index.ts";
import { FastCgiPaths } from "./fastcgi-path.ts";

/** "script info" for a path. */
function split(path: string, index: string = "", expression?: string): string {
  const splitPathInfo = expression === undefined ? undefined : must(translatePattern(expression, false));
  const paths = new FastCgiPaths({ index, splitPathInfo });
  return `${paths.scriptName(path)} ${paths.pathInfo(path)}`;
}

describe("$fastcgi_script_name and $fastcgi_path_info", () => {
  test("are the path and nothing, where nothing splits it", () => {
    assert.equal(split("/a.php/b"), "/a.php/b ");
    assert.equal(split("/a/"), "/a/ ");
  });

  test("have fastcgi_index behind a slash at the end", () => {
    assert.equal(split("/", "index.php"), "/index.php ");
    assert.equal(split("/a/", "index.php"), "/a/index.php ");
    assert.equal(split("/a", "index.php"), "/a ");
  });

  test("are the groups of fastcgi_split_path_info", () => {
    const expression = "^(.+\\.php)(.*)$";
    assert.equal(split("/a.php/x", "i.php", expression), "/a.php /x");
    assert.equal(split("/a.php/", "i.php", expression), "/a.php /");
    assert.equal(split("/a.php", "i.php", expression), "/a.php ");
  });

  test("take the index as well when the first group ends in a slash, and all when nothing matches", () => {
    const expression = "^(/s/[^/]*)(/.*)?$";
    assert.equal(split("/s/", "i.php", expression), "/s/i.php ");
    assert.equal(split("/s/a/b", "i.php", expression), "/s/a /b");
    assert.equal(split("/t/", "i.php", expression), "/t/i.php ");
    assert.equal(split("/s/a/b\nc", "i.php", expression), "/s/a/b\nc ");
  });
});
