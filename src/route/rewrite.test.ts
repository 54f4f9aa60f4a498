import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, type Said, text } from "../../tests/route/facts.ts";
import { parseCondition } from "./condition.ts";
import { compileText } from "./evaluate.ts";
import type { FileFinder } from "./files.ts";
import { type RewriteDirective, conditionalLocations, parseReturn, parseRewrite } from "./rewrite-directive.ts";
import { RewriteScript } from "./rewrite.ts";

/** Directives in nginx's words; `if` holds those in the list behind it, and numbers its location from 100. */
type Line = string | readonly [string, ...Line[]];

function directives(lines: readonly Line[], numbers: { next: number } = { next: 100 }): readonly RewriteDirective[] {
  return lines.map((line): RewriteDirective => {
    const [words, ...inside] = typeof line === "string" ? [line] : line;
    const [name, ...rest] = words.split(" ");
    switch (name) {
      case "set": return { kind: "set", variable: (rest[0] ?? "").slice(1), value: text(rest[1] ?? "") };
      case "rewrite": return must(parseRewrite(rest));
      case "return": return must(parseReturn(rest));
      case "if": {
        const location = numbers.next++;
        return { kind: "if", condition: must(parseCondition(rest)), location, directives: directives(inside, numbers) };
      }
      default: return { kind: "break" };
    }
  });
}

const noFiles: FileFinder = () => "none";

interface Outcome {
  readonly end: unknown;
  readonly uri: string;
  readonly x: string;
}

/** Runs a script for a target: how it ends, the URI then, and $x. */
async function run(
  target: string, lines: readonly Line[], said: Said & { readonly files?: FileFinder } = {},
): Promise<Outcome> {
  const variables = programVariables();
  const script = new RewriteScript(directives(lines), variables);
  const x = compileText(text("$x"), variables);
  must(variables.declare("x"));
  assert.deepEqual(variables.unknown(), []);
  const evaluation = request(target, said);
  const outcome = await script.run(evaluation, said.files ?? noFiles);
  const { kind, location, ...rest } = outcome;
  const end = Object.keys(rest).length > 0 ? rest : location === undefined ? kind : `${kind} ${location}`;
  return { end, uri: evaluation.path + (evaluation.args === "" ? "" : `?${evaluation.args}`), x: x(evaluation) };
}

async function end(target: string, ...lines: readonly Line[]): Promise<unknown> {
  return (await run(target, lines)).end;
}

async function uri(target: string, ...lines: readonly Line[]): Promise<string> {
  return (await run(target, lines)).uri;
}

