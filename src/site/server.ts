/**
 * One server block, and the locations in it, with their numbers. What they say in groups comes from `SettingsOf`.
 */
import type { Block, CheckedDirective } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import type { HandlerSettings, LocationSettings, MappingSettings, ServerSettings } from "../edge/model.ts";
import {
  aliasRow, breakRow, ifInLocationRow, ifRow, internalRow, limitExceptRow, locationRow, returnRow, rewriteRow, rootRow,
  setRow,
} from "../route/directives.ts";
import {
  type LimitExcept, type LocationMatch, type LocationNode, type RewriteDirective, type ServerName, checkLocations,
} from "../route/index.ts";
import { healthCheckRow } from "../upstream/directives.ts";
import type { CheckedLocation } from "./health-checks.ts";
import type { SettingsOf } from "./settings.ts";

export interface LocationMistake {
  readonly at: CheckedDirective;
  readonly nginx: string;
}

/** Gathers the locations of all servers; their numbers are their places in the list. */
export class Locations {
  readonly all: LocationSettings[] = [];
  readonly mistakes: LocationMistake[] = [];
  readonly checked: CheckedLocation[] = [];
  readonly #settings: SettingsOf;
  readonly #prefix: string;
  /** What the locations around a block are for: for `alias`. */
  readonly #matches = new Map<Block, LocationMatch>();
  /** By number, for what is told about them. */
  readonly #directives = new Map<number, CheckedDirective>();

  /** @param prefix the directory that relative roots are in, with its slash */
  constructor(settings: SettingsOf, prefix: string) {
    this.#settings = settings;
    this.#prefix = prefix;
  }

  /** @param name the first of its server_names */
  server(block: Block, name: string, names: readonly ServerName[]): ServerSettings {
    const server = new ServerParts(names);
    const location = this.#add(block, "server", undefined, server);
    const locations = this.#within(block, location, server);
    for (const { location: number, message } of checkLocations(locations)) {
      const at = this.#directives.get(number);
      if (at !== undefined) this.mistakes.push({ at, nginx: message });
    }
    const script = server.scripts.get(location) ?? [];
    server.scripts.delete(location);
    const { scripts, internal, limitExcepts } = server;
    return { name, location, script, locations, scripts, internal, limitExcepts, acquired: undefined };
  }

  /** The locations in a block, in their order. */
  #within(block: Block, around: number, server: ServerParts): readonly LocationNode[] {
    return block.own(locationRow).flatMap((directive) => {
      const { block: inner } = directive;
      if (inner === undefined) return [];
      const match = read(locationRow, directive.directive);
      this.#matches.set(inner, match);
      const location = this.#add(inner, titleOf(directive), around, server);
      this.#directives.set(location, directive);
      const { handler } = this.all[location] ?? {};
      const autoRedirect = handler !== undefined && passesOn.includes(handler.kind);
      return [{ location, match, autoRedirect, locations: this.#within(inner, location, server) }];
    });
  }

  /** Settings of a block, its script and its limit_except. @returns its number */
  #add(block: Block, title: string, around: number | undefined, server: ServerParts): number {
    const number = this.all.length;
    this.checkMapping(block);
    const handler = this.#settings.handler(block, this.#matches.get(block)) ?? { kind: "static" as const };
    const settings: LocationSettings = {
      ...this.#settings.of(block), title, serverNames: server.names, handler, mapping: this.#mapping(block),
    };
    this.all.push(settings);
    if (around !== undefined && block.optional(internalRow) === true) server.internal.add(number);
    const [check] = block.own(healthCheckRow);
    if (check !== undefined) this.checked.push({ at: check, block, location: number });
    const script = this.#script(block, { title, number, server });
    if (script.length > 0) server.scripts.set(number, script);
    const [except] = block.own(limitExceptRow);
    if (except?.block !== undefined) {
      const location = this.#pseudo(except.block, `${title}, limit_except`, number);
      const methods = read(limitExceptRow, except.directive);
      server.limitExcepts.set(number, { methods: methods.includes("GET") ? [...methods, "HEAD"] : methods, location });
    }
    return number;
  }

