// Random programs of the rewrite module: set, if, rewrite, break and return in servers and locations, and what they
// leave behind. What is random is the same each time; `DIFFERENTIAL_SEED=7` and other numbers look further.
import { describe, test } from "node:test";
import fc from "fast-check";
import { agree } from "./agree.ts";
import { requireNginx } from "./servers.ts";

const seed = Number(process.env["DIFFERENTIAL_SEED"] ?? 1);
const serverCount = 60;
const requestCount = 25;

const variable = fc.constantFrom("$a", "$b");
const part = fc.constantFrom(
  ".", "+", "-", "$a", "$b", "$uri", "$args", "$is_args", "$arg_q", "$request_method", "$1", "$2",
);
const text = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => `"${parts.join("")}"`);
const pattern = fc.constantFrom(
  "^", "^/a(.*)$", "^/(\\w)(\\w*)$", "/b", "(c)$", "^/(.*)/(.*)$", "(a)|(b)", "(?<n>x)", "^(/q)?(.*)$", "(.)(.)$",
);
const replacement = fc.constantFrom(
  "/a$1", "/b?x=$1", "/$2$1", "/c?", "$uri/x", "/b/$1?", "/d?$args", "/e?q=$a", "/a/b", "/$a", "http://h.test/$1",
  "/c/c", "x$1", "/$1%20y", "/b?x=1&q=$2?",
);
const flag = fc.constantFrom("", "", " last", " break", " redirect", " permanent");

const comparison = fc
  .tuple(fc.constantFrom("$a", "$b", "$uri", "$arg_q", "$request_method"), fc.constantFrom("=", "!="), text)
  .map((words) => words.join(" "));
const match = fc
  .tuple(fc.constantFrom("$a", "$uri", "$args", "$arg_q"), fc.constantFrom("~", "~*", "!~", "!~*"), pattern)
  .map(([subject, operator, expression]) => `${subject} ${operator} "${expression}"`);
const condition = fc.oneof(variable, fc.constantFrom("$arg_q", "$args", "$uri"), comparison, match);

const assignment = fc.tuple(variable, text).map(([name, value]) => `set ${name} ${value};`);
const rewriting = fc.tuple(pattern, replacement, flag).map(([from, to, how]) => `rewrite "${from}" ${to}${how};`);
const returning = fc
  .tuple(fc.constantFrom(200, 201, 301, 403, 404), text)
  .map(([status, value]) => `return ${status} ${value};`);
const simple = fc.oneof(
  { weight: 4, arbitrary: assignment }, { weight: 3, arbitrary: rewriting }, { weight: 1, arbitrary: returning },
  { weight: 1, arbitrary: fc.constant("break;") },
);
const conditional = fc
  .tuple(condition, fc.array(simple, { maxLength: 3 }))
  .map(([asked, inner]) => `if (${asked}) { ${inner.join(" ")} }`);
const directive = fc.oneof({ weight: 3, arbitrary: simple }, { weight: 2, arbitrary: conditional });

function script(maxLength: number): fc.Arbitrary<string> {
  return fc.array(directive, { maxLength }).map((lines) => lines.join("\n"));
}

const where = fc.constantFrom("/a", "/b", "= /c", "~ ^/d", "~ (e)$", "/a/b", "^~ /q", "@n");
const locations = fc.uniqueArray(fc.tuple(where, script(4)), { selector: ([name]) => name, maxLength: 5 });
const program = fc.tuple(script(3), locations, script(4));
const paths = ["/", "/a", "/ab", "/a/b", "/a/b/c", "/b", "/bb", "/c", "/cc", "/d", "/e", "/q", "/q/a", "/xe", "/x/y"];
const request = fc
  .tuple(fc.constantFrom(...paths), fc.constantFrom("", "?", "?q=x", "?q=", "?q=a&y=b", "?x"))
  .map((parts) => parts.join(""));

/** What the program left, in a field of every answer. */
const left = 'add_header X-Left "$a|$b|$uri|$args" always; root %ROOT%/nothing; set $a ""; set $b "";';

describe("random programs", { skip: requireNginx() }, () => {
  test("of rewriting do alike", async () => {
    const servers = fc.sample(program, { numRuns: serverCount, seed }).map(([own, inner, last], index) => {
      const blocks = [...inner, ["/", last] as const].map(([name, body]) => `location ${name} {\n${body}\n}\n`);
      return `server { listen 127.0.0.1:%PORT%; server_name s${index}.test; ${left}\n${own}\n${blocks.join("")}}`;
    });
    const targets = fc.sample(request, { numRuns: requestCount, seed });
    await agree(
      { http: `server_names_hash_max_size 2048;\n${servers.join("\n")}`, told: ["x-left", "location"] },
      servers.flatMap((_, index) => targets.map((target) => ({ target, fields: [`Host: s${index}.test`] }))),
      ({ fields }) => servers[Number(/s(\d+)/.exec(fields[0] ?? "")?.[1])] ?? "",
    );
  });
});
