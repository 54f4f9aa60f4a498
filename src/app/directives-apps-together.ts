/** All applications of a configuration, and what is wrong with them that one directive alone does not show. */
import type { Block } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import type { Token } from "../config/nginx/lexer.ts";
import { closest } from "../std/similar.ts";
import { appPassRow } from "./directives-of-app-pass.ts";
import { appRow, chdirOf, chdirPlace } from "./directives-of-apps.ts";

export interface WrittenApp {
  readonly name: string;
  readonly block: Block;
  /** Where its name stands. */
  readonly place: Token;
}

/** Every `app NAME { }`, in order. @param main the whole configuration */
export function writtenApps(main: Block): readonly WrittenApp[] {
  const apps: WrittenApp[] = [];
  for (const { row, directive, block } of main.directives) {
    const [place] = directive.args;
    if (row === appRow && block !== undefined && place !== undefined) {
      apps.push({ name: read(appRow, directive), block, place });
    } else if (block?.context === "http") apps.push(...writtenApps(block));
  }
  return apps;
}

export interface AppsInput {
  /** What relative paths begin with: the configuration's directory, absolute, without a slash at its end. */
  readonly base: string;
  /** What is at a path, or undefined when nothing is. */
  readonly kindOf: (path: string) => "file" | "directory" | "other" | undefined;
  /** Where upstreams have applications among their servers: "app:NAME" stands at the place. */
  readonly members: readonly Pick<WrittenApp, "name" | "place">[];
}

/** Names that are given twice, names that nobody has, directories that are not there. */
export function appMistakes(main: Block, { base, kindOf, members }: AppsInput): readonly PlacedMistake[] {
  const apps = writtenApps(main);
  const mistakes: PlacedMistake[] = [];
  const first = new Map<string, Token>();
  for (const { name, block, place } of apps) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, place);
    else mistakes.push(duplicate(name, place, earlier));
    const chdir = chdirOf(block, base);
    if (kindOf(chdir) === "directory") continue;
    const nginx = `chdir("${chdir}") failed (${kindOf(chdir) === undefined
      ? "2: No such file or directory" : "20: Not a directory"})`;
    const message = `there is no directory ${chdir}`;
    mistakes.push({ place: chdirPlace(block) ?? place, nginx, message, hint: "name the directory of the application" });
  }
  const names = [...first.keys()];
  const unknown = members.flatMap(({ name, place }) => (first.has(name) ? [] : [unknownApp(name, place, names)]));
  return [...mistakes, ...unknownApps(main, names), ...unknown];
}

function duplicate(name: string, place: Token, { line, source }: Token): PlacedMistake {
  const where = source === place.source ? `line ${line}` : `${source.path}:${line}`;
  return { place, nginx: `duplicate app "${name}"`, hint: `it stands in ${where} already: give it another name` };
}

function unknownApps({ directives }: Block, names: readonly string[]): readonly PlacedMistake[] {
  return directives.flatMap(({ row, directive, block }) => {
    if (block !== undefined) return unknownApps(block, names);
    const [place] = directive.args;
    if (row !== appPassRow || place === undefined || names.includes(place.value)) return [];
    return [unknownApp(place.value, place, names)];
  });
}

function unknownApp(name: string, place: Token, names: readonly string[]): PlacedMistake {
  const meant = closest(name, names);
  const before = place.value.slice(0, -name.length);
  const hint = meant === undefined
    ? `write app ${name} { } outside of http { } or in it`
    : `did you mean ${before}${meant}?`;
  return { place, nginx: `app "${name}" is not defined`, hint };
}
