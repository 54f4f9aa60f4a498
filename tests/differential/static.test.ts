// Files: conditions, ranges, HEAD, precompressed ones, links, types.
import { gzipSync } from "node:zlib";
import { differential } from "./group.ts";

const changed = "Sun, 06 Nov 1994 08:49:37 GMT";
const earlier = "Sun, 06 Nov 1994 08:49:36 GMT";
const later = "Sun, 06 Nov 1994 08:49:38 GMT";
const tag = '"2ebc98a1-b"';
const conditions = [
  `If-Modified-Since: ${changed}`, `If-Modified-Since: ${earlier}`, `If-Modified-Since: ${later}`,
  "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT", "If-Modified-Since: Sun Nov  6 08:49:37 1994",
  "If-Modified-Since: nonsense", "If-Modified-Since: ", `If-Unmodified-Since: ${changed}`,
  `If-Unmodified-Since: ${earlier}`, "If-Unmodified-Since: nonsense", `If-None-Match: ${tag}`,
  `If-None-Match: W/${tag}`,
  'If-None-Match: "x"', "If-None-Match: *", `If-None-Match: "x", ${tag}`, `If-None-Match: ${tag}x`, "If-None-Match: ",
  `If-Match: ${tag}`, `If-Match: W/${tag}`, 'If-Match: "x"', "If-Match: *", `If-Match: "x",${tag}`,
  `If-None-Match: "x" | If-Modified-Since: ${changed}`, `If-None-Match: ${tag} | If-Modified-Since: ${earlier}`,
  `If-Match: "x" | If-None-Match: ${tag}`, `If-Match: ${tag} | If-Unmodified-Since: ${earlier}`,
  `If-None-Match: "a" | If-None-Match: ${tag}`,
];
const ranges = [
  "bytes=0-1", "bytes=0-0,2-3", "bytes=3-", "bytes=-3", "bytes=-30", "bytes=-0", "bytes=11-", "bytes=10-", "bytes=5-2",
  "bytes=0-,0-", "bytes=0-5,3-8", "bytes=1-2,50-60", "bytes=50-60", "bytes=a", "bytes=1-2,", "bytes=,1-2",
  "bytes= 1 - 2 , 4",
  "BYTES=1-2", "items=1-2", "bytes=", "bytes", "bytes=1-2-3", "bytes=0-99999999999999999999", "bytes=0-0,-1",
  "bytes 0-1",
  "bytes=99999999999999999999-", "bytes=0-9223372036854775807", "bytes=-9223372036854775808", "bytes=2-1,0-1",
  "bytes=0x1-2",
];
/** The boundary of multiple ranges is a number of the server's own. */
const boundary = [/(?<=boundary=|--)\d{20}/g];

