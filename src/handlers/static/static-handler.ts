/**
 * Answers requests for files, as nginx's modules do one after the other:
 *
 *   path/ ─▶ index ─▶ autoindex ─▶ 403        path ─▶ gzip_static ─▶ static ─▶ 301 for a directory, else the file
 *
 * What was answered from memory is kept, head and all, and given again while the file is the same: that is one look-up
 * and one comparison for a request. Everything else goes the long way.
 */
import { conditionsOf } from "../../http/conditional.ts";
import { ResponseHead } from "../../http/response-head.ts";
import { reasonPhrase } from "../../http/status.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { systemCode } from "../../std/system-reason.ts";
import { statusAnswer } from "./answer.ts";
import type { ReadyAnswer, StaticAnswer, StaticRequest } from "./answer.ts";
import { readDirectory } from "./autoindex.ts";
import { formatListing } from "./autoindex-page.ts";
import { ContentTypes } from "./content-type.ts";
import { escapePath } from "./escape.ts";
import { FileAnswers } from "./file-answer.ts";
import type { Representation } from "./file-answer.ts";
import type { FileCache, FileKind } from "./file-cache.ts";
import type { FileEntry } from "./file-entry.ts";
import { filePath } from "./file-path.ts";
import { failureNotice, statusOfError } from "./notice.ts";
import { acceptableCodings, configuredCodings } from "./precompressed.ts";
import type { PrecompressedCoding } from "./precompressed.ts";
import { redirectLocation } from "./redirect.ts";
import type { AutoindexFormat, AutoindexSettings, StaticSettings } from "./settings.ts";

/** Answers of one location that are kept; the files' memory has the same bound (file-memory.ts). */
const READY_COUNT_MAX = 4096;
/** As long as nginx takes one. */
const CALLBACK = /^[A-Za-z0-9_.]{0,128}$/;
const LISTING_TYPES: Readonly<Record<AutoindexFormat, string>> = {
  html: "text/html", xml: "text/xml; charset=utf-8", json: "application/json", jsonp: "application/javascript",
};

type Later<T> = T | Promise<T>;

interface KeptAnswer {
  readonly entry: FileEntry;
  readonly answer: ReadyAnswer;
}

export class StaticHandler {
  readonly #settings: StaticSettings;
  readonly #files: FileCache;
  readonly #types: ContentTypes;
  readonly #answers: FileAnswers;
  readonly #codings: readonly PrecompressedCoding[];
  readonly #kept = new Map<string, KeptAnswer>();

  /** @param files may be shared with locations that have the same open_file_cache and disable_symlinks */
  constructor(settings: StaticSettings, files: FileCache) {
    this.#settings = settings;
    this.#files = files;
    this.#types = new ContentTypes(settings);
    this.#answers = new FileAnswers(settings);
    this.#codings = configuredCodings(settings);
  }

