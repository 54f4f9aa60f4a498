/**
 * The directives of files: what nginx's static, index, autoindex and gzip_static modules take, and what its http core
 * says about files. Where they lie (root, alias, try_files) is the router's business.
 */
import { choice, number, onOff, time } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, one,
} from "../../config/nginx/directive-row.ts";
import type { ModifiedSinceMode } from "../../http/conditional.ts";
import { RANGE_COUNT_MAX } from "../../http/range.ts";
import { byteText } from "../../route/index.ts";
import {
  type OpenFileCacheArgument, type SymlinksArgument, fieldText, indexNames, openFileCache, rate, symlinks,
} from "./directives-arguments.ts";
import { contentTypes, typesRow } from "./directives-types.ts";
import type { AutoindexFormat, AutoindexSettings, OpenFileCacheSettings, PrecompressedMode, StaticSettings } from
  "./settings.ts";

export { contentTypes, typesRows } from "./directives-types.ts";

const common = { merge: "nearest", contexts: ["http", "server", "location"] } as const;
const core = { ...common, module: "ngx_http_core_module" } as const;
const autoindex = { ...common, module: "ngx_http_autoindex_module" } as const;
const withIf = ["http", "server", "location", "if in location"] as const;

const indexRow: DirectiveRow<readonly ComplexValue[]> = {
  ...common,
  module: "ngx_http_index_module",
  name: "index",
  arguments: indexNames,
  mayRepeat: true,
  default: "index.html",
  doc: "Files that answer for their directory, most wanted first; the last may be a path of its own.",
  example: "index index.html index.htm;",
};

const defaultTypeRow: DefaultedDirectiveRow<string> = {
  ...core,
  name: "default_type",
  arguments: one(fieldText("mime-type")),
  default: "text/plain",
  doc: "The media type of files whose extension types does not know; an empty one is not sent.",
  example: "default_type application/octet-stream;",
};

const etagRow: DefaultedDirectiveRow<boolean> = {
  ...core,
  name: "etag",
  arguments: one(onOff()),
  default: "on",
  doc: "Send an ETag with files.",
  example: "etag off;",
};

const ifModifiedSinceRow: DefaultedDirectiveRow<ModifiedSinceMode> = {
  ...core,
  name: "if_modified_since",
  arguments: one(choice(["off", "exact", "before"])),
  default: "exact",
  doc: "When If-Modified-Since gets 304: never, when it is the file's time, or that and when it is later.",
  example: "if_modified_since before;",
};

const maxRangesRow: DirectiveRow<number> = {
  ...core,
  name: "max_ranges",
  arguments: one(number({ min: 0, max: 2 ** 31 - 1 })),
  doc: `Ranges of one request; with more of them it gets the whole file. Left out: ${RANGE_COUNT_MAX}. 0: Range is ` +
    "not looked at.",
  example: "max_ranges 1;",
};

const precompressed = { arguments: one(choice(["off", "on", "always"])), default: "off" } as const;

const gzipStaticRow: DefaultedDirectiveRow<PrecompressedMode> = {
  ...common,
  ...precompressed,
  module: "ngx_http_gzip_static_module",
  name: "gzip_static",
  doc: "Send the file with .gz behind its name, if it is there, to clients that take gzip; or to all.",
  example: "gzip_static on;",
};

const brotliStaticRow: DefaultedDirectiveRow<PrecompressedMode> = {
  ...common,
  ...precompressed,
  module: "tricorn",
  name: "brotli_static",
  doc: "As gzip_static, for files with .br behind their names.",
  example: "brotli_static on;",
};

const zstdStaticRow: DefaultedDirectiveRow<PrecompressedMode> = {
  ...common,
  ...precompressed,
  module: "tricorn",
  name: "zstd_static",
  doc: "As gzip_static, for files with .zst behind their names.",
  example: "zstd_static on;",
};

const gzipVaryRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  module: "ngx_http_gzip_module",
  name: "gzip_vary",
  arguments: one(onOff()),
  default: "off",
  doc: "Say Vary: Accept-Encoding where another client might get the response compressed, or not.",
  example: "gzip_vary on;",
};

