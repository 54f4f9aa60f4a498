/** The directives that make variables: map, geo and split_clients, and how their entries become data. */
import { type ArgumentType, size, variableName, variableText } from "../config/nginx/argument-types.ts";
import { type ComplexValue, parseComplexValue } from "../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type ArgumentRefusal, type Arguments, type Content, type DefaultedDirectiveRow,
  type DirectiveRow, one, two,
} from "../config/nginx/directive-row.ts";
import type { Directive } from "../config/nginx/tree.ts";
import { type IpNetwork, parseIpNetwork } from "../std/ip-address.ts";
import { err, ok, type Result } from "../std/result.ts";
import { type GeoBlock, type GeoNetwork, GeoRangeList, parseRange } from "./geo.ts";
import { type MapBlock, type MapKey, checkMap, parseMapKey } from "./map.ts";
import { patternWarnings } from "./regex.ts";
import { type SplitClientsBlock, type SplitShare, checkShares, parseShare } from "./split-clients.ts";

/** An entry that cannot be, or that is warned of: nginx's words for it. */
export interface EntryMistake {
  readonly severity?: "warning";
  readonly entry: Directive;
  readonly nginx: string;
}

/** A block of entries as data, and what is wrong with it as a whole. */
export interface ReadEntries<T> {
  readonly block: T;
  readonly mistakes: readonly EntryMistake[];
}

/** Entries are checked as a whole, because what one means may depend on those before it. */
function entries(check: (words: readonly string[]) => string | undefined): Content {
  return {
    kind: "entries",
    check: (words): Result<true, ArgumentRefusal> => {
      const nginx = check(words);
      return nginx === undefined ? ok(true) : err({ nginx, expected: undefined, index: 0 });
    },
  };
}

const mapSwitches: readonly string[] = ["hostnames", "volatile"];

export const mapRow: DirectiveRow<readonly [ComplexValue, string]> = {
  name: "map",
  contexts: ["http"],
  arguments: two(variableText("string"), variableName()),
  content: entries((words) => {
    const [first = ""] = words;
    if (words.length === 1 && mapSwitches.includes(first)) return undefined;
    if (words.length !== 2) return "invalid number of the map parameters";
    const value = parseComplexValue(words[1] ?? "");
    return value.ok ? undefined : value.error;
  }),
  mayRepeat: true,
  merge: "none",
  module: "ngx_http_map_module",
  doc: "Makes a variable whose value is chosen by a text: equal keys, host names, expressions (~, ~*), default.",
  example: "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
};

export const geoRow: DirectiveRow<readonly [source: ComplexValue | undefined, variable: string]> = {
  name: "geo",
  contexts: ["http"],
  arguments: geoArguments(),
  content: entries((words) => {
    if (words.length === 1 && ["ranges", "proxy_recursive", "volatile"].includes(words[0] ?? "")) return undefined;
    return words.length === 2 ? undefined : "invalid number of the geo parameters";
  }),
  mayRepeat: true,
  merge: "none",
  module: "ngx_http_geo_module",
  doc: "Makes a variable whose value is chosen by the client's address: the longest network, or the range, with it.",
  example: "geo $is_internal { default 0; 10.0.0.0/8 1; }",
};

export const splitClientsRow: DirectiveRow<readonly [ComplexValue, string]> = {
  name: "split_clients",
  contexts: ["http"],
  arguments: two(variableText("string"), variableName()),
  content: entries((words) => (words.length === 2 ? undefined : "invalid number of arguments in \"split_clients\"")),
  mayRepeat: true,
  merge: "none",
  module: "ngx_http_split_clients_module",
  doc: "Makes a variable that has each value for its share of all texts, always the same for the same text.",
  example: "split_clients $remote_addr $variant { 10% new; * old; }",
};

function geoArguments(): Arguments<readonly [ComplexValue | undefined, string]> {
  const both = two(variableText("$address"), variableName());
  const single = one(variableName());
  return {
    label: "[$address] $variable",
    countMin: 1,
    countMax: 2,
    parse: (words, directive) => {
      if (words.length === 2) return both.parse(words, directive);
      const value = single.parse(words, directive);
      return value.ok ? ok([undefined, value.value]) : value;
    },
  };
}

/** nginx reads these as numbers. */
function tableSize(): ArgumentType<number> {
  const type = size();
  return {
    ...type,
    parse: (word, directive) => {
      const value = type.parse(word, directive);
      if (value.ok) return value;
      return err({ ...value.error, nginx: `"${directive}" directive invalid number` });
    },
  };
}

function sizesOf(name: string, value: string): DefaultedDirectiveRow<number> {
  return {
    name,
    contexts: ["http"],
    arguments: one(tableSize()),
    default: value,
    merge: "nearest",
    module: name.startsWith("map") ? "ngx_http_map_module" : "ngx_http_core_module",
    withoutEffect: "tables grow as they need to",
    doc: "nginx: the size of a hash table.",
    example: `${name} ${value};`,
  };
}

const TOO_MUCH = "percent total is greater than 100%";

/** Words of an entry. */
function wordsOf({ name, args }: Directive): readonly string[] {
  return [name.value, ...args.map(({ value }) => value)];
}

