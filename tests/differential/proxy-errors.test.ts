// Answers that are errors, or send the request elsewhere, or are none at all.
import { proxied, type ProxyCase } from "./proxied.ts";

const statuses = ["300 X", "301 X", "302 X", "304 Not Modified", "400 X", "401 X", "403 X", "404 X", "405 X", "410 X",
  "413 X",
  "429 X", "499 X", "500 X", "502 X", "503 X", "504 X", "599 X"];

proxied({
  title: "proxy_intercept_errors and error_page",
  files: { "404.html": "own 404" },
  server: String.raw`
    root %ROOT%;
    location /passed { error_page 404 /404.html; proxy_pass http://%UP%; }
    location /caught { proxy_intercept_errors on; error_page 302 400 401 403 404 405 413 429 500 502 503 504 = /page;
      proxy_pass http://%UP%; }
    location /caught-same { proxy_intercept_errors on; error_page 401 404 502 /page; proxy_pass http://%UP%; }
    location /caught-file { proxy_intercept_errors on; error_page 404 /404.html; proxy_pass http://%UP%; }
    location /caught-status { proxy_intercept_errors on; error_page 404 500 =203 /page; proxy_pass http://%UP%; }
    location /caught-redirect { proxy_intercept_errors on; error_page 404 =301 http://h.test/x;
      error_page 500 http://h.test/y; proxy_pass http://%UP%; }
    location /caught-named { proxy_intercept_errors on; error_page 404 500 = @second; proxy_pass http://%UP%; }
    location /caught-upstream { proxy_intercept_errors on; error_page 404 500 /proxied; proxy_pass http://%UP%; }
    location /recursive { proxy_intercept_errors on; recursive_error_pages on; error_page 404 = @again;
      proxy_pass http://%UP%; }
    location @again { proxy_intercept_errors on; error_page 500 = @second; proxy_pass http://%UP%; }
    location /no-page { proxy_intercept_errors on; proxy_pass http://%UP%; }
    location /loop { proxy_intercept_errors on; recursive_error_pages on; error_page 404 /loop; proxy_pass http://%UP%;
      }
    location /added { proxy_intercept_errors on; add_header X-A 1 always; add_header X-Up $upstream_status always;
      error_page 404 /page; proxy_pass http://%UP%; }
    location = /page { internal; add_header X-Page "$uri $status $upstream_status"; return 200 "the page\n"; }
    location = /proxied { proxy_pass http://%UP2%; }
    location @second { proxy_set_header Connection ""; proxy_set_header X-First $upstream_status;
      proxy_pass http://%UP2%; }
  `,
  differs: {
    "reason-phrases": [/^GET \/caught-status → (?:404|500)/],
    "bodies-of-what-became-get": ["POST /caught-upstream || abc → 500 X || body"],
    "several-challenges": ["401 with two fields that is caught"],
  },
  cases: [
    ...["/passed", "/caught", "/caught-same", "/caught-status", "/no-page"].flatMap((path) =>
      statuses.map((status): ProxyCase =>
      ({ request: `GET ${path}`, answer: status.startsWith("304") ? status
        : `${status} | X-Up: 1 | Location: /l || body` }))),
    ...["/caught-file", "/caught-redirect", "/caught-named", "/caught-upstream", "/added"].flatMap((path) =>
      ["200 OK", "404 X", "500 X"].map((status) => ({ request: `GET ${path}`,
        answer: `${status} | X-Up: 1 || body` }))),
    { request: "HEAD /caught", answer: "404 X | Content-Length: 5" }, { request: "POST /caught || abc",
      answer: "404 X || body" },
    { request: "POST /caught-named || abc", answer: "404 X || body" }, { request: "HEAD /caught-named",
      answer: "404 X" },
    { request: "POST /caught-upstream || abc", answer: "500 X || body" },
    { request: "GET /caught-named", answer: "404 X || body", second: "404 X || second body",
      name: "a named place that fails, too" },
    { request: "GET /caught-upstream", answer: "404 X || body", second: "500 X || second body",
      name: "a place that fails, too" },
    { request: "GET /recursive", answer: ["404 X || a", "500 X || b"] , name: "error pages that fail in turn" },
    { request: "GET /loop", answer: "404 X || a", name: "error pages without end" },
    { request: "GET /caught-same", answer: "401 X | WWW-Authenticate: Basic realm=x || body",
      name: "401 that is caught" },
    { request: "GET /caught", answer: "401 X | WWW-Authenticate: Basic realm=x | WWW-Authenticate: Digest y || body",
    name: "401 with two fields that is caught" },
    { request: "GET /no-page", answer: "401 X | WWW-Authenticate: Basic realm=x || body", name: "401 without a page" },
    { request: "GET /caught-same", answer: "404 X | Set-Cookie: a=1 | Cache-Control: no-store || body",
      name: "what is left of 404" },
    { request: "GET /caught-same",
      answer: { steps: ["HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"] },
    name: "404 in chunks that is caught" },
    { request: "GET /caught-same", answer: { steps: ["HTTP/1.1 404 X\r\nContent-Length: 500000\r\n\r\n",
      { many: 500_000 }] },
    name: "a long 404 that is caught" },
  ],
});

