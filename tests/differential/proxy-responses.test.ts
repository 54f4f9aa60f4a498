// What a client hears of an upstream's answer: fields, framings, statuses without a body, ranges, filters behind.
import { proxied, type ProxyCase } from "./proxied.ts";

const fields = [
  "Server: up/1", "Date: Sun, 06 Nov 1994 08:49:37 GMT", "X-Pad: avoid", "X-Accel-Expires: 5", "X-Accel-Limit-Rate: 0",
  "X-Accel-Buffering: no", "X-Accel-Charset: utf-8", "X-Powered-By: PHP", "X-Custom: 1", "Set-Cookie: a=1; Path=/",
  "Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Authenticate: Basic realm=x",
    "WWW-Authenticate: Basic realm=x",
  "Upgrade: h2c", "Via: 1.1 up", "Warning: 199 - x", "Trailer: X-T", "Content-Type: text/plain",
    "Content-Type: a; charset=b",
  "Content-Encoding: gzip", "Content-Language: de", "Content-Location: /x", "Content-Disposition: attachment",
  "ETag: \"x\"", "ETag: W/\"x\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Expires: 0",
    "Cache-Control: no-store",
  "Pragma: no-cache", "Age: 3", "Vary: Accept", "Allow: GET", "Accept-Ranges: bytes", "Location: /here",
    "Refresh: 5; url=/x",
  "Link: </a>; rel=preload", "Strict-Transport-Security: max-age=1", "Access-Control-Allow-Origin: *", "X-Empty:",
  "X-Blanks:   a  b   ", "x-lower: 1", "X-Bytes: \xe9\xfc", "Status: 404", "Proxy-Connection: close", "TE: trailers",
  "Connection: X-Custom", "Transfer-Encoding: chunked", "Alt-Svc: h3=\":443\"", "X-Accel-Unknown: 1", "P3P: x",
];

