/**
 * Directives of nginx's http core that have no meaning here: accepted, checked as nginx does, and listed with the
 * reason by `-t --explain`.
 */
import { type ArgumentType, choice, either, number, offset, onOff, size, string, time } from
  "../config/nginx/argument-types.ts";
import { buffers, tempPath } from "../config/nginx/bounded-arguments.ts";
import {
  type AnyDirectiveRow, type Arguments, type Context, type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import { err, ok } from "../std/result.ts";

const everywhere: readonly Context[] = ["http", "server", "location"];
const ofServers: readonly Context[] = ["http", "server"];

type Row = Pick<DirectiveRow<unknown>, "name" | "default" | "mayRepeat" | "doc" | "example"> & {
  readonly arguments: Arguments<unknown>;
  readonly why: string;
  readonly contexts?: readonly Context[];
};

function without({ why, contexts = everywhere, ...row }: Row): AnyDirectiveRow {
  return { module: "ngx_http_core_module", merge: "nearest", contexts, withoutEffect: why, ...row };
}

const POOLS = "memory is not kept in pools here";
const READING = "files are read, or sent by sendfile, in pieces whose size is fixed";
const WRITING = "what may leave is written at once, head and body together";
const TYPES = "media types are in a table that grows by itself";

/** nginx's hash sizes are numbers, though its reference calls them sizes. */
const hashSize: Arguments<number> = { ...one(number({ min: 0, max: Number.MAX_SAFE_INTEGER })), label: "size" };

export const coreDirectivesWithoutEffect: readonly AnyDirectiveRow[] = [
  without({
    name: "aio",
    arguments: one(aio()),
    default: "off",
    why: "files are always read beside the event loop",
    doc: "How files are read without waiting for the disk.",
    example: "aio threads;",
  }),
  without({
    name: "aio_write",
    arguments: one(onOff()),
    default: "off",
    why: "files are always written beside the event loop",
    doc: "Whether files are written as aio says.",
    example: "aio_write on;",
  }),
  without({
    name: "auth_delay",
    arguments: one(time()),
    default: "0s",
    why: "nothing that answers 401 by itself is here yet",
    doc: "How long a request waits for its 401.",
    example: "auth_delay 1s;",
  }),
  without({
    name: "client_body_in_single_buffer",
    arguments: one(onOff()),
    default: "off",
    why: "a body in memory is in one piece, and $request_body has it",
    doc: "Whether a request's body is in one buffer.",
    example: "client_body_in_single_buffer on;",
  }),
  without({
    name: "client_body_temp_path",
    arguments: tempPath(),
    default: "client_body_temp",
    why: "bodies go to a private directory in TMPDIR",
    doc: "Where large bodies of requests go.",
    example: "client_body_temp_path /var/lib/nginx/body 1 2;",
  }),
  without({
    name: "connection_pool_size",
    arguments: one(poolSize()),
    default: "512",
    contexts: ofServers,
    why: POOLS,
    doc: "Memory that a connection starts with.",
    example: "connection_pool_size 512;",
  }),
  without({
    name: "directio",
    arguments: one(either(choice(["off"]), offset())),
    default: "off",
    why: READING,
    doc: "Files from this size on are read past the page cache.",
    example: "directio 4m;",
  }),
  without({
    name: "directio_alignment",
    arguments: one(offset()),
    default: "512",
    why: READING,
    doc: "What reads of directio are aligned to.",
    example: "directio_alignment 4k;",
  }),
  without({
    name: "early_hints",
    arguments: many(string("string")),
    why: "what an application says with 103 goes to every client of HTTP/1.1",
    doc: "Conditions under which 103 of an upstream reaches the client.",
    example: "early_hints $http2$http3;",
  }),
  without({
    name: "error_log_tag",
    arguments: { label: "name value", countMin: 2, countMax: 2, parse: ok },
    mayRepeat: true,
    why: "lines of the error log have no tags",
    doc: "A member of the lines of an error log that is JSON.",
    example: "error_log_tag site shop;",
  }),
  without({
    name: "ignore_invalid_headers",
    arguments: one(onOff()),
    default: "on",
    contexts: ofServers,
    why: "a request with an invalid field name always gets 400, so that nobody behind understands it otherwise",
    doc: "Whether fields with invalid names are left out, rather than refused.",
    example: "ignore_invalid_headers off;",
  }),
  without({
    name: "keepalive_min_timeout",
    arguments: one(time()),
    default: "0",
    why: "idle connections are closed when the program ends, and no sooner for want of connections",
    doc: "How long an idle connection is kept at least when connections run short.",
    example: "keepalive_min_timeout 1s;",
  }),
  without({
    name: "lingering_time",
    arguments: one(time()),
    default: "30s",
    why: "a connection lingers no longer than lingering_timeout, and for a fixed number of bytes",
    doc: "How long a connection lingers at most.",
    example: "lingering_time 10s;",
  }),
  without({
    name: "msie_padding",
    arguments: one(onOff()),
    default: "on",
    why: "browsers that replace short error pages are gone",
    doc: "Whether error pages are padded for Internet Explorer.",
    example: "msie_padding off;",
  }),
  without({
    name: "msie_refresh",
    arguments: one(onOff()),
    default: "off",
    why: "browsers that mistake redirects are gone",
    doc: "Whether Internet Explorer gets a page that refreshes in place of a redirect.",
    example: "msie_refresh on;",
  }),
  without({
    name: "open_file_cache_events",
    arguments: one(onOff()),
    default: "off",
    why: "files are compared as open_file_cache_valid says",
    doc: "Whether the kernel tells of changes of files.",
    example: "open_file_cache_events on;",
  }),
  without({
    name: "output_buffers",
    arguments: buffers(),
    default: "2 32k",
    why: READING,
    doc: "Buffers for reading a file.",
    example: "output_buffers 1 64k;",
  }),
  without({
    name: "postpone_output",
    arguments: one(size()),
    default: "1460",
    why: WRITING,
    doc: "Bytes that are worth a packet.",
    example: "postpone_output 0;",
  }),
  without({
    name: "read_ahead",
    arguments: one(size()),
    default: "0",
    why: READING,
    doc: "How far the kernel reads ahead in a file.",
    example: "read_ahead 1m;",
  }),
  without({
    name: "request_pool_size",
    arguments: one(poolSize()),
    default: "4k",
    contexts: ofServers,
    why: POOLS,
    doc: "Memory that a request starts with.",
    example: "request_pool_size 8k;",
  }),
  without({
    name: "send_lowat",
    arguments: one(size()),
    default: "0",
    why: WRITING,
    doc: "Room that a socket must have before it is written to; FreeBSD's and macOS's.",
    example: "send_lowat 12000;",
  }),
  without({
    name: "sendfile_max_chunk",
    arguments: one(size()),
    default: "2m",
    why: READING,
    doc: "Bytes that one call of sendfile sends at most.",
    example: "sendfile_max_chunk 512k;",
  }),
  without({
    name: "subrequest_output_buffer_size",
    arguments: one(size()),
    default: "8k",
    why: POOLS,
    doc: "Room for the response of a subrequest.",
    example: "subrequest_output_buffer_size 32k;",
  }),
  without({
    name: "tcp_nodelay",
    arguments: one(onOff()),
    default: "on",
    why: "it is always on",
    doc: "Whether packets leave at once.",
    example: "tcp_nodelay on;",
  }),
  without({
    name: "tcp_nopush",
    arguments: one(onOff()),
    default: "off",
    why: WRITING,
    doc: "Whether head and file are sent in full packets.",
    example: "tcp_nopush on;",
  }),
  without({
    name: "types_hash_bucket_size",
    arguments: hashSize,
    default: "64",
    why: TYPES,
    doc: "Size of a bucket of the table of media types.",
    example: "types_hash_bucket_size 128;",
  }),
  without({
    name: "types_hash_max_size",
    arguments: hashSize,
    default: "1024",
    why: TYPES,
    doc: "Size of the table of media types.",
    example: "types_hash_max_size 2048;",
  }),
];

function aio(): ArgumentType<string> {
  return {
    label: "on | off | threads[=pool]",
    words: ["on", "off", "threads"],
    parse: (word, directive) =>
      /^(?:on|off|threads|threads=.+)$/.test(word)
        ? ok(word)
        : err({ nginx: `"${directive}" directive invalid value`, expected: "on, off or threads" }),
  };
}

/** nginx keeps its own beginning in it, and aligns by 16. */
function poolSize(): ArgumentType<number> {
  const any = size();
  return {
    ...any,
    parse: (word, directive) => {
      const bytes = any.parse(word, directive);
      if (!bytes.ok) return bytes;
      if (bytes.value < 112) return err({ nginx: "the pool size must be no less than 112", expected: undefined });
      if (bytes.value % 16 === 0) return bytes;
      return err({ nginx: "the pool size must be a multiple of 16", expected: undefined });
    },
  };
}