const autoindexRow: DefaultedDirectiveRow<boolean> = {
  ...autoindex,
  name: "autoindex",
  arguments: one(onOff()),
  default: "off",
  doc: "List directories that have no index file.",
  example: "autoindex on;",
};

const exactSizeRow: DefaultedDirectiveRow<boolean> = {
  ...autoindex,
  name: "autoindex_exact_size",
  arguments: one(onOff()),
  default: "on",
  doc: "Sizes in an HTML listing in bytes; off: rounded to K, M or G.",
  example: "autoindex_exact_size off;",
};

const formatRow: DefaultedDirectiveRow<AutoindexFormat> = {
  ...autoindex,
  name: "autoindex_format",
  arguments: one(choice(["html", "xml", "json", "jsonp"])),
  default: "html",
  doc: "What a listing is written in.",
  example: "autoindex_format json;",
};

const localtimeRow: DefaultedDirectiveRow<boolean> = {
  ...autoindex,
  name: "autoindex_localtime",
  arguments: one(onOff()),
  default: "off",
  doc: "Times in an HTML listing in the server's zone rather than UTC.",
  example: "autoindex_localtime on;",
};

const absoluteRedirectRow: DefaultedDirectiveRow<boolean> = {
  ...core,
  name: "absolute_redirect",
  arguments: one(onOff()),
  default: "on",
  doc: "Redirects that Tricorn makes name scheme and host; off: only the path.",
  example: "absolute_redirect off;",
};

const portInRedirectRow: DefaultedDirectiveRow<boolean> = {
  ...core,
  name: "port_in_redirect",
  arguments: one(onOff()),
  default: "on",
  doc: "And the port, where it is not the usual one.",
  example: "port_in_redirect off;",
};

const serverNameInRedirectRow: DefaultedDirectiveRow<boolean> = {
  ...core,
  name: "server_name_in_redirect",
  arguments: one(onOff()),
  default: "off",
  doc: "The host of such redirects is the first server_name rather than what the client asked for.",
  example: "server_name_in_redirect on;",
};

const sendfileRow: DefaultedDirectiveRow<boolean> = {
  ...core,
  contexts: withIf,
  name: "sendfile",
  arguments: one(onOff()),
  default: "off",
  doc: "Send large files from the page cache to the socket by sendfile(2), where that is possible.",
  example: "sendfile on;",
};

const limitRateRow: DefaultedDirectiveRow<ComplexValue> = {
  ...core,
  contexts: withIf,
  name: "limit_rate",
  arguments: one(rate("rate")),
  default: "0",
  doc: "Bytes a second of each response, which may have variables; 0: as fast as it goes.",
  example: "limit_rate 512k;",
};

const limitRateAfterRow: DefaultedDirectiveRow<ComplexValue> = {
  ...core,
  contexts: withIf,
  name: "limit_rate_after",
  arguments: one(rate("size")),
  default: "0",
  doc: "Bytes of a response that limit_rate does not slow down.",
  example: "limit_rate_after 1m;",
};

const openFileCacheRow: DefaultedDirectiveRow<OpenFileCacheArgument | undefined> = {
  ...core,
  name: "open_file_cache",
  arguments: openFileCache,
  default: "off",
  doc: "Remember so many files, also their descriptors, and that others are not there; those not asked for during " +
    "inactive= (60s) are forgotten.",
  example: "open_file_cache max=1000 inactive=20s;",
};

const openFileCacheValidRow: DefaultedDirectiveRow<number> = {
  ...core,
  name: "open_file_cache_valid",
  arguments: one(time("seconds")),
  default: "60s",
  doc: "How long open_file_cache believes what it knows before it looks at the file again.",
  example: "open_file_cache_valid 30s;",
};

const openFileCacheMinUsesRow: DefaultedDirectiveRow<number> = {
  ...core,
  name: "open_file_cache_min_uses",
  arguments: one(number({ min: 0, max: 2 ** 31 - 1 })),
  default: "1",
  doc: "How often a file must be asked for, during inactive= of open_file_cache, for its descriptor to stay open.",
  example: "open_file_cache_min_uses 2;",
};