proxied({
  title: "fields of answers",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /hide { proxy_hide_header X-Custom; proxy_hide_header x-powered-by; proxy_pass http://%UP%; }
    location /pass { proxy_pass_header Server; proxy_pass_header Date; proxy_pass_header X-Accel-Expires;
      proxy_pass_header X-Pad; proxy_pass_header X-Accel-Charset; proxy_pass http://%UP%; }
    location /ignore { proxy_ignore_headers X-Accel-Expires Expires Cache-Control Set-Cookie Vary X-Accel-Limit-Rate
      X-Accel-Buffering X-Accel-Charset X-Accel-Redirect; proxy_pass http://%UP%; }
    location /outer { proxy_hide_header X-Custom; location /outer/inner { proxy_hide_header Via;
      proxy_pass http://%UP%; } location /outer/same { proxy_pass http://%UP%; } }
    location /add { add_header X-Add 1; add_header X-Of $upstream_http_x_custom; add_header X-Sent $sent_http_x_custom;
      add_header X-Always 1 always; proxy_pass http://%UP%; }
    location /expires { expires epoch; proxy_pass http://%UP%; }
    location /type { default_type text/own; types { } charset utf-8; charset_types text/plain; proxy_pass http://%UP%; }
    location /variables {
      add_header X-Up "$upstream_status|$upstream_http_content_type|$upstream_cookie_a";
      proxy_pass http://%UP%; }
    location /etag-off { etag off; proxy_pass http://%UP%; }
  `,
  differs: {
    "hop-by-hop-fields": [/\| (?:Upgrade|Trailer|Proxy-Connection|TE):/, /Connection: X-A/],
    "fields-that-nobody-sent": [/^GET \/pass/, "a date that is passed"],
    "charsets-that-nobody-listed": [/X-Accel-Charset: koi8-r/],
    "repeated-fields-of-answers": [/\| (Content-Type|ETag|Location|Expires): .* \| \1: /],
  },
  cases: [
    ...fields.map((field) => ({ request: "GET /", answer: `200 OK | ${field} || body` })),
    ...["Server: a | Server: b", "Set-Cookie: a=1 | Set-Cookie: b=2", "X-A: 1 | X-B: 2 | X-A: 3", "Via: a | Via: b",
      "Content-Type: a/b | Content-Type: c/d", "Vary: a | Vary: b", "Link: a | Link: b", "ETag: \"a\" | ETag: \"b\"",
      "Location: a | Location: b", "Cache-Control: a | Cache-Control: b", "WWW-Authenticate: a | WWW-Authenticate: b",
      "Connection: X-A, X-B | X-A: 1 | X-B: 2", "Date: a | Date: b", "Expires: 1 | Expires: 2",
        "Content-Encoding: a | Content-Encoding: b",
    ].map((each) => ({ request: "GET /", answer: `200 OK | ${each} || body` })),
    ...["/hide", "/outer/inner", "/outer/same", "/add", "/variables"].map((path): ProxyCase =>
      ({ request: `GET ${path}`,
      answer: "200 OK | X-Custom: 1 | X-Powered-By: PHP | Via: x | Set-Cookie: a=1 | Content-Type: a/b || body" })),
    { request: "GET /pass",
      answer: "200 OK | Server: up | X-Accel-Expires: 1 | X-Pad: p | X-Accel-Charset: utf-8 || body" },
    { request: "GET /pass", answer: "200 OK | Date: Sun, 06 Nov 1994 08:49:37 GMT || body",
      name: "a date that is passed" },
    { request: "GET /ignore",
      answer: "200 OK | X-Accel-Expires: 1 | X-Accel-Redirect: /x | X-Accel-Limit-Rate: 1 || body" },
    { request: "GET /ignore", answer: "200 OK | Expires: 1 | Cache-Control: 2 | Set-Cookie: a=b | Vary: c || body" },
    { request: "GET /add", answer: "404 Not Found | X-Custom: 1 || body" },
    { request: "GET /add", answer: "204 No Content | X-Custom: 1" },
    { request: "GET /expires", answer: "200 OK | Expires: 0 | Cache-Control: private || body" },
    { request: "GET /expires", answer: "404 Not Found | Expires: 0 | Cache-Control: private || body" },
    { request: "GET /type", answer: "200 OK || body" }, { request: "GET /type",
      answer: "200 OK | Content-Type: text/plain || body" },
    { request: "GET /type", answer: "200 OK | Content-Type: text/plain; charset=koi8-r || body" },
    { request: "GET /type", answer: "200 OK | Content-Type: image/png || body" },
    { request: "GET /type", answer: "200 OK | Content-Type: text/plain | X-Accel-Charset: koi8-r || body" },
    { request: "GET /etag-off", answer: "200 OK | ETag: \"x\" || body" },
    { request: "GET /", answer: `200 OK | X-Long: ${"y".repeat(3000)} || body`, name: "a long field" },
  ],
});

const statuses = [
  "200 OK", "200", "200 Fine", "201 Created", "202 Accepted", "203 Non-Authoritative Information", "204 No Content",
  "205 Reset Content", "206 Partial Content", "207 Multi-Status", "226 IM Used", "299 Own", "300 Multiple Choices",
  "301 Moved Permanently", "302 Found", "303 See Other", "304 Not Modified", "307 Temporary Redirect",
  "308 Permanent Redirect", "400 Bad Request", "401 Unauthorized", "402 Payment Required", "403 Forbidden",
    "404 Not Found",
  "404 Nothing here", "405 Method Not Allowed", "408 Request Timeout", "410 Gone", "413 Content Too Large",
  "416 Range Not Satisfiable", "418 I'm a teapot", "421 Misdirected Request", "429 Too Many Requests", "431 Too Large",
  "444 Own", "451 Unavailable", "499 Own", "500 Internal Server Error", "501 Not Implemented", "502 Bad Gateway",
  "503 Service Unavailable", "504 Gateway Timeout", "511 Own", "599 Own", "600 Own", "999 Own",
];

proxied({
  title: "statuses of answers",
  server: "location / { proxy_pass http://%UP%; }",
  differs: {
    "status-lines-without-a-phrase": ["GET / → 200 || body"],
    "lengths-of-204": ["HEAD / → 204 No Content | Content-Length: 10", "204 with a length of 0"],
  },
  cases: [
    ...statuses.map((status) => ({ request: "GET /",
      answer: `${status}${/^(?:204|304)/.test(status) ? "" : " || body"}` })),
    ...["200 OK", "204 No Content", "206 Partial Content", "304 Not Modified", "404 Not Found",
      "500 Own"].flatMap((status) => [
      { request: "HEAD /", answer: `${status} | Content-Length: 10` },
      { request: "HEAD /", answer: `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\n\r\n`,
        name: `HEAD, ${status} with chunks announced` },
      { request: "HEAD / HTTP/1.0", answer: `${status} | X: y` },
    ]),
    { request: "GET /", answer: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
      name: "204 with a length of 0" },
    { request: "GET /", answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\nETag: \"x\"\r\n\r\n",
    name: "304 with a length" },
    { request: "GET /", answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", name: "1.0 with a length" },
    { request: "GET /", answer: { steps: ["HTTP/1.0 200 OK\r\n\r\nok", { do: "end" }] }, name: "1.0 that ends" },
    { request: "GET /", answer: { steps: ["HTTP/1.1 200 OK\r\n\r\nok", { do: "end" }] }, name: "1.1 that ends" },
    { request: "GET / HTTP/1.0", answer: { steps: ["HTTP/1.1 200 OK\r\n\r\nok", { do: "end" }] },
    name: "1.1 that ends, to 1.0" },
    { request: "HEAD /", answer: "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\n\r\n", name: "HEAD without a framing" },
  ],
});

const inChunks = (parts: readonly string[], trailers: string = ""): string =>
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n" +
  parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("") + `0\r\n${trailers}\r\n`;

proxied({
  title: "framings of answers",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /unbuffered { proxy_buffering off; proxy_pass http://%UP%; }
    location /no-chunks { chunked_transfer_encoding off; proxy_pass http://%UP%; }
    location /small { proxy_buffer_size 1k; proxy_buffers 4 1k; proxy_busy_buffers_size 2k; proxy_pass http://%UP%; }
    location /memory { proxy_max_temp_file_size 0; proxy_buffers 8 4k; proxy_pass http://%UP%; }
  `,
  differs: { "known-lengths": ["no chunk from /no-chunks"] },
  cases: ["/", "/unbuffered", "/no-chunks", "/small", "/memory"].flatMap((path): readonly ProxyCase[] => [
    { request: `GET ${path}`, answer: inChunks(["abc", "defg"]), name: `chunks from ${path}` },
    { request: `GET ${path}`, answer: inChunks([]), name: `no chunk from ${path}` },
    { request: `GET ${path} HTTP/1.0`, answer: inChunks(["abc", "defg"]), name: `chunks from ${path} to 1.0` },
    { request: `HEAD ${path}`, answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      name: `chunks that HEAD has not, from ${path}` },
    { request: `GET ${path}`, answer: inChunks(["abc"], "X-Trailer: t\r\n"),
      name: `chunks and a trailer from ${path}` },
    { request: `GET ${path}`, answer: inChunks(["x".repeat(100_000), "y".repeat(50_000)]),
      name: `long chunks from ${path}` },
    { request: `GET ${path}`, answer: { steps: ["HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n",
      { many: 300_000 }] },
    name: `a long body from ${path}` },
    { request: `GET ${path}`, answer: { steps: ["HTTP/1.1 200 OK\r\nX: y\r\n\r\n", { many: 300_000 }, { do: "end" }] },
    name: `a long body without a length from ${path}` },
    { request: `GET ${path}`, answer: { steps: [{ bytewise: inChunks(["abc", "de"]) }] },
      name: `chunks byte by byte from ${path}` },
    { request: `GET ${path}`, answer: { steps: [{ bytewise: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc" }] },
    name: `byte by byte from ${path}` },
    { request: `GET ${path}`, answer: inChunks(["abc"]).replace("3\r\n", "003;ext=1\r\n"),
      name: `extensions of chunks from ${path}` },
    { request: `GET ${path}`, answer: inChunks(["abcdefghij"]).replace("a\r\n", "A\r\n"),
      name: `capitals in sizes from ${path}` },
  ]),
});

const long = "0123456789".repeat(20_000);
/** Where parts are taken of what the upstream sends whole. */
const forced = [
  "GET /force", "HEAD /force", "POST /force | Range: bytes=1-2 || abc", "HEAD /force | Range: bytes=1-2",
  "HEAD /force | Range: bytes=50-",
  ...["0-9", "0-0", "9-", "9-20", "10-", "-0", "-20", "1-2,4-5", "1-2,50-", "50-,60-", "2-1", "x", ""].map((range) =>
    `GET /force | Range: bytes=${range}`),
  "GET /force | Range: lines=1-2", "GET /force | Range: bytes=50- | If-Range: \"y\"",
  "GET /force | Range: bytes=1-2 | If-None-Match: \"x\"", "GET /force | Range: bytes=1-2 HTTP/1.0",
  ...["add", "always"].map((name) => `GET /force-more/${name} | Range: bytes=50-`),
  ...["add", "none", "sub", "after", "trailer", "unbuffered", "return", "return?r=1"].map((name) =>
    `GET /force-more/${name} | Range: bytes=1-2`),
  "GET /force-more/tag | Range: bytes=1-2 | If-Range: \"new\"",
  "GET /force-more/tag | Range: bytes=1-2 | If-Range: \"x\"",
];

proxied({
  title: "filters behind an upstream",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /sub { sub_filter up down; sub_filter_types *; proxy_pass http://%UP%; }
    location /force { proxy_force_ranges on; proxy_pass http://%UP%; }
    location /force-more {
      proxy_force_ranges on; proxy_pass http://%UP%;
      location /force-more/add { add_header X-A a; expires max; proxy_pass http://%UP%; }
      location /force-more/always { add_header X-A a always; proxy_pass http://%UP%; }
      location /force-more/tag { add_header ETag '"new"'; proxy_pass http://%UP%; }
      location /force-more/none { max_ranges 0; proxy_pass http://%UP%; }
      location /force-more/sub { sub_filter 4 four; sub_filter_types *; proxy_pass http://%UP%; }
      location /force-more/after { add_after_body /before; addition_types *; proxy_pass http://%UP%; }
      location /force-more/trailer { add_trailer T t; proxy_pass http://%UP%; }
      location /force-more/unbuffered { proxy_buffering off; proxy_pass http://%UP%; }
      location /force-more/return { if ($arg_r) { return 200 0123456789; } proxy_pass http://%UP%; }
    }
    location /add { addition_types *; add_before_body /before; proxy_pass http://%UP%/; }
    location /before { return 200 "before "; }
    location /limit { limit_rate 100k; proxy_pass http://%UP%; }
    location /proxy-limit { proxy_limit_rate 1m; proxy_pass http://%UP%; }
  `,
  differs: {
    "encoded-bodies-are-not-looked-through": [/^GET \/sub .*Content-Encoding/],
    "fields-of-416": [/^GET \/force-more\/always/],
    "ranges-of-other-methods": [/^POST \/force/],
  },
  cases: [
    { request: "GET /sub", answer: "200 OK || what is up up" },
    { request: "GET /sub", answer: inChunks(["what is u", "p up"]), name: "replaced over chunks" },
    { request: "GET /sub", answer: "200 OK | Content-Encoding: gzip || up" },
    { request: "HEAD /sub", answer: "200 OK | Content-Length: 9" },
    { request: "GET / | Range: bytes=1-2", answer: "200 OK || 0123456789" },
    { request: "GET / | Range: bytes=1-2", answer: "200 OK | Accept-Ranges: bytes || 0123456789" },
    { request: "GET / | Range: bytes=1-2", answer: "206 Partial Content | Content-Range: bytes 1-2/10 || 12" },
    { request: "GET / | Range: bytes=50-", answer: "416 Range Not Satisfiable | Content-Range: bytes */10 || no" },
    { request: "GET /force | Range: bytes=1-2", answer: "200 OK || 0123456789" },
    { request: "GET /force | Range: bytes=-3", answer: "200 OK | ETag: \"x\" || 0123456789" },
    { request: "GET /force | Range: bytes=1-2 | If-Range: \"x\"", answer: "200 OK | ETag: \"x\" || 0123456789" },
    { request: "GET /force | Range: bytes=1-2 | If-Range: \"y\"", answer: "200 OK | ETag: \"x\" || 0123456789" },
    { request: "GET /force | Range: bytes=50-", answer: "200 OK || 0123456789" },
    { request: "GET /force | Range: bytes=1-2", answer: inChunks(["0123456789"]), name: "a range of chunks" },
    ...forced.map((request) => ({ request, answer: "200 OK | ETag: \"x\" | Content-Type: text/own || 0123456789" })),
    ...["1-2", "99990-100009", "150000-", "-1", "200000-"].map((range) => ({
      request: `GET /force | Range: bytes=${range}`, answer: `200 OK || ${long}`, name: `${range} of a long body`,
    })),
    ...["1-2", "99990-100009", "200000-"].map((range) => ({
      request: `GET /force-more/unbuffered | Range: bytes=${range}`, answer: `200 OK || ${long}`,
      name: `${range} of a long body, unbuffered`,
    })),
    { request: "GET /force | Range: bytes=1-2", answer: "404 Not Found || 0123456789", name: "a range of an error" },
    { request: "GET /force | Range: bytes=1-2", answer: "206 Partial Content | Content-Range: bytes 4-7/8 || 4567",
      name: "a range of a range" },
    { request: "GET /force | Range: bytes=5-", answer: "200 OK | Accept-Ranges: none || 012", name: "none of it" },
    { request: "GET /force | Range: bytes=0-", answer: "200 OK | Accept-Ranges: none || 012", name: "all of it" },
    { request: "GET /force | Range: bytes=-1", answer: "200 OK || ", name: "a range of nothing" },
    { request: "GET / | If-None-Match: \"x\"", answer: "200 OK | ETag: \"x\" || body" },
    { request: "GET / | If-None-Match: \"y\"", answer: "200 OK | ETag: \"x\" || body" },
    { request: "GET / | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
      answer: "200 OK | Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT || body" },
    { request: "GET / | If-Match: \"y\"", answer: "200 OK | ETag: \"x\" || body" },
    { request: "POST / | If-None-Match: \"x\" || abc", answer: "200 OK | ETag: \"x\" || body" },
    { request: "GET /add", answer: "200 OK | Content-Type: text/plain || body" },
    { request: "GET /limit", answer: "200 OK || body" }, { request: "GET /proxy-limit", answer: "200 OK || body" },
  ],
});

const cut = (status: string): string => `HTTP/1.1 ${status}\r\n`;
const final = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

proxied({
  title: "informational answers",
  server: "proxy_read_timeout 1s; location / { proxy_pass http://%UP%; }",
  differs: {
    "informational-answers": [/then 200|^100/],
    "upgrades-that-nobody-asked-for": ["101 that nobody asked for"],
  },
  cases: [
    { request: "GET /", answer: `${cut("103 Early Hints")}Link: </a>; rel=preload\r\n\r\n${final}`,
      name: "103, then 200" },
    { request: "GET /", answer: `${cut("102 Processing")}\r\n${final}`, name: "102, then 200" },
    { request: "GET /", answer: `${cut("100 Continue")}\r\n${final}`, name: "100 that nobody asked for" },
    { request: "POST / | Expect: 100-continue || abc", answer: `${cut("100 Continue")}\r\n${final}`,
      name: "100 that was asked for" },
    { request: "GET /", answer: `${cut("100 Continue")}\r\n${cut("100 Continue")}\r\n${final}`, name: "100 twice" },
    { request: "GET /", answer: `${cut("199 Own")}X: y\r\n\r\n${final}`, name: "199, then 200" },
    { request: "GET /", answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    name: "101 that nobody asked for" },
  ],
});
