/**
 * The main file and all that it includes, as one tree.
 *
 * A file that is included many times is read and parsed once, and its directives are shared. `include` in a block with
 * entries of its own (`types`, `map`, `geo`, `charset_map`) works as everywhere, as in nginx; `split_clients` and
 * `match` have none.
 */
import type { Result } from "../../std/result.ts";
import { type LanguageDiagnostic, mistakeAt } from "./language-diagnostic.ts";
import { parse } from "./parse.ts";
import type { Place, Source } from "./source.ts";
import type { Directive, IncludedFile } from "./tree.ts";

/** The file system, as far as the language needs it. */
export interface Files {
  /** The text, or the system's reason as nginx prints it: "2: No such file or directory". */
  readonly readText: (path: string) => Result<string, string>;
  /** The paths that match glob(3)'s pattern, sorted by their bytes; none is no mistake. */
  readonly glob: (pattern: string) => readonly string[];
}

export interface TreeInput {
  /** The main file, absolute. Its directory is nginx's configuration prefix, to which includes are relative. */
  readonly path: string;
  /** The directives of `-g`, which are read before the file. */
  readonly parameter: string | undefined;
  readonly files: Files;
}

export interface Tree {
  readonly directives: readonly Directive[];
  /** Every file once, in the order in which they were opened. */
  readonly sources: readonly Source[];
  readonly mistakes: readonly LanguageDiagnostic[];
}

/** Includes in includes: nginx goes on until it has no descriptors left; real files need four. */
export const INCLUDE_DEPTH_MAX = 32;
/** Different files of one configuration. */
export const FILE_COUNT_MAX = 10_000;
/** Directives of one configuration, those of a file counted each time that it is included. */
export const DIRECTIVE_COUNT_MAX = 2_000_000;
/** One file, in UTF-16 units. */
export const TEXT_SIZE_MAX = 16_777_216;

export function readTree({ path, parameter, files }: TreeInput): Tree {
  const reader = new TreeReader(path.slice(0, path.lastIndexOf("/") + 1), files);
  const options = parameter === undefined ? [] : reader.readParameter(parameter);
  const main = reader.readFile(path, undefined);
  return {
    directives: [...options, ...(main?.directives ?? [])],
    sources: reader.sources,
    mistakes: reader.mistakes,
  };
}

/** Blocks whose entries may begin with the word "include" without meaning it. */
const blocksWithoutInclude: readonly string[] = ["split_clients", "match"];

class TreeReader {
  readonly sources: Source[] = [];
  readonly mistakes: LanguageDiagnostic[] = [];
  readonly #prefix: string;
  readonly #files: Files;
  /** "open" while what the file includes is being read: whoever includes it then goes round in a circle. */
  readonly #byPath = new Map<string, IncludedFile | "open" | "unreadable">();
  readonly #openPaths: string[] = [];
  #directiveCount = 0;

  constructor(prefix: string, files: Files) {
    this.#prefix = prefix;
    this.#files = files;
  }

  readParameter(text: string): readonly Directive[] {
    return this.#parse({ path: "command line", text, isParameter: true, includedFrom: undefined }).directives;
  }

  /** The file at `path`, or undefined when it cannot be had, which is told at `from`. */
  readFile(path: string, from: Directive | undefined): IncludedFile | undefined {
    const known = this.#byPath.get(path);
    if (known === "open") return this.#refuseCircle(path, from);
    if (known === "unreadable") return undefined;
    if (known !== undefined) return this.#count(known, from);
    const text = this.#open(path, from);
    if (text === undefined) {
      this.#byPath.set(path, "unreadable");
      return undefined;
    }
    const source: Source = { path, text, isParameter: false, includedFrom: from?.name };
    this.sources.push(source);
    this.#byPath.set(path, "open");
    this.#openPaths.push(path);
    const file = this.#parse(source);
    this.#openPaths.pop();
    this.#byPath.set(path, file);
    return file;
  }