proxied({
  title: "X-Accel-Redirect and its like",
  files: { "f.txt": "file", "d/x y.txt": "blank" },
  server: String.raw`
    root %ROOT%;
    location / { proxy_pass http://%UP%; }
    location /ignored { proxy_ignore_headers X-Accel-Redirect; proxy_pass http://%UP%; }
    location /ignored-passed { proxy_ignore_headers X-Accel-Redirect; proxy_pass_header X-Accel-Redirect;
      proxy_pass http://%UP%; }
    location /files/ { internal; alias %ROOT%/; add_header X-Files "$uri|$args|$upstream_http_x_custom"; }
    location /again/ { internal; proxy_pass http://%UP2%; }
    location /told/ { internal; return 200 "$uri $args $request_method $upstream_status\n"; }
    location /moved/ { internal; return 302 /elsewhere; }
    location @named { return 200 "named $uri $args\n"; }
    location /catching { proxy_intercept_errors on; error_page 404 /told/x; proxy_pass http://%UP%; }
  `,
  differs: {
    "accept-ranges-once": [/Accept-Ranges: none/],
    "bodies-of-what-became-get": [/^POST .*\/again\/x/],
    "charsets-that-nobody-listed": [/X-Accel-Charset: utf-8/],
  },
  cases: [
    ...["/files/f.txt", "/files/f.txt?a=b", "/files/d/x%20y.txt", "/files/d/x y.txt", "/files/none", "/files/../f.txt",
      "/files/%2e%2e/f.txt",
      "/files//f.txt", "/again/x%20y?z", "/told/x?y=%20", "/moved/", "@named", "@none", "", "relative",
        "http://h.test/x", "/told/#f", "/x",
    ].map((place): ProxyCase => ({ request: "GET /start?own=1",
      answer: [`200 OK | X-Accel-Redirect: ${place} | X-Custom: c || body`, "200 OK || up"],
      name: `X-Accel-Redirect: ${place}` })),
    ...["Content-Type: a/b", "Content-Disposition: attachment", "Set-Cookie: a=1 | Set-Cookie: b=2",
      "Cache-Control: no-store",
      "Expires: 0", "ETag: \"x\"", "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "X-Other: 1", "Content-Length: 4",
        "Accept-Ranges: none",
      "Content-Encoding: x", "Content-Language: de", "Location: /x", "Refresh: 1", "Server: up", "Vary: x",
    ].map((field): ProxyCase => ({ request: "GET /",
      answer: `200 OK | X-Accel-Redirect: /files/f.txt | ${field} || body` })),
    ...["201 Created", "204 No Content", "206 Partial Content", "302 Found", "404 X",
      "500 X"].map((status): ProxyCase =>
      ({ request: "GET /",
        answer: `${status} | X-Accel-Redirect: /files/f.txt${status.startsWith("204") ? "" : " || body"}` })),
    { request: "HEAD /", answer: "200 OK | X-Accel-Redirect: /files/f.txt" },
    { request: "POST / || abc", answer: "200 OK | X-Accel-Redirect: /files/f.txt || body" },
    { request: "POST / || abc", answer: "200 OK | X-Accel-Redirect: /again/x || body" },
    { request: "POST / || abc", answer: "200 OK | X-Accel-Redirect: /told/x || body" },
    { request: "GET / | Range: bytes=1-2", answer: "200 OK | X-Accel-Redirect: /files/f.txt || body" },
    { request: "GET / | If-None-Match: \"2ebca9e1-4\"", answer: "200 OK | X-Accel-Redirect: /files/f.txt || body" },
    { request: "GET /ignored", answer: "200 OK | X-Accel-Redirect: /files/f.txt || body" },
    { request: "GET /ignored-passed", answer: "200 OK | X-Accel-Redirect: /files/f.txt || body" },
    { request: "GET /catching", answer: "404 X | X-Accel-Redirect: /files/f.txt || body" },
    { request: "GET /catching", answer: "200 OK | X-Accel-Redirect: /files/none || body" },
    { request: "GET /", answer: "200 OK | X-Accel-Charset: utf-8 | Content-Type: text/plain || body" },
    { request: "GET /", answer: "200 OK | X-Accel-Limit-Rate: 1000000 || body" },
    { request: "GET /", answer: "200 OK | X-Accel-Limit-Rate: nonsense || body" },
    { request: "GET /", answer: "200 OK | X-Accel-Buffering: no || body" }, { request: "GET /",
      answer: "200 OK | X-Accel-Buffering: yes || body" },
    { request: "GET /files/f.txt" },
  ],
});

