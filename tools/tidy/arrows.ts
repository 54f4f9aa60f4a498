// Who may import whom (style guide, rules 1, 5 and 6). The whole arrow is the table below; a new room is a new row.
import { type Finding, importsOf, isTest, type SourceFile } from "./source.ts";

/** The rooms of src/, lowest first. A room imports from the lines below its own, never from its own or from above. */
export const levels: readonly (readonly string[])[] = [
  ["std"],
  ["config"],
  ["http"],
  ["protocol"],
  ["route"],
  ["net"],
  ["observe"],
  ["upstream", "app", "acme", "tls"],
  ["access", "cache", "handlers", "filters"],
  ["edge"],
  ["supervisor"],
  ["site"],
  ["cli"],
];

/** The files directly in src/ compose the rooms; no room knows them. */
const mainRoom = "main";

/** Rooms that only some may import, whatever their level. */
const importedOnlyBy: ReadonlyMap<string, readonly string[]> = new Map([
  ["observe", ["edge", "supervisor", "site", "cli", mainRoom]],
]);

/** Collections of small nouns, taken file by file. Every other room is entered through an index.ts. */
const openRooms: readonly string[] = ["std", "config", "http"];

/** Files beside an index.ts that other rooms enter by, because the index.ts is for another process. */
const sideDoors: readonly string[] = [
  // What master and edge say to each other: the master must not load the edge.
  "src/edge/messages.ts",
  // The same of master and the process that gets certificates.
  "src/acme/messages.ts",
  // What the configuration says, which the master hands on.
  "src/edge/model.ts",
  // The master's half of the room, which finds and starts Python; index.ts is the edge's half, which talks to it.
  "src/app/interpreter.ts",
  "src/app/spawn.ts",
];

/** No input or output, no clock, no chance: nothing of Node's. */
const pureRooms: readonly string[] = ["std", "config", "http", "protocol", "route"];

/** The one pure file that may touch Buffer. */
const byteDoor = "src/std/bytes.ts";

/**
 * Checks every import of src/ against the table.
 * @param files the repository
 * @param packages the packages that the program may import at run time
 */
export function checkArrows(files: readonly SourceFile[], packages: readonly string[]): readonly Finding[] {
  return [
    ...checkRooms(files),
    ...files.filter(({ path }) => !isTest(path)).flatMap((file) => checkImports(file, packages)),
  ];
}

/** @returns the room of a file in src/, `main` for the files directly in it */
export function roomOf(path: string): string {
  const [, room = "", ...rest] = path.split("/");
  return rest.length === 0 ? mainRoom : room;
}

function levelOf(room: string): number {
  return room === mainRoom ? levels.length : levels.findIndex((rooms) => rooms.includes(room));
}

function checkRooms(files: readonly SourceFile[]): readonly Finding[] {
  const strangers = new Map<string, string>();
  for (const { path } of files) {
    if (!path.startsWith("src/") || !path.endsWith(".ts")) continue;
    const room = roomOf(path);
    if (levelOf(room) === -1 && !strangers.has(room)) strangers.set(room, path);
  }
  return [...strangers].map(([room, path]) => ({
    path,
    line: 1,
    what: `nobody knows the room src/${room}/`,
    hint: "add it to its level in tools/tidy/arrows.ts (and to ARCHITECTURE.md), or move the file into a room.",
  }));
}

function checkImports(file: SourceFile, packages: readonly string[]): readonly Finding[] {
  const from = roomOf(file.path);
  const findings: Finding[] = [];
  for (const { specifier, target, line } of importsOf(file)) {
    const problem = target === undefined ? outside(file.path, specifier, packages) : inside(from, target);
    if (problem !== undefined) findings.push({ path: file.path, line, ...problem });
  }
  if (pureRooms.includes(from) && file.path !== byteDoor) findings.push(...checkBuffer(file));
  return findings;
}

type Problem = Pick<Finding, "what" | "hint">;

/** Node's modules and packages. */
function outside(path: string, specifier: string, packages: readonly string[]): Problem | undefined {
  const room = roomOf(path);
  if (specifier.startsWith("node:")) {
    if (!pureRooms.includes(room) || (path === byteDoor && specifier === "node:buffer")) return undefined;
    return {
      what: `src/${room}/ is pure and must not import ${specifier}`,
      hint: `take bytes, time and randomness as arguments; fast byte primitives come from ${byteDoor}.`,
    };
  }
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (packages.includes(name)) return undefined;
  return {
    what: `${specifier} is no dependency of the program`,
    hint: "write the few lines it saves, or add it to `dependencies` with its reason in an ADR.",
  };
}

/** Another file of the repository. */
function inside(from: string, target: string): Problem | undefined {
  if (!target.startsWith("src/")) {
    return { what: `src/ must not import ${target}`, hint: "only tests, tools and benchmarks live out there." };
  }
  const to = roomOf(target);
  if (to === from) return undefined;
  if (levelOf(to) >= levelOf(from)) {
    return {
      what: `${from} must not import ${to}`,
      hint: `the arrow goes the other way (tools/tidy/arrows.ts); let ${to} pass in what ${from} needs.`,
    };
  }
  const allowed = importedOnlyBy.get(to);
  if (allowed !== undefined && !allowed.includes(from)) {
    return { what: `${from} must not import ${to}`, hint: `only ${allowed.join(", ")} may.` };
  }
  if (isDoor(from, to, target)) return undefined;
  const hint = `import from src/${to}/index.ts, and export it there.`;
  return { what: `${target} is not a door of src/${to}/`, hint };
}

function isDoor(from: string, to: string, target: string): boolean {
  if (openRooms.includes(to) || target.endsWith("/index.ts") || sideDoors.includes(target)) return true;
  // Whoever reads the configuration takes rows file by file: the master must not load the rooms that they are of.
  if (from === "site") return target.endsWith("/directives.ts");
  // What composes the rooms takes rows and entry points file by file, to load no more than a command needs.
  return from === mainRoom;
}

/** The global needs no import, so the names are searched for. */
function checkBuffer(file: SourceFile): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, line] of file.text.split("\n").entries()) {
    const code = line.replace(/\/\/.*|^\s*\*.*|^\s*\/\*\*.*/, "");
    if (!/\bBuffer\./.test(code)) continue;
    const hint = `ask ${byteDoor} for it.`;
    findings.push({ path: file.path, line: index + 1, what: "a pure room must not touch Buffer", hint });
  }
  return findings;
}
