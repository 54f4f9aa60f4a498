// Rows for tests: enough of nginx to have each kind of argument and block, with what nginx says about them.
import {
  address,
  choice,
  either,
  number,
  offset,
  onOff,
  regex,
  size,
  string,
  time,
  variableName,
  variableText,
} from "../../src/config/nginx/argument-types.ts";
import {
  type AnyDirectiveRow,
  type Arguments,
  type Context,
  type DirectiveRow,
  many,
  none,
  one,
  oneOrTwo,
  two,
} from "../../src/config/nginx/directive-row.ts";
import { err, ok, type Result } from "../../src/std/result.ts";

/** What most of these rows have in common; the text for people is not what is tested here. */
interface Short<T> {
  readonly in: string;
  readonly takes: Arguments<T>;
  readonly more?: Partial<DirectiveRow<T>>;
}

const letters: Readonly<Record<string, Context>> = {
  M: "main",
  E: "events",
  H: "http",
  S: "server",
  L: "location",
  U: "upstream",
  i: "if",
  I: "if in location",
  X: "limit_except",
};

function row<T>(name: string, { in: where, takes, more }: Short<T>): DirectiveRow<T> {
  const contexts = where.split("").flatMap((letter) => letters[letter] ?? []);
  const example = `${name}${takes.label === "" ? "" : ` ${takes.label}`};`;
  return { name, contexts, arguments: takes, merge: "nearest", module: "test", doc: "", example, ...more };
}

function block(name: string, where: string, takes: Arguments<unknown>, context: Context): AnyDirectiveRow {
  const more = { content: { kind: "directives", context }, mayRepeat: !["events", "http"].includes(name) } as const;
  return row(name, { in: where, takes, more: { ...more, merge: "none", example: `${name} { }` } });
}

function pattern(word: string): Result<RegExp, string> {
  try {
    return ok(new RegExp(word));
  } catch {
    // JavaScript's words are not nginx's.
    return err("missing closing parenthesis");
  }
}

/** `[ = | ~ | ~* | ^~ ] uri` */
const locationArguments: Arguments<unknown> = {
  label: "[modifier] uri",
  countMin: 1,
  countMax: 2,
  parse: (words, directive) => {
    const [modifier = "", uri] = words;
    if (uri === undefined) return ok(modifier);
    const type = modifier.startsWith("~") ? regex(pattern) : string("uri");
    const value = type.parse(uri, directive);
    return value.ok ? ok(uri) : err({ ...value.error, index: 1 });
  },
};

const listenArguments: Arguments<unknown> = {
  label: "address [parameter ...]",
  countMin: 1,
  countMax: 30,
  parse: ([first = "", ...parameters], directive) => {
    const value = address().parse(first, directive);
    if (!value.ok) return err({ ...value.error, index: 0 });
    const known = ["default_server", "ssl", "http2", "reuseport"];
    const index = parameters.findIndex((word) => !known.includes(word));
    if (index === -1) return ok(value.value);
    const nginx = `invalid parameter "${parameters[index] ?? ""}"`;
    return err({ nginx, expected: "a parameter of listen", index: index + 1, words: known });
  },
};

const mapEntries = {
  kind: "entries",
  check: (words: readonly string[]) => {
    if (words.length === 2 || ["hostnames", "volatile"].includes(words[0] ?? "")) return ok(words);
    return err({ nginx: "invalid number of the map parameters", expected: undefined, index: 0 });
  },
} as const;

export const clientMaxBodySize: DirectiveRow<number> & { readonly default: string } = {
  ...row("client_max_body_size", { in: "HSL", takes: one(offset()), more: { example: "client_max_body_size 10m;" } }),
  default: "1m",
};
export const index: DirectiveRow<readonly string[]> = row("index", { in: "HSL", takes: many(string("file")) });
export const root: DirectiveRow<string> = row("root", { in: "HSLI", takes: one(string("path")) });
export const proxySetHeader: DirectiveRow<readonly [string, unknown]> = row("proxy_set_header", {
  in: "HSL",
  takes: two(string("field"), variableText("value")),
  more: { mayRepeat: true },
});
export const internal: DirectiveRow<true> = row("internal", { in: "L", takes: none(), more: { merge: "none" } });
export const keepaliveTimeout: DirectiveRow<readonly [number, number | undefined]> & { readonly default: string } = {
  ...row("keepalive_timeout", { in: "HSL", takes: oneOrTwo(time(), time("seconds")) }),
  default: "75s",
};

export const testRows: readonly AnyDirectiveRow[] = [
  clientMaxBodySize,
  index,
  root,
  proxySetHeader,
  internal,
  keepaliveTimeout,
  block("events", "M", none(), "events"),
  block("http", "M", none(), "http"),
  block("server", "H", none(), "server"),
  block("upstream", "H", one(string("name")), "upstream"),
  block("location", "SL", locationArguments, "location"),
  block("limit_except", "L", many(string("method")), "limit_except"),
  block("if", "S", many(string("condition")), "if"),
  block("if", "L", many(string("condition")), "if in location"),
  row("server", {
    in: "U",
    takes: many(string("address")),
    more: { mayRepeat: true, example: "server 127.0.0.1:80;" },
  }),
  row("map", {
    in: "H",
    takes: two(variableText("string"), variableName()),
    more: { content: mapEntries, mayRepeat: true, merge: "none", example: "map $host $site { … }" },
  }),
  row("types", {
    in: "HSL",
    takes: none(),
    more: { content: { kind: "entries", check: ok }, example: "types { text/html html; }" },
  }),
  row("user", { in: "M", takes: oneOrTwo(string("user"), string("group")) }),
  row("daemon", { in: "M", takes: one(onOff()), more: { withoutEffect: "the test never forks" } }),
  row("pid", { in: "M", takes: one(string("file")) }),
  row("worker_connections", { in: "E", takes: one(number({ min: 1, max: 100_000 })) }),
  row("listen", { in: "S", takes: listenArguments, more: { mayRepeat: true, example: "listen 80;" } }),
  row("server_name", { in: "S", takes: many(string("name")), more: { mayRepeat: true } }),
  row("gzip", { in: "HSLI", takes: one(onOff()), more: { example: "gzip on;" } }),
  row("gzip_comp_level", {
    in: "HSL",
    takes: one(number({ min: 1, max: 9 })),
    more: { example: "gzip_comp_level 5;" },
  }),
  row("satisfy", { in: "HSL", takes: one(choice(["all", "any"])), more: { example: "satisfy any;" } }),
  row("sendfile_max_chunk", { in: "HSL", takes: one(size()), more: { example: "sendfile_max_chunk 2m;" } }),
  row("keepalive_requests", { in: "HSL", takes: one(number({ min: 0, max: 1_000_000 })) }),
  row("client_header_timeout", { in: "HS", takes: one(time()), more: { example: "client_header_timeout 60s;" } }),
  row("expires", { in: "HSLI", takes: one(either(choice(["off", "max", "epoch"]), time("seconds"))) }),
  row("set", { in: "SLi", takes: two(variableName(), variableText("value")), more: { mayRepeat: true } }),
  row("return", {
    in: "SLi",
    takes: oneOrTwo(string("code"), variableText("text")),
    more: { mayRepeat: true, merge: "none" },
  }),
  row("add_header", {
    in: "HSLI",
    takes: two(string("name"), variableText("value")),
    more: { mayRepeat: true, example: "add_header X-Name value;" },
  }),
  row("log_format", { in: "H", takes: many(string("string"), 2), more: { mayRepeat: true } }),
];
