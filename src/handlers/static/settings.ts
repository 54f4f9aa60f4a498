/** What one location says about files: plain data, resolved once. Texts are one character a byte. */
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import type { ModifiedSinceMode } from "../../http/conditional.ts";

/** Where paths of requests lie in the file system. */
export interface FileMapping {
  /**
   * `root`: the whole path follows the directory. `alias`: what follows the location's prefix does. `file`: the
   * directory is the file (alias in a location of an expression).
   */
  readonly kind: "root" | "alias" | "file";
  readonly directory: string;
  /** The location's prefix, which alias takes away; "" for root. */
  readonly prefix: string;
}

export type PrecompressedMode = "off" | "on" | "always";

export type AutoindexFormat = "html" | "json" | "jsonp" | "xml";

export interface AutoindexSettings {
  readonly format: AutoindexFormat;
  readonly exactSize: boolean;
  readonly localtime: boolean;
}

/** disable_symlinks: "off" follows every link, "if_not_owner" those whose owner owns what they lead to. */
export interface SymlinkSettings {
  readonly mode: "off" | "on" | "if_not_owner";
  /** Begin of a path that is not looked at (`from=`); "" looks at every part. */
  readonly from: string;
}

/** open_file_cache and its companions. */
export interface OpenFileCacheSettings {
  readonly max: number;
  readonly inactiveMs: number;
  readonly validMs: number;
  readonly minUses: number;
  readonly errors: boolean;
}

export interface StaticSettings {
  readonly mapping: FileMapping;
  /** Names, most wanted first; one with a leading "/" is a path of its own. */
  readonly index: readonly string[];
  /** Instead, where a name has variables: StaticRequest.index is what they are for a request (index-names.ts). */
  readonly variableIndex: readonly ComplexValue[] | undefined;
  /** Extension, in lower case, to media type; undefined: the usual ones. */
  readonly types: Readonly<Record<string, string>> | undefined;
  /** "": none. */
  readonly defaultType: string;
  /** Pages of directories are UTF-8, as `charset` says: names are measured in characters. */
  readonly isUtf8: boolean;
  readonly etag: boolean;
  readonly ifModifiedSince: ModifiedSinceMode;
  /** max_ranges; 0 ignores Range. */
  readonly maxRanges: number;
  readonly gzipStatic: PrecompressedMode;
  /** As gzip_static, for files named .br and .zst. */
  readonly brotliStatic: PrecompressedMode;
  readonly zstdStatic: PrecompressedMode;
  /** Say `Vary: Accept-Encoding` where the answer depends on it (gzip_vary). */
  readonly gzipVary: boolean;
  readonly autoindex: AutoindexSettings | undefined;
  readonly absoluteRedirect: boolean;
  readonly portInRedirect: boolean;
  readonly serverNameInRedirect: boolean;
  readonly sendfile: boolean;
  readonly openFileCache: OpenFileCacheSettings | undefined;
  /** disable_symlinks as it is written: `from=$document_root` is what SymlinkSettings want for a request. */
  readonly symlinks: { readonly mode: SymlinkSettings["mode"]; readonly from: ComplexValue };
  /** Bytes a second of one response, 0 for no limit; StaticRequest.rate is what they are for it (limit-rate.ts). */
  readonly limitRate: ComplexValue;
  readonly limitRateAfter: ComplexValue;
}