describe("rewrite", () => {
  test("changes the URI and goes on, and the location is looked for again", async () => {
    assert.deepEqual(await run("/a/b", ["rewrite ^/a/(.*)$ /x/$1", "rewrite ^/x/(.*)$ /y/$1", "set $x $uri"]), {
      end: "search", uri: "/y/b", x: "/y/b",
    });
    assert.equal(await end("/other", "rewrite ^/a /b"), "continue");
  });

  test("ends the script with last, and with break where it is", async () => {
    assert.deepEqual(await run("/a", ["rewrite ^ /b last", "set $x no"]), { end: "search", uri: "/b", x: "" });
    assert.deepEqual(await run("/a", ["rewrite ^ /b break", "set $x no"]), { end: "continue", uri: "/b", x: "" });
    assert.equal(await end("/a", "rewrite ^ /b", "break"), "continue");
  });

  test("keeps the arguments unless the replacement ends with a question mark", async () => {
    assert.equal(await uri("/a?o=1", "rewrite ^ /b"), "/b?o=1");
    assert.equal(await uri("/a?o=1", "rewrite ^ /b?n=2"), "/b?n=2&o=1");
    assert.equal(await uri("/a?o=1", "rewrite ^ /b?n=2?"), "/b?n=2");
    assert.equal(await uri("/a?o=1", "rewrite ^ /b?"), "/b");
    assert.equal(await uri("/a", "rewrite ^ /b?n=2"), "/b?n=2");
  });

  test("escapes groups in arguments if the target had escapes, and not in the path", async () => {
    assert.equal(await uri("/a/x%20%26y", "rewrite ^/a/(.*)$ /b/$1?q=$1"), "/b/x &y?q=x%20%26y");
    assert.equal(await uri("/a/x&y", "rewrite ^/a/(.*)$ /b?q=$1"), "/b?q=x&y");
  });

  test("redirects with its flags, or to another server without one", async () => {
    assert.deepEqual(await end("/a/b?o=1", "rewrite ^/a/(.*)$ /x/$1 redirect"), { status: 302, target: "/x/b?o=1" });
    assert.deepEqual(await end("/a/b?o=1", "rewrite ^/a/(.*)$ /x?a=$1 permanent"), {
      status: 301, target: "/x?a=b&o=1",
    });
    assert.deepEqual(await end("/a?o=1", "rewrite ^ https://b.example$uri?"), {
      status: 302, target: "https://b.example/a",
    });
    assert.deepEqual(await end("/a", "rewrite ^ $scheme://b last"), { status: 302, target: "http://b" });
  });

  test("escapes groups in redirects so that they stay one path", async () => {
    const target = async (path: string): Promise<unknown> => end(`/a/${path}`, "rewrite ^/a/((?s).*)$ /b/$1 redirect");
    assert.deepEqual(await target("%20%26%25%C3%A9"), { status: 302, target: "/b/%20&%25%C3%A9" });
    assert.deepEqual(await target("%0d%0aSet-Cookie:%20x"), { status: 302, target: "/b/%0D%0ASet-Cookie:%20x" });
    assert.deepEqual(
      await end("/a%0d%0ab", "rewrite ^ http://b$uri? permanent"), { status: 301, target: "http://b/a%0D%0Ab" },
    );
  });

  test("fails where nothing of the path is left", async () => {
    assert.deepEqual(
      await end("/a", "rewrite ^/a(.*)$ $1 last"), { status: 500, message: "the rewritten URI has a zero length" },
    );
  });

  test("is read from its words", () => {
    const refusal = (words: string): string => {
      const result = parseRewrite(words.split(" "));
      return result.ok ? "accepted" : result.error;
    };
    assert.equal(refusal("^ /a first"), "invalid parameter \"first\"");
    assert.match(refusal("( /a"), /^pcre2_compile\(\) failed: missing closing parenthesis/);
    assert.match(refusal("^"), /^invalid number of arguments/);
    assert.equal(refusal("^ /${a"), "the closing bracket in \"a\" variable is missing");
    assert.equal(refusal("^ "), "empty replacement");
  });
});

describe("return", () => {
  test("ends with a status, a text, or a Location", async () => {
    assert.deepEqual(await end("/", "return 404", "set $x no"), { status: 404, text: undefined });
    assert.deepEqual(await end("/a", "return 200 at:$uri"), { status: 200, text: "at:/a" });
    assert.deepEqual(await end("/a", "return 308 /b$uri"), { status: 308, target: "/b/a" });
    assert.deepEqual(await end("/", "return http://b.example/"), { status: 302, target: "http://b.example/" });
    assert.deepEqual(await end("/", "return 301"), { status: 301, text: undefined });
    assert.deepEqual(await end("/a%0d%0ab", "return 302 http://b$uri"), { status: 302, target: "http://b/a%0D%0Ab" });
  });

  test("takes statuses to 999 and absolute URLs", () => {
    for (const words of [["1000"], ["x"], ["/a"], ["ftp://a"], [], ["200", "a", "b"], ["http://a", "b"]]) {
      assert.equal(parseReturn(words).ok, false, words.join(" "));
    }
    assert.equal(parseReturn(["999"]).ok, true);
  });
});