  /** Answers at once where the file system need not be waited for. Errors: none; they become statuses. */
  answer(request: StaticRequest): Later<StaticAnswer> {
    const kept = this.#kept.get(request.path);
    const mayKeep = request.directory === undefined && request.rate === undefined;
    if (kept !== undefined && mayKeep && isReading(request.method)) {
      if (!this.#files.isCurrent(kept.entry)) this.#kept.delete(request.path);
      else if (conditionsOf(request.fields) === undefined) return kept.answer;
    }
    return this.#answerAnew(request);
  }

  /** The media type that a path has here, undefined for none. */
  contentTypeOf(path: string): string | undefined {
    return this.#types.of(path);
  }

  /** For try_files and the like: what a path of a request means here. @param path normalised */
  kindOf(path: string, directory: string = this.#settings.mapping.directory): FileKind {
    const file = filePath(this.#settings.mapping, directory, path);
    return file === undefined ? "none" : this.#files.kindOf(file);
  }

  #answerAnew(request: StaticRequest): Later<StaticAnswer> {
    const { method, path } = request;
    if (!isReading(method) && method !== "POST") return statusAnswer(405);
    const { mapping } = this.#settings;
    const file = filePath(mapping, request.directory ?? mapping.directory, path);
    if (file === undefined) return statusAnswer(403, `the path "${path}" leaves "${mapping.directory}"`);
    if (path.endsWith("/")) return this.#index(request, file, 0);
    if (this.#codings.length === 0 || !isReading(method)) return this.#file(request, file, false);
    return this.#precompressed(request, file);
  }

  /** The first index file that is there, else the directory itself. */
  #index(request: StaticRequest, directory: string, start: number): Later<StaticAnswer> {
    for (const [offset, name] of (request.index ?? this.#settings.index).slice(start).entries()) {
      // One with a path of its own is not looked for.
      if (name.startsWith("/")) return { kind: "internal", path: name };
      const answer = later(this.#files.find(directory + name), (entry) => this.#indexOf(request, name, entry));
      if (answer === undefined) continue;
      if (!(answer instanceof Promise)) return answer;
      const next = start + offset + 1;
      return answer.then((found) => found ?? this.#index(request, directory, next));
    }
    return later(this.#files.find(directory), (entry) => this.#directory(request, directory, entry));
  }

  #indexOf({ path }: StaticRequest, name: string, { found, path: file }: FileEntry): StaticAnswer | undefined {
    if (found.kind !== "error") return { kind: "internal", path: path + name };
    if (found.code === "ENOENT") return undefined;
    return statusAnswer(statusOfError(found.code), failureNotice("open", file, found.code));
  }

  /** A directory without an index file. */
  #directory(request: StaticRequest, directory: string, { found }: FileEntry): Later<StaticAnswer> {
    if (found.kind === "error") {
      return statusAnswer(statusOfError(found.code), failureNotice("open", directory, found.code));
    }
    const { autoindex } = this.#settings;
    if (autoindex === undefined || !isReading(request.method)) {
      return statusAnswer(403, `directory index of "${directory}" is forbidden`);
    }
    return this.#list(request, directory, autoindex);
  }

  async #list(request: StaticRequest, directory: string, settings: AutoindexSettings): Promise<StaticAnswer> {
    const asked = settings.format === "jsonp" ? (/(?:^|&)callback=([^&]*)/i.exec(request.args)?.[1] ?? "") : "";
    if (!CALLBACK.test(asked)) return statusAnswer(400, `client sent invalid callback name: "${asked}"`);
    try {
      const entries = await readDirectory(directory);
      if (entries === undefined) return statusAnswer(500, `directory "${directory}" has too many entries to list`);
      const utf8 = this.#settings.isUtf8;
      const page = formatListing({ path: request.path, entries, utf8, callback: asked }, settings);
      const isScript = settings.format === "jsonp" && asked !== "";
      const type = LISTING_TYPES[settings.format === "jsonp" && !isScript ? "json" : settings.format];
      const fields = [["Content-Type", type]] as const;
      const head = new ResponseHead(200, reasonPhrase(200), fields);
      return { kind: "ready", head, body: fromLatin1(page), text: undefined };
    } catch (error) {
      return statusAnswer(statusOfError(systemCode(error)), failureNotice("opendir", directory, systemCode(error)));
    }
  }

  /** A file beside the file, in a coding that the client takes; else the file. */
  #precompressed(request: StaticRequest, file: string): Later<StaticAnswer> {
    const accepted = request.mayCompress ? request.fields.get("accept-encoding") : undefined;
    const varies = this.#settings.gzipVary && this.#codings.some((each) => !each.always && this.#hasBeside(file, each));
    for (const each of acceptableCodings(this.#codings, accepted)) {
      if (!this.#hasBeside(file, each)) continue;
      return later(this.#files.find(file + each.extension), (entry) => {
        if (entry.found.kind !== "file") return this.#file(request, file, varies);
        return this.#send(request, entry, { contentEncoding: each.coding, varies });
      });
    }
    return this.#file(request, file, varies);
  }

  #hasBeside(file: string, { extension }: PrecompressedCoding): boolean {
    const kind = this.#files.kindOf(file + extension);
    return kind === "file" || kind === "executable";
  }

  #file(request: StaticRequest, file: string, varies: boolean): Later<StaticAnswer> {
    return later(this.#files.find(file), (entry) => {
      const { kind, code } = entry.found;
      switch (kind) {
        case "error": return statusAnswer(statusOfError(code), failureNotice("open", file, code));
        case "directory": return this.#redirect(request);
        case "other": return statusAnswer(404, `"${file}" is not a regular file`);
        case "file":
          if (request.method === "POST") return statusAnswer(405);
          return this.#send(request, entry, { contentEncoding: undefined, varies });
      }
    });
  }

  #redirect(request: StaticRequest): StaticAnswer {
    const path = `${escapePath(request.path)}/${request.args === "" ? "" : `?${request.args}`}`;
    return { kind: "redirect", status: 301, location: redirectLocation(this.#settings, request, path) };
  }

  #send(
    request: StaticRequest, entry: FileEntry, negotiated: Pick<Representation, "contentEncoding" | "varies">,
  ): StaticAnswer {
    const { identity, bytes, file } = entry.found;
    const contentType = this.#types.of(request.path);
    const shown: Representation = { identity, bytes, file, ...negotiated, contentType, rate: request.rate };
    const conditions = conditionsOf(request.fields);
    const answer = this.#answers.of(shown, conditions, request);
    const isWhole = conditions === undefined && answer.kind === "ready" && answer.body === bytes;
    // With several codings the path alone does not say which answer is meant.
    if (isWhole && entry.kept && this.#codings.length === 0 && request.directory === undefined) {
      if (this.#kept.size >= READY_COUNT_MAX) this.#kept.clear();
      this.#kept.set(request.path, { entry, answer });
    }
    return answer;
  }
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Goes on now if the value is there, else when it is. */
function later<T, U>(value: Later<T>, next: (value: T) => Later<U>): Later<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
