// The model of a configuration in few lines: what each block has that the block around it has not.
import type { Configuration } from "../../src/edge/model.ts";
import { conditionalLocations, type LocationNode, type RewriteDirective } from "../../src/route/index.ts";

/** Longer values, such as the whole list of types, are cut. */
const valueSizeMax = 400;

/**
 * @param configuration what to print
 * @param plain the same of an empty file: what nobody has to be told
 */
export function printSite(configuration: Configuration, plain: Configuration): string {
  const { process, apps, site } = configuration;
  const { locations, servers, listeners, maps, geos, splitClients, logFormats, upstreams, healthChecks } = site;
  const lines = differences(process, plain.process).map((line) => `process ${line}`);
  for (const app of apps) {
    lines.push(`app ${app.name}`, ...differences(app, plain.apps[0] ?? {}).map((line) => `  ${line}`));
  }
  for (const [name, value] of Object.entries({ maps, geos, splitClients, logFormats, upstreams, healthChecks })) {
    const before: readonly unknown[] = plain.site[name as "maps"];
    for (const each of value.slice(before.length)) lines.push(`${name} ${shown(each)}`);
  }
  for (const { servers: names, ...rest } of listeners) lines.push(`listener ${shown(rest)} ${shown(names)}`);
  const usual = plain.site.locations[plain.site.servers[0]?.location ?? 0] ?? {};
  for (const [index, server] of servers.entries()) {
    const own = locations[server.location] ?? {};
    lines.push(`server ${index} ${shown(server.name)}`, ...differences(own, usual).map((line) => `  ${line}`));
    const tellScript = (script: readonly RewriteDirective[], indent: string, around: object): void => {
      if (script.length > 0) lines.push(`${indent}script ${shown(script)}`);
      for (const number of conditionalLocations(script)) {
        const own = differences(locations[number] ?? {}, around).filter((line) => !line.startsWith("title = "));
        if (own.length > 0) lines.push(`${indent}if ${number}`, ...own.map((line) => `${indent}  ${line}`));
      }
    };
    tellScript(server.script, "  ", own);
    const walk = (nodes: readonly LocationNode[], { around, indent }: { around: object; indent: string }): void => {
      for (const { location, match, autoRedirect, locations: inside } of nodes) {
        const settings = locations[location] ?? {};
        const flags = `${autoRedirect ? " autoRedirect" : ""}${server.internal.has(location) ? " internal" : ""}`;
        lines.push(`${indent}location ${location} ${shown(match)}${flags}`);
        lines.push(...differences(settings, around).map((line) => `${indent}  ${line}`));
        tellScript(server.scripts.get(location) ?? [], `${indent}  `, settings);
        const except = server.limitExcepts.get(location);
        if (except !== undefined) {
          const own = differences(locations[except.location] ?? {}, settings);
          lines.push(`${indent}  limit_except ${shown(except.methods)}`, ...own.map((line) => `${indent}    ${line}`));
        }
        walk(inside, { around: settings, indent: `${indent}  ` });
      }
    };
    walk(server.locations, { around: own, indent: "  " });
  }
  return lines.map((line) => `${line}\n`).join("");
}

/** `name = value` for each setting that is another one than in `around`; groups of settings one by one. */
function differences(settings: object, around: object, path: string = ""): readonly string[] {
  const before = new Map<string, unknown>(Object.entries(around));
  return Object.entries(settings).flatMap(([name, value]: [string, unknown]) => {
    const other = before.get(name);
    if (shown(value) === shown(other)) return [];
    const isGroup = isPlain(value) && path === "" && isPlain(other);
    return isGroup ? differences(value, other, `${name}.`) : [`${path}${name} = ${shown(value)}`];
  });
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Map) &&
    !(value instanceof Set);
}

/** JSON without quotes around names; texts with variables as one writes them. */
function shown(value: unknown): string {
  const text = write(value);
  return text.length > valueSizeMax ? `${text.slice(0, valueSizeMax)}… (${text.length})` : text;
}

function write(value: unknown): string {
  if (value instanceof Map) return `Map ${write([...value])}`;
  if (value instanceof Set) return `Set ${write([...value])}`;
  if (Array.isArray(value)) {
    const parts: readonly unknown[] = value;
    const isText = parts.length > 0 && parts.every(isPart);
    return isText ? `\`${parts.map(partText).join("")}\`` : `[${parts.map(write).join(", ")}]`;
  }
  if (typeof value === "bigint") return `0x${value.toString(16)}`;
  if (!isPlain(value)) return value === undefined ? "–" : JSON.stringify(value);
  return `{${Object.entries(value).map(([name, each]) => `${name}: ${write(each)}`).join(", ")}}`;
}

interface Part {
  readonly kind: string;
  readonly text?: string;
  readonly name?: string;
  readonly index?: number;
}

function isPart(value: unknown): value is Part {
  if (!isPlain(value) || !("kind" in value)) return false;
  const names = Object.keys(value).join();
  return value.kind === "literal" ? names === "kind,text" : value.kind === "variable" ? names === "kind,name" :
    value.kind === "capture" && names === "kind,index";
}

function partText({ kind, text = "", name = "", index = 0 }: Part): string {
  return kind === "literal" ? text : kind === "variable" ? `\${${name}}` : `$${index}`;
}
