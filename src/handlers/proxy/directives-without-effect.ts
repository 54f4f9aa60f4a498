/** Directives of proxying that have no meaning here: accepted, checked as nginx does, and listed with the reason. */
import { number, onOff, size, string } from "../../config/nginx/argument-types.ts";
import { buffers, tempPath } from "../../config/nginx/bounded-arguments.ts";
import { type AnyDirectiveRow, type Arguments, one } from "../../config/nginx/directive-row.ts";
import { err, ok } from "../../std/result.ts";
import { type Family, everywhere } from "./directives-family.ts";

const BUFFERS = "what waits for a client has one bound, of memory and then of a file, and no buffers of a fixed size";
const TEMP = "what waits in a file goes to a private directory in TMPDIR";
const SOCKETS = "the buffers of sockets are left to the kernel, which fits them to the connection";
const HASHES = "tables of fields grow by themselves";
const LOWAT = "what may leave is written at once";
const DYNAMIC = "each connection is bound when it is made";
const CERTIFICATES = "certificates that a variable names are kept, as many as a thread uses";
const TRAILERS = "trailers of responses reach every client that says TE: trailers";
const KEY_LOG = "keys of connections are never written to a file";

interface Row {
  readonly name: string;
  readonly takes: Arguments<unknown>;
  readonly fallback?: string;
  readonly example: string;
  readonly doc: string;
  readonly why: string;
}

function rowsOf({ prefix, module }: Family, rows: readonly Row[]): readonly AnyDirectiveRow[] {
  return rows.map(({ name, takes, fallback, example, doc, why }) => ({
    name: `${prefix}_${name}`, module, merge: "nearest", contexts: everywhere, arguments: takes, withoutEffect: why,
    doc: `nginx: ${doc}`, example: `${prefix}_${name} ${example};`,
    ...(fallback !== undefined && { default: fallback }),
  }));
}

/** nginx's hash sizes are numbers, though its reference calls them sizes. */
const hashSize: Arguments<number> = { ...one(number({ min: 0, max: Number.MAX_SAFE_INTEGER })), label: "size" };

/** What all three families have; uwsgi_send_lowat does not exist. */
export function commonRowsWithoutEffect(family: Family): readonly AnyDirectiveRow[] {
  return rowsOf(family, [
    { name: "buffers", takes: severalBuffers(), fallback: "8 4k", example: "16 8k", why: BUFFERS,
      doc: "buffers for reading a response." },
    { name: "busy_buffers_size", takes: one(size()), fallback: "8k", example: "16k", why: BUFFERS,
      doc: "how much of them may be on its way to the client." },
    { name: "temp_file_write_size", takes: one(size()), fallback: "8k", example: "64k", why: BUFFERS,
      doc: "how much is written to a file at once." },
    { name: "temp_path", takes: tempPath(), fallback: `${family.prefix}_temp`, example: "/var/tmp/nginx 1 2", why: TEMP,
      doc: "where those files lie." },
    ...(family.prefix === "uwsgi" ? [] : [
      { name: "send_lowat", takes: one(size()), fallback: "0", example: "12000", why: LOWAT,
        doc: "how much must fit into a socket before it is written to." },
    ]),
    { name: "socket_rcvbuf", takes: one(size()), example: "64k", why: SOCKETS, doc: "SO_RCVBUF of connections." },
    { name: "socket_sndbuf", takes: one(size()), example: "64k", why: SOCKETS, doc: "SO_SNDBUF of connections." },
    { name: "bind_dynamic", takes: one(onOff()), fallback: "off", example: "on", why: DYNAMIC,
      doc: "bind at each attempt to connect." },
  ]);
}

/** What only proxying by HTTP has. */
export function proxyRowsWithoutEffect(family: Family): readonly AnyDirectiveRow[] {
  return rowsOf(family, [
    { name: "pass_trailers", takes: one(onOff()), fallback: "off", example: "on", why: TRAILERS,
      doc: "pass on the trailers of responses." },
    { name: "headers_hash_max_size", takes: hashSize, fallback: "512", example: "1024", why: HASHES,
      doc: "the size of a hash table." },
    { name: "headers_hash_bucket_size", takes: hashSize, fallback: "64", example: "128", why: HASHES,
      doc: "the size of a hash table's buckets." },
  ]);
}

/** What those with TLS have. */
export function tlsRowsWithoutEffect(family: Family): readonly AnyDirectiveRow[] {
  return rowsOf(family, [
    { name: "ssl_certificate_cache", takes: certificateCache, example: "max=1000 inactive=20s valid=1m",
      why: CERTIFICATES, doc: "how many certificates that a variable names are kept." },
    { name: "ssl_key_log", takes: one(string("path")), example: "/tmp/keys", why: KEY_LOG,
      doc: "a file for the keys of connections." },
  ]);
}

/** nginx wants at least two. */
function severalBuffers(): Arguments<unknown> {
  const type = buffers();
  return {
    ...type,
    parse: (words, directive) => {
      const value = type.parse(words, directive);
      if (!value.ok || value.value.count >= 2) return value;
      return err({ nginx: `there must be at least 2 "${directive}"`, expected: "2 or more", index: 0 });
    },
  };
}

const certificateCache: Arguments<readonly string[]> = {
  label: "off | max=N [inactive=time] [valid=time]",
  countMin: 1,
  countMax: 3,
  parse: (words, directive) => {
    const index = words.findIndex((word) => !/^(?:off|max=\d+|inactive=\d\w*|valid=\d\w*)$/.test(word));
    if (index === -1) return ok(words);
    const expected = `off, max=, inactive= or valid= of ${directive}`;
    return err({ nginx: `invalid parameter "${words[index] ?? ""}"`, expected, index });
  },
};
