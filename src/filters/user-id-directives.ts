/** userid and its companions: ngx_http_userid_module. */
import type { Block } from "../config/nginx/block.ts";
import { type ArgumentType, type Refusal, choice, number } from "../config/nginx/argument-types.ts";
import { parseTimeText } from "../config/nginx/units.ts";
import {
  type AnyDirectiveRow, type Context, type DefaultedDirectiveRow, type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import { isFieldName, isFieldValue } from "../http/characters.ts";
import { byteText } from "../route/index.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { UserIdSettings } from "./settings.ts";

const SERVICE_MAX = 0xffff_ffff;

const flags = ["off", "secure", "httponly", "samesite=strict", "samesite=lax", "samesite=none"] as const;

interface Shape<T> {
  readonly type: ArgumentType<T>;
  readonly doc: string;
  readonly example: string;
}

const common: Pick<DirectiveRow<unknown>, "contexts" | "merge" | "module"> = {
  contexts: ["http", "server", "location"] satisfies readonly Context[],
  merge: "nearest",
  module: "ngx_http_userid_module",
};

function row<T>(name: string, fallback: string, { type, doc, example }: Shape<T>): DefaultedDirectiveRow<T> {
  return { ...common, name, arguments: one(type), default: fallback, doc, example: `${name} ${example};` };
}

/** Text that becomes a part of a Set-Cookie or P3P value. */
function part(label: string, isOne: (text: string) => boolean): ArgumentType<string> {
  return {
    label,
    parse: (word): Result<string, Refusal> =>
      isOne(byteText(word)) ? ok(word) : err({ nginx: `invalid value "${word}"`, expected: `a ${label}` }),
  };
}

const attribute = (text: string): boolean => isFieldValue(text) && !text.includes(";");

const lifetime: ArgumentType<number | "max" | "off"> = {
  label: "time | max | off",
  words: ["max", "off"],
  parse: (word, directive) => {
    if (word === "max" || word === "off") return ok(word);
    const ms = parseTimeText(word, "seconds");
    if (ms !== undefined) return ok(ms / 1000);
    return err({ nginx: `"${directive}" directive invalid value`, expected: "a time such as 365d, or max, or off" });
  },
};

const mark: ArgumentType<string> = {
  label: "letter | digit | = | off",
  parse: (word, directive) => {
    if (word === "off" || /^[A-Za-z0-9=]$/.test(word)) return ok(word);
    const nginx = `"${directive}" directive value must be "off" or a single letter, digit or "="`;
    return err({ nginx, expected: "a letter, a digit, = or off" });
  },
};

const userIdRow = row("userid", "off", {
  type: choice(["on", "v1", "log", "off"]),
  doc: "Gives each browser a cookie with a number of its own; log: only reads it, for $uid_got.",
  example: "on",
});
const nameRow = row("userid_name", "uid", {
  type: part("name of a cookie", isFieldName),
  doc: "What the cookie is called.",
  example: "visitor",
});
const domainRow = row("userid_domain", "none", {
  type: part("domain", attribute),
  doc: "For which hosts the cookie is.",
  example: "shop.example",
});
const expiresRow = row("userid_expires", "off", {
  type: lifetime,
  doc: "How long browsers keep the cookie; off: until they are closed.",
  example: "365d",
});
const pathRow = row("userid_path", "/", {
  type: part("path", attribute),
  doc: "For which paths the cookie is.",
  example: "/shop",
});
const p3pRow = row("userid_p3p", "none", {
  type: part("field value", isFieldValue),
  doc: "Value of a P3P field beside a new cookie.",
  example: `'policyref="/w3c/p3p.xml", CP="CUR ADM OUR NOR STA NID"'`,
});
const markRow = row("userid_mark", "off", {
  type: mark,
  doc: "A character that a cookie must have, or is sent again: for changing its other attributes.",
  example: "A",
});
const flagsRow: DefaultedDirectiveRow<readonly (typeof flags)[number][]> = {
  ...common,
  name: "userid_flags",
  arguments: many(choice(flags)),
  default: "off",
  doc: "Further attributes of the cookie: secure, httponly, samesite=strict, samesite=lax, samesite=none.",
  example: "userid_flags secure httponly samesite=lax;",
};
const serviceRow: DirectiveRow<number> = {
  ...common,
  name: "userid_service",
  arguments: one(number({ min: 0, max: SERVICE_MAX })),
  doc: "The number of the server that begins each number; without it, its IPv4 address.",
  example: "userid_service 1;",
};

export const userIdDirectives: readonly AnyDirectiveRow[] = [
  userIdRow, nameRow, domainRow, expiresRow, pathRow, p3pRow, markRow, serviceRow, flagsRow,
];

export function userIdSettings(block: Block): UserIdSettings | undefined {
  const mode = block.one(userIdRow);
  if (mode === "off") return undefined;
  const unless = (none: string, value: string): string | undefined => (
    value === none || value === "" ? undefined : value
  );
  const expires = block.one(expiresRow);
  const written = block.one(flagsRow);
  return {
    mode,
    name: block.one(nameRow),
    domain: unless("none", block.one(domainRow)),
    path: block.one(pathRow),
    expires: expires === "off" ? undefined : expires,
    p3p: unless("none", block.one(p3pRow)),
    mark: unless("off", block.one(markRow)),
    service: block.optional(serviceRow),
    // In nginx's order, whatever theirs.
    flags: flags.filter((flag) => flag !== "off" && written.includes(flag)),
  };
}
