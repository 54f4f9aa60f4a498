/** The directives of access, and what they say. */
import { type Block, read } from "../config/nginx/block.ts";
import { type ArgumentType, type Refusal, choice, onOff } from "../config/nginx/argument-types.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Context, type DefaultedDirectiveRow, type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import { isFieldName } from "../http/characters.ts";
import { parseIpNetwork } from "../std/ip-address.ts";
import { err, ok, type Result } from "../std/result.ts";
import { refererDirectives, refererSettings } from "./referer-directives.ts";
import type { AccessSettings, Client, RealIpHeader, RealIpSettings } from "./settings.ts";

export { refererMistakes, validReferersRow } from "./referer-directives.ts";

const accessModule = "ngx_http_access_module";
const realIpModule = "ngx_http_realip_module";
const blocks: readonly Context[] = ["http", "server", "location"];

/** `all`, `unix:`, an address, a network. */
const client: ArgumentType<Client> = {
  label: "address | CIDR | unix: | all",
  words: ["all", "unix:"],
  parse: (word) => {
    const found = word === "all" ? { kind: "all" as const } : clientOf(word);
    if (found !== undefined) return ok(found);
    const expected = "an address, a network such as 10.0.0.0/8, unix: or all";
    return err({ nginx: `invalid parameter "${word}"`, expected });
  },
};

/** Deviates: nginx takes names of hosts, too, and looks them up once. */
const proxy: ArgumentType<Client> = {
  label: "address | CIDR | unix:",
  words: ["unix:"],
  parse: (word) => {
    const found = clientOf(word);
    if (found !== undefined) return ok(found);
    const expected = "an address, a network such as 10.0.0.0/8 or unix:; names are not looked up";
    return err({ nginx: `host not found in set_real_ip_from "${word}"`, expected });
  },
};

function clientOf(word: string): Client | undefined {
  if (word === "unix:") return { kind: "unix" };
  const network = parseIpNetwork(word);
  return network === undefined ? undefined : { kind: "network", ...network };
}

const realIpHeader: ArgumentType<RealIpHeader> = {
  label: "field | proxy_protocol",
  words: ["proxy_protocol"],
  parse: (word): Result<RealIpHeader, Refusal> => {
    if (word === "proxy_protocol") return ok({ kind: "proxy_protocol" });
    if (isFieldName(word)) return ok({ kind: "field", name: word.toLowerCase() });
    const expected = "the name of a request field such as X-Real-IP, or proxy_protocol";
    return err({ nginx: `invalid value "${word}"`, expected });
  },
};

const allowRow: DirectiveRow<Client> = {
  name: "allow",
  contexts: [...blocks, "limit_except"],
  arguments: one(client),
  mayRepeat: true,
  merge: "nearest",
  module: accessModule,
  doc: "Lets these clients in. Of all allow and deny of a block the first that is about a client decides.",
  example: "allow 192.0.2.0/24;",
};

const denyRow: DirectiveRow<Client> = {
  ...allowRow,
  name: "deny",
  doc: "Answers these clients with 403. Of all allow and deny of a block the first that is about a client decides.",
  example: "deny all;",
};

const satisfyRow: DirectiveRow<"all" | "any"> = {
  name: "satisfy",
  contexts: blocks,
  arguments: one(choice(["all", "any"])),
  default: "all",
  merge: "nearest",
  module: "ngx_http_core_module",
  withoutEffect: "allow and deny are the only check of a client yet, so all and any are the same",
  doc: "Whether all checks of a client must let it in (addresses, passwords, subrequests), or any of them.",
  example: "satisfy any;",
};

const setRealIpFromRow: DirectiveRow<Client> = {
  name: "set_real_ip_from",
  contexts: blocks,
  arguments: one(proxy),
  mayRepeat: true,
  merge: "nearest",
  module: realIpModule,
  doc: "A proxy that is trusted to say who the client is.",
  example: "set_real_ip_from 10.0.0.0/8;",
};

const realIpHeaderRow: DefaultedDirectiveRow<RealIpHeader> = {
  name: "real_ip_header",
  contexts: blocks,
  arguments: one(realIpHeader),
  default: "X-Real-IP",
  merge: "nearest",
  module: realIpModule,
  doc: "The request field in which trusted proxies name the client; proxy_protocol: the header that the connection "
    + "began with does (proxy_protocol of listen).",
  example: "real_ip_header X-Forwarded-For;",
};

const realIpRecursiveRow: DefaultedDirectiveRow<boolean> = {
  name: "real_ip_recursive",
  contexts: blocks,
  arguments: one(onOff()),
  default: "off",
  merge: "nearest",
  module: realIpModule,
  doc: "Takes the last address in the field that is not a trusted proxy's, rather than the last.",
  example: "real_ip_recursive on;",
};

const forwardedAllowIpsRow: DefaultedDirectiveRow<readonly string[]> = {
  name: "forwarded_allow_ips",
  contexts: blocks,
  arguments: {
    ...many({ label: "address | CIDR | unix:", words: ["off", "*", "unix:"], parse: parseForwarder }),
    parse: parseForwarders,
    label: "address | CIDR | unix: ... | * | off",
  },
  default: "off",
  merge: "nearest",
  module: "tricorn",
  doc: "Proxies whose X-Forwarded-For and X-Forwarded-Proto the application believes: addresses, networks, * for "
    + "everybody; with any of them, peers of Unix sockets as well.",
  example: "forwarded_allow_ips 127.0.0.1 10.0.0.0/8;",
};

function parseForwarder(word: string): Result<string, Refusal> {
  if (word === "*" || clientOf(word) !== undefined) return ok(word);
  const expected = "an address, a network such as 10.0.0.0/8, unix:, * or off";
  return err({ nginx: `invalid parameter "${word}"`, expected });
}

function parseForwarders(words: readonly string[]): Result<readonly string[], ArgumentRefusal> {
  if (words.length === 1 && words[0] === "off") return ok([]);
  for (const [index, word] of words.entries()) {
    const value = parseForwarder(word);
    if (!value.ok) return err({ ...value.error, index });
  }
  return ok(words);
}

/** All rows of this room. */
export const accessDirectives: readonly AnyDirectiveRow[] = [
  allowRow, denyRow, satisfyRow, setRealIpFromRow, realIpHeaderRow, realIpRecursiveRow, forwardedAllowIpsRow,
  ...refererDirectives,
];

/** What accessSettings() depends on. */
export const accessRows: readonly AnyDirectiveRow[] = accessDirectives;

/** What is in force in a block. */
export function accessSettings(block: Block): AccessSettings {
  const forwarders = block.one(forwardedAllowIpsRow);
  return {
    rules: rulesOf(block),
    realip: realIpSettings(block),
    forwardedAllowIps: forwarders.length === 0 ? undefined : forwarders,
    referers: refererSettings(block),
  };
}

/** Those of the nearest block that has any: allow and deny are one list. */
function rulesOf(block: Block): AccessSettings["rules"] {
  const own = block.directives.flatMap(({ row, directive }) => {
    if (row !== allowRow && row !== denyRow) return [];
    return [{ allows: row === allowRow, client: read(allowRow, directive) }];
  });
  if (own.length > 0 || block.parent === undefined) return own;
  return rulesOf(block.parent);
}

function realIpSettings(block: Block): RealIpSettings | undefined {
  const from = block.all(setRealIpFromRow);
  if (from.length === 0) return undefined;
  return { from, header: block.one(realIpHeaderRow), recursive: block.one(realIpRecursiveRow) };
}
