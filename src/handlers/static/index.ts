/**
 * Which file answers, and how much of it?
 *
 * A location with files is a `StaticHandler`, made of its `StaticSettings` and a `FileCache` (one for each pair of
 * open_file_cache and disable_symlinks), which counts in the thread's one `FileMemory`. `answer(request)` gives data,
 * at once or later:
 *   status    a page, or what error_page says; `fields` are added to it, `notice` goes to the error log
 *   redirect  301 with this Location
 *   internal  route again with this path, and the same query
 *   ready     head and body, both for ever unchanged: write them without a copy; `text` makes one text of both
 *   file      head, then a `FileBody` of src/net with these parts; without one, release `file`. "changed" and "failed"
 *             mean: cut the connection
 */
export { DEFAULT_BUDGET, FileMemory } from "./file-memory.ts";
export type { MemoryBudget } from "./file-memory.ts";
export { FileCache } from "./file-cache.ts";
export type { FileCacheOptions, FileKind } from "./file-cache.ts";
export { StaticHandler } from "./static-handler.ts";
export { usualTypes } from "./mime-types.ts";
export { redirectLocation } from "./redirect.ts";
export { compileIndex } from "./index-names.ts";
export { type Rate, type WrittenRate, compileRate } from "./limit-rate.ts";
export type { FileAnswer, ReadyAnswer, StaticAnswer, StaticRequest } from "./answer.ts";
export type {
  AutoindexSettings, FileMapping, OpenFileCacheSettings, PrecompressedMode, StaticSettings, SymlinkSettings,
} from "./settings.ts";