  #open(path: string, from: Directive | undefined): string | undefined {
    const refuse = (message: string, hint: string, reason: string = message): undefined => {
      this.#mistake(from, { nginx: `open() "${path}" failed (${reason})`, message, hint });
      return undefined;
    };
    if (this.#openPaths.length >= INCLUDE_DEPTH_MAX) {
      return refuse(`includes are nested more than ${INCLUDE_DEPTH_MAX} deep`, "include fewer files from files");
    }
    if (this.sources.length >= FILE_COUNT_MAX) {
      return refuse(`these are more than ${FILE_COUNT_MAX} files`, "join some of them");
    }
    const text = this.#files.readText(path);
    if (!text.ok) return refuse(`"${path}" cannot be read (${text.error})`, readHint(from), text.error);
    if (text.value.length > TEXT_SIZE_MAX) {
      return refuse(`"${path}" is larger than ${TEXT_SIZE_MAX} characters`, "is this a configuration file?");
    }
    return text.value;
  }

  #parse(source: Source): IncludedFile {
    const { directives, directiveCount, mistakes } = parse(source);
    this.mistakes.push(...mistakes);
    const before = this.#directiveCount;
    this.#directiveCount += directiveCount;
    const resolved = this.#resolve(directives, true);
    return { source, directives: resolved, directiveCount: this.#directiveCount - before };
  }

  /** The directives with every `include` filled; the same array when there is none. */
  #resolve(directives: readonly Directive[], hasIncludes: boolean): readonly Directive[] {
    let resolved: Directive[] | undefined;
    for (const [index, directive] of directives.entries()) {
      const { name, args, block } = directive;
      let changed = directive;
      if (block !== undefined && block.length > 0) {
        const inner = this.#resolve(block, !blocksWithoutInclude.includes(name.value));
        if (inner !== block) changed = { ...directive, block: inner };
      } else if (hasIncludes && block === undefined && name.value === "include" && args.length === 1) {
        // With other numbers of arguments it is a mistake, for which there is another place.
        changed = { ...directive, included: this.#include(directive) };
      }
      if (changed === directive) continue;
      resolved ??= [...directives];
      resolved[index] = changed;
    }
    return resolved ?? directives;
  }

  #include(directive: Directive): readonly IncludedFile[] {
    const given = directive.args[0]?.value ?? "";
    const path = given.startsWith("/") ? given : this.#prefix + given;
    const paths = /[*?[]/.test(path) ? this.#files.glob(path) : [path];
    return paths.map((each) => this.readFile(each, directive)).filter((file) => file !== undefined);
  }

  /** A file that is read already, once more: its directives count again. */
  #count(file: IncludedFile, from: Directive | undefined): IncludedFile | undefined {
    if (this.#directiveCount + file.directiveCount <= DIRECTIVE_COUNT_MAX) {
      this.#directiveCount += file.directiveCount;
      return file;
    }
    const message = `with "${file.source.path}" these are more than ${DIRECTIVE_COUNT_MAX} directives`;
    this.#mistake(from, { nginx: message, message, hint: "do these files include each other several times?" });
    return undefined;
  }

  #refuseCircle(path: string, from: Directive | undefined): undefined {
    const circle = [...this.#openPaths.slice(this.#openPaths.indexOf(path)), path];
    this.#mistake(from, {
      nginx: `open() "${path}" failed (24: Too many open files)`,
      message: `this file includes itself: ${circle.join(" -> ")}`,
      hint: "remove this include, or narrow its pattern",
    });
  }

  #mistake(from: Directive | undefined, mistake: Parameters<typeof mistakeAt>[1]): void {
    const place: Place | undefined = from?.args[0] ?? from?.name;
    this.mistakes.push(mistakeAt(place, { ...mistake, nginxLine: from?.terminator.line }));
  }
}

function readHint(from: Directive | undefined): string {
  if (from === undefined) return "name the configuration file with -c";
  return "relative names start at the directory of the main file; a pattern such as conf.d/*.conf may match nothing";
}
