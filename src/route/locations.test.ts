import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { must, programVariables, request } from "../../tests/route/facts.ts";
import { LOCATION_DEPTH_MAX, type LocationMatch, type LocationNode, Locations, checkLocations } from "./locations.ts";
import { translatePattern } from "./regex.ts";

function matchOf(words: string): LocationMatch {
  const [modifier = "", argument = ""] = words.includes(" ") ? words.split(" ") : ["", words];
  if (words.startsWith("@")) return { kind: "named", name: words };
  switch (modifier) {
    case "=": return { kind: "exact", uri: argument };
    case "~": case "~*": return { kind: "regex", pattern: must(translatePattern(argument, modifier === "~*")) };
    default: return { kind: "prefix", uri: argument, noRegex: modifier === "^~" };
  }
}

/** Locations as written, "!" behind them for those that redirect; arrays nest. */
type Written = string | readonly [string, ...Written[]];

/** Locations are known by what is written, numbers by their order. */
class Server {
  readonly #names: string[] = [];
  readonly nodes: readonly LocationNode[];
  readonly locations: Locations;

  constructor(...written: readonly Written[]) {
    this.nodes = written.map((one) => this.#node(one));
    this.locations = new Locations(-1, this.nodes, programVariables());
  }

  #node(written: Written): LocationNode {
    const [words, ...inside] = typeof written === "string" ? [written] : written;
    const location = this.#names.push(words) - 1;
    const match = matchOf(words.replace("!", ""));
    return { location, match, autoRedirect: words.endsWith("!"), locations: inside.map((one) => this.#node(one)) };
  }

  find(path: string): string {
    const { kind, location } = this.locations.find(path, request());
    return `${kind === "redirect" ? "redirect to " : ""}${this.#names[location] ?? "server"}`;
  }

  problems(): readonly string[] {
    return checkLocations(this.nodes).map(({ message }) => message);
  }
}

describe("the location of a path", () => {
  test("is the exact one before any other", () => {
    const server = new Server("= /a", "/a", "~ ^/a");
    assert.equal(server.find("/a"), "= /a");
    assert.equal(server.find("/ab"), "~ ^/a");
  });

  test("is the longest prefix when no expression matches", () => {
    const server = new Server("/", "/img/", "/img/icons/", "/images", "~ \\.php$");
    assert.equal(server.find("/"), "/");
    assert.equal(server.find("/img"), "/");
    assert.equal(server.find("/img/a"), "/img/");
    assert.equal(server.find("/img/icons/a"), "/img/icons/");
    assert.equal(server.find("/imagesque"), "/images");
    assert.equal(server.find("/img/icons/a.php"), "~ \\.php$");
  });

  test("is the first expression that matches, in the order of the file", () => {
    const server = new Server("/", "~ a", "~* B", "~ b");
    assert.equal(server.find("/ba"), "~ a");
    assert.equal(server.find("/b"), "~* B");
  });

  test("is a prefix with ^~ whatever the expressions say", () => {
    const server = new Server("^~ /static/", "/static/x/", "~ \\.js$");
    assert.equal(server.find("/static/a.js"), "^~ /static/");
    assert.equal(server.find("/static/x/a.js"), "~ \\.js$");
  });

  test("is looked for within the one that was found", () => {
    const server = new Server(["/a/", "/a/b/", "~ \\.gif$", "= /a/e"], "~ \\.(gif|txt)$", ["~ ^/r", "~ r\\.x$"]);
    assert.equal(server.find("/a/b/c"), "/a/b/");
    assert.equal(server.find("/a/c.gif"), "~ \\.gif$");
    assert.equal(server.find("/a/b/c.txt"), "~ \\.(gif|txt)$");
    assert.equal(server.find("/a/e"), "= /a/e");
    assert.equal(server.find("/a/f"), "/a/");
    assert.equal(server.find("/r/r.x"), "~ r\\.x$");
    assert.equal(server.find("/r/r.y"), "~ ^/r");
  });

  test("lets outer expressions win over an inner ^~, as nginx does", () => {
    const server = new Server(["/a/", "^~ /a/b/"], "~ \\.gif$");
    assert.equal(server.find("/a/b/c.gif"), "~ \\.gif$");
  });

  test("is a redirect where only the slash lacks to one that passes requests on", () => {
    const server = new Server("/", "/app/!", "/user/!", "/user", "/xy/!", "/xyz", "= /eq/!", "/plain/", "~ p");
    assert.equal(server.find("/app"), "redirect to /app/!");
    assert.equal(server.find("/app/"), "~ p");
    assert.equal(server.find("/user"), "/user");
    assert.equal(server.find("/xy"), "redirect to /xy/!");
    assert.equal(server.find("/eq"), "redirect to = /eq/!");
    assert.equal(server.find("/ap"), "~ p");
    assert.equal(server.find("/plain"), "~ p");
    assert.equal(server.find("/us"), "/");
  });

  test("is the server itself when none matches", () => {
    assert.equal(new Server("/a", "@name").find("/b"), "server");
    assert.equal(new Server().find("/"), "server");
  });

  test("leaves the groups of its expression", () => {
    const evaluation = request();
    new Server("~ ^/(a+)/(b*)").locations.find("/aa/bb", evaluation);
    assert.deepEqual(evaluation.groups, ["aa", "bb"]);
  });

  test("is compared as bytes", () => {
    assert.equal(new Server("/é", "/").find("/\xc3\xa9"), "/é");
  });

  test("is found by name for named ones", () => {
    const { locations } = new Server("/", "@app");
    assert.equal(locations.named("@app"), 1);
    assert.equal(locations.named("@other"), undefined);
  });

  test("is the same that a search through all prefixes finds", () => {
    const path = fc.array(fc.constantFrom("a", "b", "/", "ab"), { maxLength: 8 }).map((parts) => `/${parts.join("")}`);
    fc.assert(fc.property(fc.uniqueArray(path, { maxLength: 12 }), path, (prefixes, asked) => {
      const longest = prefixes.filter((prefix) => asked.startsWith(prefix)).sort((a, b) => b.length - a.length)[0];
      const found = new Server(...prefixes.map((prefix) => `- ${prefix}`)).find(asked);
      assert.equal(found, longest === undefined ? "server" : `- ${longest}`);
    }), { numRuns: 2000 });
  });
});

describe("locations of a configuration", () => {
  test("are not there twice", () => {
    assert.deepEqual(new Server("/a", "^~ /a", "= /a", "= /a", "@n", "@n", "~ a", "~ a").problems(), [
      "duplicate location \"/a\"", "duplicate location \"/a\"", "duplicate location \"@n\"",
    ]);
  });

  test("nest where their paths do", () => {
    assert.deepEqual(new Server(["/a", "/b", "~ x", "/ab"], ["= /e", "/e/f"], ["~ r", "/r"], ["/n", "@n"]).problems(), [
      "location \"/b\" is outside location \"/a\"",
      "location \"/e/f\" cannot be inside the exact location \"/e\"",
      "location \"/r\" is outside location \"r\"",
      "named location \"@n\" can be on the server level only",
    ]);
  });

  test("nest to a bound", () => {
    const nested = (depth: number): Written => (depth === 1 ? "/a" : ["/a", nested(depth - 1)]);
    assert.deepEqual(new Server(nested(LOCATION_DEPTH_MAX)).problems(), []);
    assert.deepEqual(new Server(nested(LOCATION_DEPTH_MAX + 1)).problems(), ["more than 64 locations nested"]);
  });
});