  /** An `if` or limit_except: a location of its own, with the handler of the one around it unless it has one. */
  #pseudo(block: Block, title: string, around: number): number {
    const number = this.all.length;
    const { handler: outer = { kind: "static" as const }, serverNames = [] } = this.all[around] ?? {};
    this.all.push({
      ...this.#settings.of(block), title, serverNames, handler: this.#settings.handler(block, undefined) ?? outer,
      mapping: this.#mapping(block), tryFiles: undefined,
    });
    return number;
  }

  #script(block: Block, at: ScriptPlace): readonly RewriteDirective[] {
    return block.directives.flatMap((directive): readonly RewriteDirective[] => {
      const { row, directive: written, block: inner } = directive;
      switch (row) {
        case setRow: {
          const [variable, value] = read(setRow, written);
          return [{ kind: "set", variable, value }];
        }
        case rewriteRow: return [read(rewriteRow, written)];
        case returnRow: return [read(returnRow, written)];
        case breakRow: return [{ kind: "break" }];
        case ifRow: case ifInLocationRow: {
          if (inner === undefined) return [];
          const location = this.#pseudo(inner, `${at.title}, if in line ${written.name.line}`, at.number);
          return [{ kind: "if", condition: read(ifRow, written), location, directives: this.#script(inner, at) }];
        }
        default: return [];
      }
    });
  }

  #mapping(block: Block): MappingSettings {
    const [alias] = block.own(aliasRow);
    if (alias !== undefined) {
      const match = this.#matches.get(block);
      const prefix = match?.kind === "prefix" || match?.kind === "exact" ? match.uri : "";
      const directory = this.#absolute(read(aliasRow, alias.directive));
      return { kind: "alias", directory, prefix, isWhole: match?.kind === "regex" };
    }
    if (block.own(rootRow).length > 0 || block.parent === undefined) {
      const directory = withoutSlash(this.#absolute(block.one(rootRow)));
      return { kind: "root", directory, prefix: "", isWhole: false };
    }
    return this.#mapping(block.parent);
  }

  /** A root that would ask for itself, and a root beside an alias. */
  checkMapping(block: Block): void {
    const [alias] = block.own(aliasRow);
    const [root] = block.own(rootRow);
    for (const at of [alias, root]) {
      const variable = /\$\{?(document_root|realpath_root)\b/.exec(at?.directive.args[0]?.value ?? "")?.[1];
      if (at === undefined || variable === undefined) continue;
      const { value: name } = at.directive.name;
      this.mistakes.push({ at, nginx: `the $${variable} variable cannot be used in the "${name}" directive` });
    }
    if (alias === undefined || root === undefined) return;
    const isAliasLater = alias.directive.name.offset > root.directive.name.offset;
    const [later, earlier] = isAliasLater ? [alias, "root"] : [root, "alias"];
    const name = isAliasLater ? "alias" : "root";
    this.mistakes.push({
      at: later, nginx: `"${name}" directive is duplicate, "${earlier}" directive was specified earlier`,
    });
  }

  /** nginx: what does not begin with a slash lies in the prefix; what begins with a variable is left to it. */
  #absolute(value: MappingSettings["directory"]): MappingSettings["directory"] {
    const [first, ...rest] = value;
    if (first === undefined || first.kind !== "literal" || first.text.startsWith("/")) return value;
    return [{ kind: "literal", text: this.#prefix + first.text }, ...rest];
  }
}

/** nginx: to a location whose name ends in a slash, and that passes requests on, its slash is added by a redirect. */
const passesOn: readonly HandlerSettings["kind"][] = ["app", "proxy", "grpc", "uwsgi", "fastcgi"];

interface ScriptPlace {
  readonly title: string;
  readonly number: number;
  readonly server: ServerParts;
}

class ServerParts {
  readonly names: readonly ServerName[];
  readonly scripts = new Map<number, readonly RewriteDirective[]>();
  readonly internal = new Set<number>();
  readonly limitExcepts = new Map<number, LimitExcept>();

  constructor(names: readonly ServerName[]) {
    this.names = names;
  }
}

/** As nginx: paths begin with the slash that a root may end with. */
function withoutSlash(value: MappingSettings["directory"]): MappingSettings["directory"] {
  const last = value.at(-1);
  if (last?.kind !== "literal" || !last.text.endsWith("/")) return value;
  const text = last.text.slice(0, -1);
  return text === "" ? value.slice(0, -1) : [...value.slice(0, -1), { kind: "literal", text }];
}

function titleOf({ directive }: CheckedDirective): string {
  return `location ${directive.args.map(({ value }) => value).join(" ")}`;
}