describe("if", () => {
  test("puts the settings of its pseudo-location in force; the last one wins", async () => {
    const lines: readonly Line[] = [["if ($arg_a)", "set $x a"], ["if ($arg_b)", "set $x ${x}b"], "set $x ${x}!"];
    assert.deepEqual(await run("/?a=1", lines), { end: "continue 100", uri: "/?a=1", x: "a!" });
    assert.deepEqual(await run("/?a=1&b=1", lines), { end: "continue 101", uri: "/?a=1&b=1", x: "ab!" });
    assert.equal((await run("/", lines)).end, "continue");
    const nested: Line = ["if ($arg_a)", ["if ($arg_b)", "set $x 1"], "break"];
    assert.equal(await end("/?a=1", nested, "return 500"), "continue 100");
    assert.deepEqual(conditionalLocations(directives([["if ($a)", ["if ($b)"]], ["if ($c)"]])), [100, 101, 102]);
  });

  test("takes a variable that is neither empty nor 0", async () => {
    const holds = async (value: string): Promise<boolean> =>
      (await end(`/?a=${value}`, ["if ($arg_a)", "break"])) !== "continue";
    assert.deepEqual(await Promise.all(["1", "00", "", "0", "a"].map(holds)), [true, true, false, false, true]);
  });

  test("compares, and matches with groups", async () => {
    const x = async (condition: string, argument: string): Promise<string> =>
      (await run(`/?a=${argument}`, [[`if ${condition}`, "set $x yes:$1"]])).x;
    assert.equal(await x("($arg_a = b)", "b"), "yes:");
    assert.equal(await x("($arg_a = b)", "B"), "");
    assert.equal(await x("($arg_a != b)", "c"), "yes:");
    assert.equal(await x("($arg_a ~ ^b(.))", "bc"), "yes:c");
    assert.equal(await x("($arg_a ~ ^B(.))", "bc"), "");
    assert.equal(await x("($arg_a ~* ^B(.))", "bc"), "yes:c");
    assert.equal(await x("($arg_a !~ b)", "c"), "yes:");
    assert.equal(await x("($arg_a !~* B)", "b"), "");
    assert.equal(await x("( $arg_a = b )", "b"), "yes:");
  });

  test("empties the groups when an expression does not match, or has none, as rewrite does", async () => {
    const x = async (...lines: readonly Line[]): Promise<string> =>
      (await run("/ab", [["if ($uri ~ ^/(.)(.)$)"], ...lines, "set $x $1$2"])).x;
    assert.equal(await x(), "ab");
    assert.equal(await x(["if ($uri ~ ^/(z))"]), "");
    assert.equal(await x(["if ($uri !~ ^/(z))"]), "");
    assert.equal(await x(["if ($uri ~* ^/A)"]), "");
    assert.equal(await x("rewrite ^/(z)$ /y"), "");
    assert.equal(await x("rewrite z /y"), "");
  });

  test("asks about files, at once or later, and goes on behind", async () => {
    const kinds: Readonly<Record<string, "file" | "directory" | "executable" | "other">> = {
      "/f": "file", "/d": "directory", "/x": "executable", "/s": "other",
    };
    const lines: readonly Line[] = ["f", "d", "e", "x"].flatMap((letter): Line[] => [
      [`if (-${letter} $uri)`, `set $x \${x}${letter}`], [`if (!-${letter} $uri)`, `set $x \${x}!${letter}`],
    ]);
    const expected = { "/f": "f!de!x", "/d": "!fdex", "/x": "f!dex", "/s": "!f!de!x", "/n": "!f!d!e!x" };
    for (const [path, x] of Object.entries(expected)) {
      const now: FileFinder = (asked) => kinds[asked] ?? "none";
      const later: FileFinder = async (asked) => Promise.resolve(kinds[asked] ?? "none");
      assert.equal((await run(path, ["set $x ", ...lines], { files: now })).x, x, path);
      assert.equal((await run(path, ["set $x ", ...lines], { files: later })).x, x, path);
    }
  });

  test("escapes groups in values until a rewrite has matched, as nginx does", async () => {
    const lines: readonly Line[] = [["if ($uri ~ ^/a/(.*)$)", "set $x $1"]];
    assert.equal((await run("/a/b%20c", lines)).x, "b%20c");
    assert.equal((await run("/a/b&c", lines)).x, "b&c");
    assert.equal((await run("/a/b%20c", ["rewrite ^/a/(.*)$ /a/$1", "set $x $1"])).x, "b c");
  });

  test("is read from its words", () => {
    const refusal = (words: string): string => {
      const result = parseCondition(words.split(" "));
      return result.ok ? "accepted" : result.error;
    };
    assert.equal(refusal("$a"), "invalid condition \"$a\"");
    assert.equal(refusal("()"), "invalid condition \")\"");
    assert.equal(refusal("(a = b)"), "invalid condition \"a\"");
    assert.equal(refusal("($a == b)"), "unexpected \"==\" in condition");
    assert.equal(refusal("($a = b c)"), "invalid condition \"$a\"");
    assert.equal(refusal("($a =)"), "invalid condition \"$a\"");
    assert.equal(refusal("(-f)"), "invalid condition \"-f\"");
    assert.equal(refusal("(-z a)"), "invalid condition \"-z\"");
    assert.match(refusal("($a ~ [)"), /^pcre2_compile\(\) failed: missing terminating \]/);
    assert.equal(refusal("($a$b = c)"), "invalid condition \"$a$b\"");
    assert.equal(refusal("(!-e /a)"), "accepted");
  });
});