const openFileCacheErrorsRow: DefaultedDirectiveRow<boolean> = {
  ...core,
  name: "open_file_cache_errors",
  arguments: one(onOff()),
  default: "off",
  doc: "Remember files that could not be opened, too.",
  example: "open_file_cache_errors on;",
};

const symlinksRow: DefaultedDirectiveRow<SymlinksArgument> = {
  ...core,
  name: "disable_symlinks",
  arguments: symlinks,
  default: "off",
  doc: "Refuse files behind symbolic links, or behind those whose owner is not that of what they lead to; links in " +
    "the part of the path that from= names are followed.",
  example: "disable_symlinks if_not_owner from=$document_root;",
};

/** All directives of files, which staticSettings() depends on. */
export const staticRows: readonly AnyDirectiveRow[] = [
  indexRow,
  typesRow,
  defaultTypeRow,
  etagRow,
  ifModifiedSinceRow,
  maxRangesRow,
  gzipStaticRow,
  brotliStaticRow,
  zstdStaticRow,
  gzipVaryRow,
  autoindexRow,
  exactSizeRow,
  formatRow,
  localtimeRow,
  absoluteRedirectRow,
  portInRedirectRow,
  serverNameInRedirectRow,
  sendfileRow,
  limitRateRow,
  limitRateAfterRow,
  openFileCacheRow,
  openFileCacheValidRow,
  openFileCacheMinUsesRow,
  openFileCacheErrorsRow,
  symlinksRow,
];

export const staticDirectives: readonly AnyDirectiveRow[] = staticRows;

/**
 * What is in force in a block, but where the files lie, and but `charset`, which is the filters'.
 * @param types what contentTypes() says there: a large table, best shared by all blocks that write none of their own
 */
export function staticSettings(
  block: Block, types: Readonly<Record<string, string>> | undefined = contentTypes(block),
): Omit<StaticSettings, "mapping" | "isUtf8"> {
  return {
    ...indexOf(block),
    types,
    defaultType: byteText(block.one(defaultTypeRow)),
    etag: block.one(etagRow),
    ifModifiedSince: block.one(ifModifiedSinceRow),
    maxRanges: block.optional(maxRangesRow) ?? RANGE_COUNT_MAX,
    gzipStatic: block.one(gzipStaticRow),
    brotliStatic: block.one(brotliStaticRow),
    zstdStatic: block.one(zstdStaticRow),
    gzipVary: block.one(gzipVaryRow),
    autoindex: autoindexOf(block),
    absoluteRedirect: block.one(absoluteRedirectRow),
    portInRedirect: block.one(portInRedirectRow),
    serverNameInRedirect: block.one(serverNameInRedirectRow),
    sendfile: block.one(sendfileRow),
    openFileCache: openFileCacheOf(block),
    symlinks: block.one(symlinksRow),
    limitRate: block.one(limitRateRow),
    limitRateAfter: block.one(limitRateAfterRow),
  };
}

function indexOf(block: Block): Pick<StaticSettings, "index" | "variableIndex"> {
  const written = block.all(indexRow).flat();
  if (written.length === 0) return { index: ["index.html"], variableIndex: undefined };
  const index = written.flatMap((name) => constantOf(name) ?? []).map(byteText);
  return index.length === written.length ? { index, variableIndex: undefined } : { index: [], variableIndex: written };
}

function autoindexOf(block: Block): AutoindexSettings | undefined {
  if (!block.one(autoindexRow)) return undefined;
  const [format, exactSize, localtime] = [block.one(formatRow), block.one(exactSizeRow), block.one(localtimeRow)];
  return { format, exactSize, localtime };
}

function openFileCacheOf(block: Block): OpenFileCacheSettings | undefined {
  const cache = block.one(openFileCacheRow);
  return cache && {
    ...cache,
    validMs: block.one(openFileCacheValidRow),
    minUses: block.one(openFileCacheMinUsesRow),
    errors: block.one(openFileCacheErrorsRow),
  };
}
