// Connections: how long they live, several requests on one, 100 Continue, bounds and timeouts of bodies.
import { differential } from "./group.ts";

const get = (path: string, ...fields: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: site.test", ...fields].map((line) => `${line}\r\n`).join("") + "\r\n";
const post = (path: string, body: string, ...fields: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, "Host: site.test", `Content-Length: ${body.length}`, ...fields]
    .map((line) => `${line}\r\n`).join("") + `\r\n${body}`;
const last = "Connection: close";
/** A head that asks whether the body is wanted, and the body. */
const asking = (path: string, length: number = 3): readonly string[] => [
  `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n${last}\r\n\r\n`, "abc\r\n",
];
const chunked = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${last}\r\n\r\nf\r\n0123456789abcde\r\n0\r\n\r\n`;

/** Browsers of which keepalive_disable speaks, and some that are taken for them, or not. */
const agents = [
  "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
  "MSIE 3.0;", "MSIE 4.0;", "MSIE 5.0; SV1", "MSIE 7.0", "MSIE 66.0", "MSIE 6x00", "MSIE 6.", "MSIE 6.1",
  "MSIE 6.0 MSIE 7.0", "MSIE 7.0 MSIE 6.0", "SV1 MSIE 6.0", "MSIE 6.0 Opera 9", "MSIE 6.0 opera", "msie 6.0; x",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9) AppleWebKit/537 (KHTML, like Gecko) Version/7 Safari/537",
  "Safari/ Mac OS X", "Safari/ Mac OS X Opera", "Safari/ Mac OS X Chrome/", "Safari/ Mac OS X Gecko/", "Safari/",
  "Konqueror Safari/ Mac OS X", "MSIE Safari/ Mac OS X", "safari/ mac os x",
];

differential({
  title: "connections",
  atOnce: 16,
  files: { "f.txt": "file", "big.txt": "0123456789".repeat(100_000), "dir/": "" },
  http: String.raw`
    keepalive_timeout 2;
    lingering_timeout 1;
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      location /n { return 200 "$connection_requests $pipe $request_length\n"; }
      location /body { return 200 "$request_body|$content_length\n"; }
      location /small { client_max_body_size 10; return 200 "small\n"; }
      location /smallfile { client_max_body_size 10; alias %ROOT%/f.txt; }
      location /nolimit { client_max_body_size 0; return 200 "none\n"; }
      location /close { keepalive_timeout 0; return 200 "bye\n"; }
      location /told { keepalive_timeout 2 30; return 200 "told\n"; }
      location /errclose { return 400; }
      location /drop { return 444; }
      location /slow { limit_rate 300k; alias %ROOT%/big.txt; }
      location /disabled { keepalive_disable none; return 200 "x\n"; }
      location /disabled/safari { keepalive_disable safari; return 200 "x\n"; }
      location /disabled/both { keepalive_disable msie6 safari; return 200 "x\n"; }
    }
    server { listen 127.0.0.1:%PORT2%; root %ROOT%; keepalive_requests 2;
      location /n { return 200 "$connection_requests\n"; } }
    server { listen 127.0.0.1:%PORT3%; root %ROOT%; client_header_timeout 1; client_body_timeout 1; lingering_close off;
      location /body { alias %ROOT%/f.txt; } }
    server { listen 127.0.0.1:%PORT4%; root %ROOT%; client_header_buffer_size 256; large_client_header_buffers 2 1k;
      location / { return 200 "fits\n"; } }
    server { listen 127.0.0.1:%PORT5%; root %ROOT%; chunked_transfer_encoding off; keepalive_timeout 0; }
    server { listen 127.0.0.1:%PORT7%; root %ROOT%; server_tokens off; msie_padding off; }`,
  differs: {
    "keep-alive-field": ["what 1.1 is told of the connection"],
    "connection-options": ["Connection: closed"],
    "silent-statuses": ["a head that does not end to 3"],
    "continue-for-what-is-not-read": ["100-continue", "100-continue without a body"],
    "unknown-expectations": ["another expectation"],
    "oversized-heads": [
      "a field that does not to 4", "fields for three buffers of two to 4", "a cookie that does not to 4",
    ],
  },
  cases: [
    { request: get("/n") + get("/n") + get("/n", last), name: "three in one write" },
    { request: [get("/n"), get("/n"), get("/n", last)], name: "three after each other" },
    { request: get("/n") + get("/n", last), bare: /^Connection:.*$/gm, name: "what 1.1 is told of the connection" },
    { request: "GET /n HTTP/1.0 | Connection: keep-alive", bare: /^Connection:.*$/gm, name: "what 1.0 is told of it" },
    { request: get("/f.txt") + get("/n") + get("/f.txt", last), name: "files and texts in one write" },
    { request: get("/big.txt") + get("/n", last), name: "a large file, then another" },
    { request: post("/body", "abc") + get("/n", last), name: "a body, then another request" },
    { request: post("/f.txt", "abc") + get("/n", last), name: "a refused method with a body, then another request" },
    { request: post("/n", "x".repeat(100_000)) + get("/n", last),
    name: "an unread body of 100 kB, then another request",
      masks: [/(?<=^2 )[p.]/gm] },
    { request: post("/missing", "abc") + get("/n", last), name: "404 keeps the connection" },
    { request: get("/errclose") + get("/n", last), name: "400 closes the connection" },
    { request: get("/drop") + get("/n", last), name: "444 closes it without a word" },
    { request: get("/close") + get("/n"), name: "keepalive_timeout 0 closes" },
    { request: get("/told") + get("/n", last), name: "keepalive_timeout with a second time tells it" },
    { request: get("/told", last), name: "but not with Connection: close" },
    { request: "GET /told HTTP/1.0", name: "nor to 1.0" },
    { request: "GET /told HTTP/1.0 | Connection: keep-alive", name: "but to 1.0 that keeps alive" },
    { request: "GET /n HTTP/1.0 | Connection: keep-alive", name: "1.0 with keep-alive" },
    { request: "GET /n HTTP/1.0 | Connection: Keep-Alive, x", name: "1.0 with keep-alive among others" },
    { request: "GET /f.txt HTTP/1.0 | Connection: keep-alive", name: "1.0 with keep-alive, a file" },
    { request: get("/n"), name: "an idle connection is closed after keepalive_timeout" },
    { request: get("/n", "Connection: CLOSE") + get("/n"), name: "Connection: CLOSE" },
    { request: get("/n", "Connection: x, close") + get("/n"), name: "Connection: x, close" },
    { request: get("/n", "Connection: closed") + get("/n", last), name: "Connection: closed" },
    { request: get("/disabled", "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)") + get("/n", last),
    name: "an old browser" },
    { request: post("/n", "x", "User-Agent: Mozilla/4.0 (compatible; MSIE 5.5)") + get("/n"),
    name: "an older browser that posts" },
    { request: post("/disabled", "x", "User-Agent: Mozilla/4.0 (compatible; MSIE 5.5)") + get("/n", last),
    name: "an older browser that posts to who does not mind" },
    { request: get("/n", "User-Agent: Safari/ Mac OS X") + get("/n", last), name: "Safari" },
    { request: get("/disabled/safari", "User-Agent: Safari/ Mac OS X") + get("/n", last), name: "Safari, disabled" },
    ...agents.map((agent) => ({
      request: post("/disabled/both", "x", `User-Agent: ${agent}`) + get("/n", last), name: `posted by ${agent}`,
    })),
    { request: get("/n") + get("/n") + get("/n"), to: 2, name: "keepalive_requests 2" },
    { request: "GET /n HTTP/1.1\r\nHost: a\r\n", to: 3, name: "a head that does not end" },
    { request: "", to: 3, name: "nothing at all" },
    { request: "GET / HT", to: 3, name: "half a line" },
    { request: "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", to: 3,
    name: "a body that does not end" },
    { request: asking("/body"),
      name: "100-continue" },
    { request: asking("/f.txt"),
      name: "100-continue for a file" },
    { request: asking("/small", 30),
      name: "100-continue of too large a body" },
    { request: "GET /f.txt HTTP/1.1\r\nHost: site.test\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
    name: "100-continue without a body" },
    { request: "GET /n HTTP/1.1\r\nHost: site.test\r\nExpect: something\r\nConnection: close\r\n\r\n",
    name: "another expectation" },
    { request: "POST /n HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    name: "100-continue with 1.0" },
    { request: post("/small", "0123456789", last), name: "a body of exactly client_max_body_size" },
    { request: post("/small", "0123456789a", last), name: "a byte more" },
    { request: post("/smallfile", "0123456789a", last), name: "a byte more to a file" },
    { request: post("/smallfile", "0123456789", last), name: "exactly, to a file" },
    { request: post("/small", "x".repeat(200_000)) + get("/n", last), name: "much more" },
    { request: post("/nolimit", "x".repeat(2_000_000), last), name: "no bound at all" },
    { request: post("/n", "x".repeat(1_048_577), last), name: "a byte more than 1m" },
    { request: chunked("/small"),
      name: "chunks that are too large for a text" },
    { request: chunked("/smallfile"),
      name: "chunks that are too large for a file" },
    { request: get(`/${"x".repeat(900)}`, last), to: 4, name: "a line that fits into a large buffer" },
    { request: get(`/${"x".repeat(1100)}`, last), to: 4, name: "a line that does not" },
    { request: get("/", `X: ${"x".repeat(900)}`, last), to: 4, name: "a field that fits" },
    { request: get("/", `X: ${"x".repeat(1100)}`, last), to: 4, name: "a field that does not" },
    { request: get("/", ...Array.from({ length: 3 }, () => `X: ${"x".repeat(800)}`), last), to: 4,
    name: "fields for three buffers of two" },
    { request: get("/", `Cookie: ${"x".repeat(1100)}`, last), to: 4, name: "a cookie that does not" },
    { request: get("/f.txt"), to: 5, name: "without chunks: a file" },
    { request: get("/dir"), to: 7, name: "server_tokens off" },
    { request: get("/missing", last), to: 7, name: "server_tokens off in an error page" },
    { request: get("/slow", last), name: "limit_rate" }, { request: "HEAD /slow", name: "limit_rate and HEAD" },
    { request: `HEAD /f.txt HTTP/1.1\r\nHost: a\r\n\r\n${get("/n", last)}`, methods: ["HEAD", "GET"],
    name: "HEAD, then GET" },
    { request: get("/f.txt", "If-None-Match: *") + get("/n", last), name: "304, then another" },
    { request: get("/missing", "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0)", last), name: "an own page to MSIE" },
    { request: `${get("/n", last)}garbage`, name: "garbage after the last" },
    { request: `${get("/n")}garbage\r\n\r\n`, name: "garbage as the second" },
  ],
});
