/** `try_files file … uri`: the first file that is there, or where to go without any. */
import { type ComplexValue, parseComplexValue } from "../config/nginx/complex-value.ts";
import { err, ok, type Result } from "../std/result.ts";
import { type Text, compileText } from "./evaluate.ts";
import type { Evaluation } from "./evaluation.ts";
import type { FileFinder, FileKind } from "./files.ts";
import { splitArgs } from "./uri.ts";
import type { Variables } from "./variables.ts";

export interface TryFiles {
  /** Tried in order; a name that ended in "/" means a directory, and stands here without it. */
  readonly files: readonly { readonly name: ComplexValue; readonly directory: boolean }[];
  readonly fallback:
    | { readonly kind: "status"; readonly status: number }
    | { readonly kind: "named"; readonly name: string }
    | { readonly kind: "uri"; readonly uri: ComplexValue };
}

export type TryFilesOutcome =
  /** The handler of the location goes on with this path; it is in `Evaluation.path` already. */
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "named"; readonly name: string }
  /** An internal redirect. */
  | { readonly kind: "internal"; readonly path: string; readonly args: string };

/** Reads the words behind `try_files`. */
export function parseTryFiles(words: readonly string[]): Result<TryFiles, string> {
  const last = words.at(-1);
  if (last === undefined || words.length < 2) return err("invalid number of arguments in \"try_files\" directive");
  const files: TryFiles["files"][number][] = [];
  for (const word of words.slice(0, -1)) {
    const directory = word.endsWith("/");
    const name = parseComplexValue(directory ? word.slice(0, -1) : word);
    if (!name.ok) return name;
    files.push({ name: name.value, directory });
  }
  if (last.startsWith("=")) {
    const status = /^=\d{1,9}$/.test(last) ? Number(last.slice(1)) : 1000;
    return status > 999 ? err(`invalid code "${last}"`) : ok({ files, fallback: { kind: "status", status } });
  }
  if (last.startsWith("@")) return ok({ files, fallback: { kind: "named", name: last } });
  const uri = parseComplexValue(last);
  return uri.ok ? ok({ files, fallback: { kind: "uri", uri: uri.value } }) : uri;
}

/** The list of one location, compiled. */
export class TryFilesList {
  readonly #files: readonly { readonly name: Text; readonly directory: boolean }[];
  readonly #fallback: (evaluation: Evaluation) => TryFilesOutcome;

  constructor({ files, fallback }: TryFiles, variables: Variables) {
    this.#files = files.map(({ name, directory }) => ({ name: compileText(name, variables), directory }));
    if (fallback.kind === "uri") {
      const uri = compileText(fallback.uri, variables);
      this.#fallback = (evaluation) => ({ kind: "internal", ...splitArgs(uri(evaluation)) });
    } else {
      this.#fallback = () => fallback;
    }
  }

  /**
   * @param files asked for each name as if it were a request's path: root or alias apply
   * @returns at once, unless the finder has to wait
   */
  find(evaluation: Evaluation, files: FileFinder): TryFilesOutcome | Promise<TryFilesOutcome> {
    return this.#from(0, evaluation, files);
  }

  #from(start: number, evaluation: Evaluation, files: FileFinder): TryFilesOutcome | Promise<TryFilesOutcome> {
    for (let index = start; index < this.#files.length; index++) {
      const file = this.#files[index];
      if (file === undefined) break;
      const path = file.name(evaluation);
      const kind = files(path);
      if (typeof kind === "object") {
        return kind.then((known) =>
          fits(known, file.directory) ? found(path, evaluation) : this.#from(index + 1, evaluation, files));
      }
      if (fits(kind, file.directory)) return found(path, evaluation);
    }
    return this.#fallback(evaluation);
  }
}

function fits(kind: FileKind, directory: boolean): boolean {
  return kind !== "none" && (kind === "directory") === directory;
}

function found(path: string, evaluation: Evaluation): TryFilesOutcome {
  evaluation.path = path;
  return { kind: "found", path };
}
