// Files as people have them (tests/conf/shapes): what is said about each, and what each means, stands beside it in a
// file that ends in .out. After a change: `UPDATE_GOLDENS=1 npm test -- tests/conf/shapes`, and read the difference.
//
// main-*.conf are whole files; site-*.conf lie in the conf.d of a small main file that has an application called main.
// What they include is in etc, which they know as /etc/nginx, and /etc/letsencrypt.
import assert from "node:assert/strict";
import { globSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { formatLanguageDiagnostics } from "../../src/config/nginx/language-diagnostic.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import type { Files } from "../../src/config/nginx/read-tree.ts";
import { buildConfiguration, siteDirectives, type BuiltConfiguration, type SiteFacts } from "../../src/site/index.ts";
import { err, ok } from "../../src/std/result.ts";
import { casesPath, corpusNames, readCase } from "./corpus.ts";
import { printSite } from "./print-site.ts";

const shapesPath = join(import.meta.dirname, "shapes");
const names = readdirSync(shapesPath).filter((name) => name.endsWith(".conf"));

const mainPath = "/etc/nginx/nginx.conf";
const mainOfSites = `worker_processes 1;
events { }
app main { module shop.wsgi:application; chdir /srv/shop; workers 2; threads 1; }
http { include mime.types; include conf.d/*.conf; }
`;

const facts: SiteFacts = {
  prefix: "/usr/share/nginx", directory: "/etc/nginx", errorLog: "/var/log/nginx/error.log", cpuCount: 4,
  fileCountMax: 65_536, isRoot: true, useColors: undefined,
  kindOf: () => "directory", tlsFiles: undefined,
};

/** A file system in which `main` is the main file, and `site`, if there is one, the only one of conf.d. */
function filesOf(main: string, site: string | undefined): Files {
  const sitePath = "/etc/nginx/conf.d/site.conf";
  const real = (path: string): string =>
    path.replace(/^\/etc\/nginx/, join(shapesPath, "etc")).replace(/^\/etc(?=\/letsencrypt)/, join(shapesPath, "etc"));
  return {
    readText: (path) => {
      if (path === mainPath) return ok(main);
      if (path === sitePath && site !== undefined) return ok(site);
      try {
        return ok(readFileSync(real(path), "utf8"));
      } catch {
        // No other reason occurs among these files.
        return err("2: No such file or directory");
      }
    },
    glob: (pattern) => {
      if (pattern === "/etc/nginx/conf.d/*.conf" && site !== undefined) return [sitePath];
      return globSync(real(pattern)).map((path) => path.replace(join(shapesPath, "etc"), "/etc/nginx")).sort();
    },
  };
}

function build(files: Files): Pick<BuiltConfiguration, "configuration" | "mistakes"> {
  const checked = readConfiguration({ path: mainPath, parameter: undefined, files }, siteDirectives);
  const { configuration, mistakes } = buildConfiguration(checked, facts);
  return { configuration, mistakes: [...checked.mistakes, ...mistakes] };
}

/** What the small main file means with a server that says nothing. */
const plain = build(filesOf(mainOfSites, "server { listen 80; }")).configuration;

function outputFor(name: string): string {
  const text = readFileSync(join(shapesPath, name), "utf8");
  const files = name.startsWith("main-") ? filesOf(text, undefined) : filesOf(mainOfSites, text);
  const { configuration, mistakes } = build(files);
  assert.ok(plain !== undefined);
  const diagnostics = formatLanguageDiagnostics(mistakes);
  return configuration === undefined ? diagnostics : `${diagnostics}${printSite(configuration, plain)}`;
}

describe("a file as people have them", () => {
  test("there are many", () => {
    assert.ok(names.length >= 60, `${names.length} files`);
  });

  for (const name of names) {
    test(`is accepted or explained: ${name.slice(0, -".conf".length).replaceAll("-", " ")}`, () => {
      const path = join(shapesPath, name.replace(/\.conf$/, ".out"));
      const output = outputFor(name);
      if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(path, output);
      assert.equal(output, readFileSync(path, "utf8"));
    });
  }
});

test("each of the 300 configurations of nginx's tests is accepted whole, or the reasons name the directives", () => {
  // The files that they include lie in the folder of the test.
  const included: Files["readText"] = (path) => (path.endsWith(".conf") ? ok("") : err("2: No such file or directory"));
  const output = corpusNames.map((name) => {
    const readText: Files["readText"] = (path) => (path === mainPath ? ok(readCase(name)) : included(path));
    const { configuration, mistakes } = build({ readText, glob: () => [] });
    const errors = mistakes.filter(({ severity }) => severity === "error");
    assert.equal(configuration === undefined, errors.length > 0, formatLanguageDiagnostics(mistakes));
    for (const { place, nginx } of errors) {
      const line = place?.source.text.split("\n")[place.line - 1] ?? "";
      const words = line.split(/[\s;{}"'$:]+/).filter((word) => word !== "");
      assert.ok(words.some((word) => nginx.includes(word)), `${name}: ${nginx}: ${line}`);
    }
    const reasons = [...new Set(errors.map(({ nginx }) => nginx))];
    return `${name}: ${reasons.length === 0 ? "accepted" : reasons.join("; ")}\n`;
  }).join("");
  const path = join(shapesPath, "nginx-tests.out");
  if (process.env["UPDATE_GOLDENS"] === "1") writeFileSync(path, output);
  assert.equal(output, readFileSync(path, "utf8"));
});

test("h5bp's server configuration is refused for what is not here, and for nothing else", () => {
  const directory = join(casesPath, "h5bp");
  const real = (path: string): string => path.replace(/^\/etc\/nginx/, directory);
  const files: Files = {
    readText: (path) => {
      try {
        return ok(readFileSync(real(path), "utf8"));
      } catch {
        // A link to a file of the machine is not there.
        return err("2: No such file or directory");
      }
    },
    glob: (pattern) => globSync(real(pattern)).map((path) => path.replace(directory, "/etc/nginx")).sort(),
  };
  const { mistakes } = build(files);
  const refused = [...new Set(mistakes.map(({ nginx }) => nginx))].sort();
  const gzip = ["gzip", "gzip_comp_level", "gzip_min_length", "gzip_proxied", "gzip_types"];
  assert.deepEqual(refused, gzip.map((name) => `unknown directive "${name}"`));
});
