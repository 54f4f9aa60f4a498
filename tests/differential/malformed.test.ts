// Requests that are none, or nearly: lines, versions, fields, framing. Where we are stricter than nginx, it has a name.
import { type Case, differential } from "./group.ts";

const crlf = "\r\n";
function raw(...lines: readonly string[]): string {
  return lines.map((line) => `${line}${crlf}`).join("");
}
const whole = (line: string, ...fields: readonly string[]): string =>
  raw(line, "Host: site.test", "Connection: close", ...fields, "");
const withLine = (line: string): string => whole(line);

const lines: readonly (string | Case)[] = [
  ...["GET / HTTP/1.1", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET\t/ HTTP/1.1", "GET /\tHTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET / HTTP/1.1  x", "get / HTTP/1.1", "Get / HTTP/1.1", "G3T / HTTP/1.1", "GE_T / HTTP/1.1", "GE-T / HTTP/1.1",
    "GE!T / HTTP/1.1",
    "GET / http/1.1", "GET / HTTP/1.2", "GET / HTTP/1.9", "GET / HTTP/1.10", "GET / HTTP/1.", "GET / HTTP/1",
    "GET / HTTP/.1",
    "GET / HTTP/01.1", "GET / HTTP/1.01", "GET / HTTP/0.9", "GET / HTTP/2.0", "GET / HTTP/3.0", "GET / HTTP/9.9",
    "GET / HTTP/1.1.1",
    "GET / HTTP/a.b", "GET / HTTPS/1.1", "GET / HTP/1.1", "GET / HTTP 1.1", "GET /x y HTTP/1.1", "GET", "GET ", "GET /",
    "GET / ", "POST /",
    "/ HTTP/1.1", "HTTP/1.1", "GET HTTP/1.1", "\0GET / HTTP/1.1", "GET /\0 HTTP/1.1", "GET / HTTP/1.1\0",
    "PRI * HTTP/2.0",
    "OPTIONS * HTTP/1.1", "OPTIONS / HTTP/1.1", "GET * HTTP/1.1", "CONNECT a.test:80 HTTP/1.1", "TRACE / HTTP/1.1",
    `${"A".repeat(100)} / HTTP/1.1`].map(withLine),
  "\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  "\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET / HTTP/1.1\nHost: a\nConnection: close\n\n",
  "GET / HTTP/1.1\r\nHost: a\nConnection: close\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\n",
  "GET / HTTP/1.1\rHost: a\r\rConnection: close\r\r", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
  "hello\r\n\r\n", "\r\n \r\n\r\n", "\x80\x80\x80\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n", "<?xml version=\"1.0\"?>\r\n\r\n",
];
const fields = [
  "X: y", "X:y", "X:  y  ", "X:\ty", "X : y", " X: y", "X", "X:", ":", ": y", "X y: z", "X\0: y", "X: \0y", "X: y\0",
  "X: a\x01b", "X: a\tb", "X: a\x7fb", "X: \xe9", "X_Y: z", "X.Y: z", "X/Y: z", "X(Y): z", "X\"Y: z", "X[Y: z",
  "X@Y: z", "\xe9: z", "-: z", "1: z", "X--: z", "X: a\r\n b", "X: a\r\n\tb", "X: a\rb", "X: a\nY: b", "X: a\n b",
  "X: a\r\r\nY: b", "X: a\r\n\r", "=: z", "X=Y: z", "X!#$%&'*+-.^`|~: z", `${"N".repeat(300)}: z`, "Connection: x",
  "Connection: keep-alive", "Connection: close, keep-alive", "Connection: upgrade | Upgrade: x", "Host: second",
  "Host:", "Content-Type:", "Content-Type: a | Content-Type: b", "Cookie: a | Cookie: b",
  "User-Agent: a | User-Agent: b", "Accept: a | Accept: b", "Authorization: a | Authorization: b",
  "If-Modified-Since: a | If-Modified-Since: b", "Range: a | Range: b", "Referer: a | Referer: b", "TE: gzip",
  "Trailer: X", "Expect: 100-continue", "Expect: other", "Expect: 100-CONTINUE", "Expect: ", "Keep-Alive: 300",
  "Upgrade: h2c | HTTP2-Settings: x | Connection: Upgrade, HTTP2-Settings", "Via: 1.0 x",
  "Transfer-Encoding: identity", "X-Forwarded-For: x",
];
const framings: readonly (readonly [fields: readonly string[], body: string])[] = [
  [["Content-Length: 0"], ""], [["Content-Length: 3"], "abc"], [["Content-Length: 2"], "abc"],
  [["Content-Length: +3"], "abc"], [["Content-Length: -1"], "abc"], [["Content-Length: 3 "], "abc"],
  [["Content-Length:3"], "abc"], [["Content-Length: 03"], "abc"], [["Content-Length: 0x3"], "abc"],
  [["Content-Length: 3,3"], "abc"], [["Content-Length: 3, 3"], "abc"], [["Content-Length: 3.0"], "abc"],
  [["Content-Length: "], "abc"], [["Content-Length: a"], "abc"], [["Content-Length: 3", "Content-Length: 3"], "abc"],
  [["Content-Length: 3", "Content-Length: 4"], "abcd"], [["Content-Length: 99999999999999999999"], ""],
  [["Content-Length: 9223372036854775807"], ""], [["Content-Length: 9223372036854775808"], ""],
  [["Content-Length: 3 3"], "abc"], [["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"],
  [["Transfer-Encoding: CHUNKED"], "3\r\nabc\r\n0\r\n\r\n"],
  [["Transfer-Encoding: chunked "], "3\r\nabc\r\n0\r\n\r\n"],
  [["Transfer-Encoding: gzip, chunked"], "3\r\nabc\r\n0\r\n\r\n"],
  [["Transfer-Encoding: chunked, chunked"], "3\r\nabc\r\n0\r\n\r\n"],
  [["Transfer-Encoding: chunked, identity"], "0\r\n\r\n"], [["Transfer-Encoding: "], "0\r\n\r\n"],
  [["Transfer-Encoding: xchunked"], "0\r\n\r\n"], [["Transfer-Encoding:\tchunked"], "0\r\n\r\n"],
  [["Transfer-Encoding: \"chunked\""], "0\r\n\r\n"], [["Transfer-Encoding: chunked;x=y"], "0\r\n\r\n"],
  [["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n"],
  [["Transfer-Encoding: chunked", "Content-Length: 3"], "0\r\n\r\n"],
  [["Content-Length: 3", "Transfer-Encoding: chunked"], "0\r\n\r\n"],
];
/** Bodies in chunks that both read. */
const chunks = [
  "3\r\nabc\r\n0\r\n\r\n", "03\r\nabc\r\n0\r\n\r\n", "3;ext\r\nabc\r\n0\r\n\r\n", "3;ext=\"v\"\r\nabc\r\n0\r\n\r\n",
  "3 \r\nabc\r\n0\r\n\r\n", "3 ; ext\r\nabc\r\n0\r\n\r\n", "a\r\n0123456789\r\n0\r\n\r\n",
  "A\r\n0123456789\r\n0\r\n\r\n", "3\nabc\n0\n\n", "3\r\nab\r\n0\r\n\r\n", "0\r\nX: y\r\n\r\n", "0\r\nX y\r\n\r\n",
  "0\r\nContent-Length: 5\r\n\r\n", "0;x\r\n\r\n", "00000000\r\n\r\n",
  "3\r\nabc\r\n0\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", `${"0".repeat(40)}3\r\nabc\r\n0\r\n\r\n`,
  `3;${"x".repeat(5000)}\r\nabc\r\n0\r\n\r\n`,
];
const brokenChunks = [
  " 3\r\nabc\r\n0\r\n\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "-1\r\nabc\r\n0\r\n\r\n", "g\r\nabc\r\n0\r\n\r\n",
  "\r\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "ffffffffffffffff\r\nabc", "10000000000000000\r\nabc",
  "7fffffffffffffff\r\nabc", "3\r\nabc0\r\n\r\n", "3\rabc\r0\r\r",
];
const inChunks = (body: string): string => `${whole("POST / HTTP/1.1", "Transfer-Encoding: chunked")}${body}`;
const withField = (field: string): string => whole("GET / HTTP/1.1", ...field.split(" | "));
const withFraming = (field: string): RegExp => new RegExp(`\n${field}\r\n`);
/** Names that are no tokens, and what is not there at all. */
const strangeNames = ["X", "X/Y: z", "X(Y): z", "X\"Y: z", "X[Y: z", "X@Y: z", "\xe9: z", "=: z", "X=Y: z"];


differential({
  title: "malformed requests",
  atOnce: 8,
  http: String.raw`
    client_header_timeout 1;
    client_body_timeout 1;
    lingering_timeout 1;
    server { listen 127.0.0.1:%PORT%; server_name site.test;
      location / { return 200 "$request_method|$uri|$http_x|$http_x_y|$server_protocol|$host\n"; }
      location /file { root %ROOT%; }
      location /length { return 200 "[$content_length]\n"; } }
    server { listen 127.0.0.1:%PORT2%; ignore_invalid_headers off; underscores_in_headers on;
      return 200 "$http_x|$http_x_y\n"; }
    server { listen 127.0.0.1:%PORT3%; underscores_in_headers on; return 200 "$http_x|$http_x_y\n"; }`,
  differs: {
    "strict-request-line": [
      ...["GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET / HTTP/1.10", "GET / HTTP/1.01"].map(withLine),
      /^A{100} /,
    ],
    "methods-of-tokens": ["G3T / HTTP/1.1", "GE!T / HTTP/1.1"].map(withLine),
    "minor-versions": ["GET / HTTP/1.2", "GET / HTTP/1.9"].map(withLine),
    "version-not-supported": ["GET / HTTP/0.9", "PRI * HTTP/2.0"].map(withLine),
    "http-0-9": [...["GET /", "GET / ", "POST /"].map(withLine), /^(?:GET|POST) \/(?:nothing)? ?\r\n$/],
    "bare-lf": [
      /^\nGET/, /^GET \/ HTTP\/1\.1\n/, /Host: a\nConnection/, /close\r\n\n$/,
      ...["X: a\nY: b", "X: a\r\r\nY: b"].map(withField),
    ],
    "strict-fields": [
      ...["X: a\x01b", "X: a\x7fb", ...strangeNames].map(withField),
      ...strangeNames.slice(1).flatMap((name) => [2, 3].map((to) => `${withField(name)} to ${to}`)),
    ],
    "tabs-around-values": [withField("X:\ty"), withFraming("Transfer-Encoding:\tchunked")],
    "fields-that-may-not-repeat": [
      ...["Content-Type: a | Content-Type: b", "Authorization: a | Authorization: b"].map(withField),
      withField("If-Modified-Since: a | If-Modified-Since: b"),
    ],
    "connection-options": [withField("Connection: keep-alive")],
    "unknown-codings": [
      withFraming("Transfer-Encoding: (?:identity|gzip, chunked|chunked, (?:chunked|identity)|xchunked|\"chunked\")"),
      withFraming("Transfer-Encoding: (?:chunked;x=y)?"),
    ],
    "large-numbers": [withFraming("Content-Length: 9223372036854775807")],
    "unknown-expectations": ["Expect: other", "Expect: "].map(withField),
    "continue-for-what-is-not-read": ["Expect: 100-continue", "Expect: 100-CONTINUE"].map(withField),
    "bodies-that-nobody-reads": [...brokenChunks.map(inChunks), "half a chunk to a file"],
    "content-length-of-chunks": [/^POST \/length/],
    "silent-statuses": [withLine("GET / HTTP/1.1").slice(0, 16), "nothing", "half a head", "nearly a head"],
    "oversized-heads": ["4,000 fields", "a field of 8,300 bytes", "40,000 bytes of fields"],
  },
  cases: [
    ...lines,
    ...fields.map(withField),
    ...fields.filter((field) => /^[^:]*[^\w:-]/.test(field) || field.includes("_")).flatMap((field) =>
      [2, 3].map((to) => ({ request: whole("GET / HTTP/1.1", field), to }))),
    ...framings.map(([each, body]) => `${whole("POST / HTTP/1.1", ...each)}${body}`),
    ...[...chunks, ...brokenChunks].map(inChunks),
    `${whole("POST /length HTTP/1.1", "Transfer-Encoding: chunked")}0\r\n\r\n`,
    ...["GET / HTTP/1.0", "POST / HTTP/1.0"].flatMap((line) => [
      `${whole(line, "Transfer-Encoding: chunked")}3\r\nabc\r\n0\r\n\r\n`, `${whole(line, "Content-Length: 3")}abc`,
    ]),
    "GET /\r\n", "GET /nothing\r\n", "GET / \r\n", "POST /\r\n", "GET / HTTP/1.1\r\n",
    { name: "nothing", request: "\r" }, { name: "half a head", request: "GET / HTTP/1.1\r\nHost: a\r\n" },
    { name: "nearly a head", request: "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" },
    { name: "half a body", request: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab" },
    { name: "half a body to a file", request: "POST /file HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab" },
    {
      name: "half a chunk to a file",
      request: "POST /file HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    },
    { name: "4,000 fields", request: whole("GET / HTTP/1.1", ...Array.from({ length: 4000 }, (_, n) => `X${n}: 1`)) },
    { name: "900 fields", request: whole("GET / HTTP/1.1", ...Array.from({ length: 900 }, (_, n) => `X${n}: 1`)) },
    { name: "a line of 8,300 bytes", request: whole(`GET /${"x".repeat(8300)} HTTP/1.1`) },
    { name: "a line of 8,000 bytes", request: whole(`GET /${"x".repeat(8000)} HTTP/1.1`) },
    { name: "a field of 8,300 bytes", request: whole("GET / HTTP/1.1", `X: ${"x".repeat(8300)}`) },
    { name: "a field of 8,000 bytes", request: whole("GET / HTTP/1.1", `X-Long: ${"x".repeat(8000)}`) },
    { name: "40,000 bytes of fields",
    request: whole("GET / HTTP/1.1", ...Array.from({ length: 10 }, () => `Y: ${"x".repeat(4000)}`)) },
  ],
});