/** The entries of `map source $variable { … }`. */
export function readMap(
  [source, variable]: readonly [ComplexValue, string], given: readonly Directive[],
): ReadEntries<MapBlock> {
  const mistakes: EntryMistake[] = [];
  const list: { readonly key: MapKey; readonly value: ComplexValue; readonly entry: Directive }[] = [];
  let hostnames = false;
  let isVolatile = false;
  let defaultValue: ComplexValue | undefined;
  for (const entry of given) {
    const [first = "", second] = wordsOf(entry);
    if (second === undefined) {
      if (first === "hostnames") hostnames = true;
      else isVolatile = true;
      continue;
    }
    const value = parseComplexValue(second);
    if (!value.ok) continue;
    if (first === "default") {
      if (defaultValue !== undefined) mistakes.push({ entry, nginx: "duplicate default map parameter" });
      defaultValue = value.value;
      continue;
    }
    const key = parseMapKey(first, hostnames);
    if (!key.ok) {
      mistakes.push({ entry, nginx: key.error });
      continue;
    }
    list.push({ key: key.value, value: value.value, entry });
    const warnings = key.value.kind === "regex" ? patternWarnings(key.value.pattern) : [];
    for (const nginx of warnings) mistakes.push({ severity: "warning", entry, nginx });
  }
  const block: MapBlock = {
    variable, source, hostnames, isVolatile, defaultValue: defaultValue ?? [],
    entries: list.map(({ key, value }) => ({ key, value })),
  };
  for (const { entry: index, message } of checkMap(block)) {
    const entry = list[index]?.entry;
    if (entry !== undefined) mistakes.push({ entry, nginx: message });
  }
  return { block, mistakes };
}

/** The entries of `geo [$address] $variable { … }`. */
export function readGeo(
  [source, variable]: readonly [ComplexValue | undefined, string], given: readonly Directive[],
): ReadEntries<GeoBlock> {
  const mistakes: EntryMistake[] = [];
  const networks: GeoNetwork[] = [];
  const ranges = new GeoRangeList();
  const proxies: IpNetwork[] = [];
  const flags = { ranges: false, recursive: false, isVolatile: false };
  let defaultValue = "";
  for (const entry of given) {
    const [first = "", second] = wordsOf(entry);
    const refuse = (nginx: string): void => void mistakes.push({ entry, nginx });
    if (second === undefined) {
      if (first === "ranges" && networks.length > 0) {
        refuse("the \"ranges\" directive must be the first directive inside \"geo\" block");
      }
      flags.ranges ||= first === "ranges";
      flags.recursive ||= first === "proxy_recursive";
      flags.isVolatile ||= first === "volatile";
    } else if (first === "default") {
      defaultValue = second;
    } else if (flags.ranges && first === "delete") {
      const range = parseRange(second);
      if (range.ok) ranges.remove(range.value);
      else refuse(range.error);
    } else if (flags.ranges && first !== "proxy") {
      const range = parseRange(first);
      const overlapped = range.ok ? ranges.add({ ...range.value, value: second }) : undefined;
      if (!range.ok) refuse(range.error);
      else if (overlapped !== undefined) refuse(`range "${first}" overlaps another one`);
    } else {
      const isDelete = first === "delete";
      const network = parseIpNetwork(isDelete || first === "proxy" ? second : first);
      if (network === undefined) refuse(`invalid network "${isDelete || first === "proxy" ? second : first}"`);
      else if (first === "proxy") proxies.push(network);
      else networks.push({ network, value: isDelete ? undefined : second });
    }
  }
  const block: GeoBlock = {
    variable, source, defaultValue, proxies,
    isVolatile: flags.isVolatile, proxyRecursive: flags.recursive,
    entries: flags.ranges ? { kind: "ranges", ranges: ranges.ranges } : { kind: "networks", networks },
  };
  return { block, mistakes };
}

/** The entries of `split_clients source $variable { … }`. */
export function readSplitClients(
  [source, variable]: readonly [ComplexValue, string], given: readonly Directive[],
): ReadEntries<SplitClientsBlock> {
  const mistakes: EntryMistake[] = [];
  const shares: SplitShare[] = [];
  for (const entry of given) {
    const [first = "", value = ""] = wordsOf(entry);
    const share = parseShare(first);
    if (share.ok) shares.push({ hundredths: share.value, value });
    else mistakes.push({ entry, nginx: share.error });
    // "*" takes all that is left: behind it nothing is.
    const isLate = shares.slice(0, -1).some(({ hundredths }) => hundredths === undefined);
    const sum = isLate ? TOO_MUCH : checkShares(shares);
    if (sum !== undefined && mistakes.length === 0) mistakes.push({ entry, nginx: sum });
  }
  return { block: { variable, source, shares }, mistakes };
}

export const variableDirectives: readonly AnyDirectiveRow[] = [
  mapRow, geoRow, splitClientsRow,
  sizesOf("map_hash_bucket_size", "64"), sizesOf("map_hash_max_size", "2048"),
  sizesOf("server_names_hash_bucket_size", "64"), sizesOf("server_names_hash_max_size", "512"),
  sizesOf("variables_hash_bucket_size", "64"), sizesOf("variables_hash_max_size", "1024"),
];