const head = "HTTP/1.1 200 OK\r\n";
/** What is wrong with an answer, and the answer. After it the upstream ends the connection. */
const bad: Readonly<Record<string, string>> = {
  "nothing": "", "half a status line": "HTTP/1.1 20", "no status line": "hello\r\n\r\n", "an empty line": "\r\n\r\n",
  "HTTP/2.0": "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2": "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1": "HTTP/1 200 OK\r\n\r\n",
  "no status": "HTTP/1.1 \r\n\r\n", "a status of two digits": "HTTP/1.1 20 OK\r\n\r\n",
    "a status of four digits": "HTTP/1.1 2000 OK\r\n\r\n",
  "a status that is none": "HTTP/1.1 abc OK\r\n\r\n", "a small h": "http/1.1 200 OK\r\n\r\n",
    "HTP": "HTP/1.1 200 OK\r\n\r\n",
  "a head that ends early": `${head}X: y\r\n`,
    "a field without a colon": `${head}Nonsense\r\nContent-Length: 2\r\n\r\nok`,
  "a field without a name": `${head}: x\r\nContent-Length: 2\r\n\r\nok`,
    "a blank before the colon": `${head}X : y\r\nContent-Length: 2\r\n\r\nok`,
  "a folded field": `${head}X: y\r\n z\r\nContent-Length: 2\r\n\r\nok`,
    "a bare LF": "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
  "a bare CR": `${head}X: a\rb\r\nContent-Length: 2\r\n\r\nok`,
    "a NUL": `${head}X: a\0b\r\nContent-Length: 2\r\n\r\nok`,
  "a length that is none": `${head}Content-Length: x\r\n\r\nok`,
    "a negative length": `${head}Content-Length: -1\r\n\r\nok`,
  "two lengths": `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    "two different lengths": `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`,
  "a list of lengths": `${head}Content-Length: 2, 2\r\n\r\nok`,
    "a length and chunks": `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "an unknown coding": `${head}Transfer-Encoding: gzip\r\n\r\nok`,
    "two codings": `${head}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "chunked twice": `${head}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  "chunks in 1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  "identity": `${head}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok`,
    "a huge length": `${head}Content-Length: 99999999999999999999\r\n\r\nok`,
  "a length with a sign": `${head}Content-Length: +2\r\n\r\nok`,
    "too long a head": `${head}X: ${"y".repeat(70_000)}\r\n\r\n`,
  "a status line that is too long": `HTTP/1.1 200 ${"y".repeat(70_000)}\r\n\r\n`,
  "a body that ends early": `${head}Content-Length: 10\r\n\r\nok`,
    "a body that is too long": `${head}Content-Length: 2\r\n\r\nok and more`,
  "chunks that end early": `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    "chunks without an end": `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`,
  "a size that is none": `${head}Transfer-Encoding: chunked\r\n\r\nxyz\r\nok\r\n0\r\n\r\n`,
  "a chunk that is longer": `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n`,
  "a chunk that is huge": `${head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nok\r\n`,
  "bytes behind chunks": `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nmore`,
  "a second answer": `${head}Content-Length: 2\r\n\r\nok${head}Content-Length: 2\r\n\r\nno`,
  "204 with a body": "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "304 with a body": "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\nok",
  "204 in chunks": "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
};

proxied({
  title: "answers that are none",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /unbuffered { proxy_buffering off; proxy_pass http://%UP%; }
    location /page { error_page 502 504 =203 /own; proxy_pass http://%UP%; }
    location = /own { return 200 "own\n"; }
    location /slow { proxy_read_timeout 500ms; proxy_pass http://%UP%; }
    location /slow-unbuffered { proxy_read_timeout 500ms; proxy_buffering off; proxy_pass http://%UP%; }
    location /refused { proxy_pass http://127.0.0.1:1; add_header X-Up "$upstream_status $upstream_addr" always; }
    location /no-socket { proxy_pass http://unix:%PREFIX%/nobody; }
  `,
  differs: {
    "strict-answers": [
      /^(?:no status(?: line)?|an empty line|HTTP\/[\d.]+|a status (?:of|that is none).*|a small h|HTP): GET/,
      /^(?:a field without a colon|a (?:negative|huge) length|a length (?:that is none|with a sign|and chunks)): GET/,
      /^(?:two (?:different )?lengths|a list of lengths|an unknown coding|two codings): GET/,
      /^(?:chunked twice|chunks in 1.0): GET/,
      /^(?:identity|a size that is none|a chunk that is (?:longer|huge)): GET/, "a page for an answer that is none",
    ],
    "lengths-of-204": [/^204 with a body/],
    "reason-phrases": ["a page for an end"],
    "what-came-is-sent": ["a reset within a body", "silence within the body"],
  },
  cases: [
    ...Object.entries(bad).flatMap(([name, text]): readonly ProxyCase[] => ["GET /", "GET /unbuffered"].map((request) =>
      ({ request, answer: { steps: [text, { do: "end" }] }, name: `${name}: ${request}` }))),
    { request: "HEAD /", answer: { steps: [`${head}Content-Length: 2\r\n\r\nok`, { do: "end" }] },
      name: "HEAD with a body" },
    { request: "GET /page", answer: { steps: ["nonsense\r\n\r\n", { do: "end" }] },
      name: "a page for an answer that is none" },
    { request: "GET /page", answer: { steps: [{ do: "end" }] }, name: "a page for an end" },
    { request: "GET /", answer: { steps: [{ do: "reset" }] }, name: "a reset" },
    { request: "GET /", answer: { at: "head", steps: [{ do: "close" }] }, name: "a close" },
    { request: "GET /", answer: { steps: [`${head}Content-Length: 9\r\n\r\nok`, { pauseMs: 100 }, { do: "reset" }] },
    name: "a reset within a body" },
    { request: "GET /slow", answer: { steps: [] }, name: "silence" },
    { request: "GET /slow", answer: { steps: ["HTTP/1.1 200 OK\r\nX:"] }, name: "silence within the head" },
    { request: "GET /slow", answer: { steps: [`${head}Content-Length: 9\r\n\r\nok`] },
      name: "silence within the body" },
    { request: "GET /slow-unbuffered", answer: { steps: [`${head}Content-Length: 9\r\n\r\nok`] },
      name: "silence within an unbuffered body" },
    { request: "GET /slow", answer: { steps: [`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n`] },
      name: "silence within chunks" },
    { request: "GET /", answer: { steps: [`${head}Content-Length: 2\r\n\r\no`, { pauseMs: 100 }, "k"] },
      name: "a pause within a body" },
    "GET /refused", "POST /refused || abc", "HEAD /refused", "GET /no-socket", "POST /no-socket || abc",
  ],
});