differential({
  title: "files",
  files: {
    "f.txt": "hello world", "empty.txt": "", "big.bin": "0123456789".repeat(30_000), "noext": "none",
    "x.html": "<html>",
    "p.txt": "plain plain", "p.txt.gz": gzipSync("plain plain"), "only.txt.gz": gzipSync("only"), "sub/index.html": "i",
    "UPPER.TXT": "upper", "two.tar.gz": "tar", ".hidden": "h", "dot.": "dot", "link": { link: "f.txt" },
    "dangling": { link: "no" }, "loop": { link: "loop" }, "sublink": { link: "sub" }, "unknown.zzz": "z", "a.JS": "js",
    "p2.txt": "two", "p2.txt.gz": "not really gzip", "index.html": "index", "é.txt": "accent", "sp ace.txt": "space",
  },
  http: String.raw`
    types { text/plain txt; text/html html htm; application/javascript js; application/gzip tar.gz gz; }
    default_type application/octet-stream;
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      location /before/ { alias %ROOT%/; if_modified_since before; }
      location /ignore/ { alias %ROOT%/; if_modified_since off; }
      location /notag/ { alias %ROOT%/; etag off; }
      location /noranges/ { alias %ROOT%/; max_ranges 0; }
      location /onerange/ { alias %ROOT%/; max_ranges 1; }
      location /gz/ { alias %ROOT%/; gzip_static on; }
      location /gzvary/ { alias %ROOT%/; gzip_static on; gzip_vary on; }
      location /gzalways/ { alias %ROOT%/; gzip_static always; }
      location /nolinks/ { alias %ROOT%/; disable_symlinks on; }
      location /nolinksfrom/ { alias %ROOT%/; disable_symlinks on from=%ROOT%; }
      location /owner/ { alias %ROOT%/; disable_symlinks if_not_owner; }
      location /cached/ { alias %ROOT%/; open_file_cache max=10; open_file_cache_errors on; open_file_cache_min_uses 1;
        }
      location /plain/ { alias %ROOT%/; default_type text/plain; types { } }
      location /notype/ { alias %ROOT%/; default_type ""; types { } }
      location /html { types { text/x-own html; } }
      location /var/ { alias %ROOT%/$arg_dir/; }
      location /rootvar/ { root %ROOT%/$arg_dir; }
      location = /onefile { alias %ROOT%/f.txt; }
      location /prefixalias { alias %ROOT%/f; }
      location ~ ^/cap/(.*)\.x$ { alias %ROOT%/$1.txt; }
      location /rootless/ { root nowhere; }
      location /textret { return 200 "hello world"; }
      location /rated/ { alias %ROOT%/; limit_rate 500k; limit_rate_after 400k; }
      location /aio/ { alias %ROOT%/; sendfile on; sendfile_max_chunk 1k; tcp_nopush on; output_buffers 1 1k; }
      location /direct/ { alias %ROOT%/; directio 4k; }
    }`,
  differs: {
    "repeated-list-fields": [`GET /f.txt | If-None-Match: "a" | If-None-Match: ${tag}`],
    "large-numbers": ["GET /f.txt | Range: bytes=-9223372036854775808"],
    "conditions-of-texts": ["GET /textret | If-None-Match: *"],
    "blanks-in-quality": ["GET /gz/p.txt | Accept-Encoding: gzip ; q = 1"],
  },
  cases: [
    ...conditions.map((condition) => `GET /f.txt | ${condition}`),
    ...conditions.slice(0, 4).flatMap((condition) =>
      [`GET /before/f.txt | ${condition}`, `GET /ignore/f.txt | ${condition}`, `HEAD /f.txt | ${condition}`]),
    `GET /notag/f.txt | If-None-Match: ${tag}`, "GET /notag/f.txt | If-None-Match: *", "GET /notag/f.txt | If-Match: *",
    ...ranges.map((range) => ({ request: `GET /f.txt | Range: ${range}`, masks: boundary })),
    ...[tag, `W/${tag}`, '"x"', changed, later, "nonsense", ""].map((value) =>
      `GET /f.txt | Range: bytes=0-1 | If-Range: ${value}`),
    `GET /f.txt | Range: bytes=0-1 | If-None-Match: ${tag}`, `GET /f.txt | Range: bytes=0-1 | If-Match: "x"`,
    "GET /f.txt | If-Range: \"x\"", "GET /f.txt HTTP/1.0 | Range: bytes=0-1", "HEAD /f.txt | Range: bytes=0-1",
    "POST /f.txt | Range: bytes=0-1", "GET /empty.txt | Range: bytes=0-", "GET /empty.txt | Range: bytes=0-0",
    "GET /empty.txt | Range: bytes=-1", "GET /noranges/f.txt | Range: bytes=0-1", "GET /noranges/f.txt",
    "GET /onerange/f.txt | Range: bytes=0-1", "GET /onerange/f.txt | Range: bytes=0-1,3-4",
    "GET /textret | Range: bytes=1-2",
    "GET /textret | If-None-Match: *", "GET /big.bin | Range: bytes=299990-",
    "GET /big.bin | Range: bytes=70000-140000",
    "GET /big.bin", "HEAD /big.bin", "GET /rated/big.bin", "GET /aio/big.bin", "GET /direct/big.bin",
    "GET /f.txt", "HEAD /f.txt", "POST /f.txt", "PUT /f.txt || x", "DELETE /f.txt", "OPTIONS /f.txt", "PATCH /f.txt",
    "PROPFIND /f.txt", "GET /empty.txt", "HEAD /empty.txt", "GET /noext", "GET /UPPER.TXT", "GET /two.tar.gz",
    "GET /.hidden",
    "GET /dot.", "GET /a.JS", "GET /unknown.zzz", "GET /x.html", "GET /html/../x.html", "GET /plain/x.html",
    "GET /notype/x.html", "GET /f.txt?query", "GET /f.txt/", "GET /f.txt/x", "GET /missing", "HEAD /missing",
    "POST /missing",
    "GET /%C3%A9.txt", "GET /sp%20ace.txt", "GET /link", "GET /dangling", "GET /loop", "GET /sublink/", "GET /sublink",
    "GET /gz/p.txt", "GET /gz/p.txt | Accept-Encoding: gzip", "GET /gz/p.txt | Accept-Encoding: gzip;q=0",
    "GET /gz/p.txt | Accept-Encoding: deflate, gzip;q=0.1", "GET /gz/p.txt | Accept-Encoding: *",
    "HEAD /gz/p.txt | Accept-Encoding: gzip",
    "GET /gz/p.txt | Accept-Encoding: x-gzip", "GET /gz/p.txt | Accept-Encoding: GZIP",
    "GET /gz/p.txt | Accept-Encoding: gzip;q=0.0",
    "GET /gz/p.txt | Accept-Encoding: gzip;q=0.001", "GET /gz/p.txt | Accept-Encoding: gzip ; q = 1",
    "GET /gz/p.txt HTTP/1.0 | Accept-Encoding: gzip",
    "GET /gz/p.txt | Accept-Encoding: gzip | Via: 1.1 proxy",
    "GET /gz/p.txt | Accept-Encoding: gzip | Range: bytes=0-3",
    "GET /gz/only.txt | Accept-Encoding: gzip", "GET /gz/only.txt", "GET /gz/f.txt | Accept-Encoding: gzip",
    "GET /gz/p2.txt | Accept-Encoding: gzip", "POST /gz/p.txt | Accept-Encoding: gzip",
    "GET /gz/ | Accept-Encoding: gzip",
    "GET /gzvary/p.txt", "GET /gzvary/p.txt | Accept-Encoding: gzip", "GET /gzvary/f.txt", "GET /gzvary/p.txt HTTP/1.0",
    "GET /gzalways/p.txt", "GET /gzalways/only.txt", "GET /gzalways/f.txt",
    "GET /gzalways/only.txt | Accept-Encoding: br",
    "GET /nolinks/link", "GET /nolinks/f.txt", "GET /nolinks/sublink/index.html", "GET /nolinks/sub/",
    "GET /nolinksfrom/link",
    "GET /owner/link", "GET /owner/sublink/", "GET /cached/f.txt", "GET /cached/f.txt", "GET /cached/missing",
    "GET /cached/missing", "GET /cached/sub/", "GET /var/index.html?dir=sub", "GET /var/?dir=sub", "GET /var/x",
    "GET /rootvar/x",
    "GET /onefile", "GET /onefile/", "GET /onefile?x", "GET /prefixalias.txt", "GET /prefixalias", "GET /prefixalias/x",
    "GET /cap/f.x", "GET /cap/sub.x", "GET /cap/nothing.x", "GET /rootless/x", "GET /rootless/",
    "GET /f.txt | Accept: application/json", "GET /f.txt | TE: trailers", "POST /missing || body",
    "POST /f.txt || body",
    "GET /x.html || body of a GET", `GET /${"x".repeat(300)}`, `GET /${"d/".repeat(200)}f.txt`,
  ],
});
