// uwsgi_pass and fastcgi_pass: what the application's server is told, and what becomes of its answers.
import { type Answer, proxied, type ProxyCase } from "./proxied.ts";
import { fastCgiAnswer } from "../support/cgi-peer.ts";

const chunked = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\n` +
  "Connection: close\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n";
const long = "0123456789".repeat(20_000);
const ok = "Content-Type: text/plain\r\n\r\nup";
const head = "Status: 200 OK\r\nContent-Type: text/plain\r\n";

/** What the two modules have in common. */
const common = (name: "uwsgi" | "fastcgi"): string => {
  const usual = ["QUERY_STRING $query_string", "REQUEST_METHOD $request_method", "CONTENT_TYPE $content_type",
    "CONTENT_LENGTH $content_length", "REQUEST_URI $request_uri", "DOCUMENT_URI $document_uri",
    "SERVER_PROTOCOL $server_protocol", "HTTPS $https if_not_empty", "REMOTE_ADDR $remote_addr",
      "SERVER_PORT $server_port",
  ].map((each) => `${name}_param ${each};`).join(" ");
  const pass = `${name}_pass %UP%;`;
  return `
    ${usual} ${name}_read_timeout 1s;
    location / { ${pass} }
    location /socket/ { ${name}_pass unix:%SOCKET%; }
    location /own/ { ${usual} ${name}_param OWN "a $arg_a z"; ${name}_param EMPTY "";
      ${name}_param GONE $arg_none if_not_empty;
      ${name}_param HTTP_X_CLIENT own; ${name}_param HTTP_PROXY ""; ${pass} }
    location /twice/ { ${usual} ${name}_param TWO 1; ${name}_param TWO 2; ${pass} }
    location /only/ { ${name}_param ONLY this; ${pass} }
    location /no-fields/ { ${name}_pass_request_headers off; ${pass} }
    location /no-body/ { ${name}_pass_request_body off; ${usual} ${name}_param CONTENT_LENGTH ""; ${pass} }
    location /unbuffered/ { ${name}_request_buffering off; ${name}_buffering off; ${pass} }
    location /hide/ { ${name}_hide_header X-Custom; ${name}_pass_header X-Accel-Expires; ${pass} }
    location /caught/ { ${name}_intercept_errors on; error_page 404 500 =203 /page; ${pass} }
    location /force/ { ${name}_force_ranges on; ${pass} }
    location /next/ { ${name}_next_upstream error http_500 http_404; ${name}_pass pair; }
    location /variable/ { set $where %UP%; ${name}_pass $where; }
    location /rewritten/ { rewrite ^/rewritten/(.*)$ /new/$1?a=b break; ${pass} }
    location = /page { return 200 "page\\n"; }
    location /files/ { internal; return 200 "file $uri\\n"; }`;
};

/** Requests and answers that say the same in both protocols. */
const cases = (answered: (text: string) => string): readonly (string | ProxyCase)[] => {
  const plain = (text: string): Answer => ({ steps: [answered(text), { do: "end" }] });
  return [
    "GET /", "GET /a%20b/c%2fd?e=%20f", "GET //x/../y", "HEAD /", "POST / || abc", "PUT /x || 12345", "OPTIONS /",
      "DELETE /",
    "GET / HTTP/1.0", "POST / | Content-Length: 0", "POST / | Content-Type: text/own || abc",
    { request: chunked("/"), name: "chunks" }, { request: `POST / || ${long}`, name: "a long body" },
    { request: chunked("/unbuffered/"), name: "chunks, unbuffered" },
    { request: `POST /unbuffered/ || ${long}`, name: "a long body, unbuffered" },
    "GET / | X-Client: 1 | Accept: a, b | Cookie: c=d", "GET / | x-lower: 1 | X-UPPER-Case: 2",
      "GET / | X-A: 1 | X-A: 2",
    "GET / | Proxy: http://evil", "GET / | Content-Type: a/b", "GET / | Authorization: Basic eDp5",
      "GET / | Host: other:81",
    "GET / | X-Long: " + "y".repeat(3000), "GET / | TE: trailers | Upgrade: h2c", "GET / | Empty:", "GET / | X.Dot: 1",
    "GET /socket/x", "GET /own/?a=1", "GET /own/ | X-Client: theirs | Proxy: evil", "GET /twice/", "GET /only/ | X: y",
    "GET /no-fields/ | X: y", "POST /no-body/ || abc", "GET /variable/x", "GET /rewritten/x",
      "POST /rewritten/x || abc",
    ...["200 OK", "201 Created", "204 No Content", "206 Partial Content", "301 Moved", "302 Found", "304 Not Modified",
      "400 X", "404",
      "404 Not Found", "418 X", "500 Own", "503 X", "599 X"].map((status) => ({ request: "GET /",
        answer: `${status} || body` })),
    ...["Location: /x", "Location: http://site.test/x", "Set-Cookie: a=1 | Set-Cookie: b=2", "Server: up", "Date: x",
      "X-Powered-By: PHP",
      "X-Accel-Redirect: /files/x", "X-Accel-Expires: 1", "Content-Length: 4", "ETag: \"x\"", "Connection: close",
        "Keep-Alive: 1",
      "Content-Encoding: gzip", "Refresh: 1", "Cache-Control: no-store", "WWW-Authenticate: Basic", "Expires: 0",
        "X-Empty:",
    ].map((field) => ({ request: "GET /", answer: `200 OK | ${field} || body` })),
    ...["/hide/", "/caught/"].flatMap((path) => ["200 OK", "404 X", "500 X"].map((status) =>
      ({ request: `GET ${path}`, answer: `${status} | X-Custom: 1 | X-Accel-Expires: 0 || body` }))),
    ...["200 OK", "404 X", "500 X", "503 X"].map((status) => ({ request: "GET /next/", answer: `${status} || body` })),
    { request: "POST /next/ || abc", answer: "500 X || body" },
    { request: "GET /next/", answer: { steps: [{ do: "end" }] }, name: "an end, and the next" },
    { request: "GET / | Range: bytes=0-1", answer: "200 OK || body" }, { request: "HEAD /",
      answer: "200 OK | Content-Length: 9" },
    ...["bytes=1-2", "bytes=9-", "bytes=0-0,2-2"].map((range) =>
      ({ request: `GET /force/ | Range: ${range}`, answer: "200 OK | Content-Length: 4 || body" })),
    { request: "GET /force/ | Range: bytes=1-2", answer: "200 OK || body", name: "a range of an unknown length" },
    { request: "GET / | If-None-Match: \"x\"", answer: "200 OK | ETag: \"x\" || body" },
    { request: "GET /", answer: plain("HTTP/1.1 404 Own\r\nX: y\r\n\r\nbody"), name: "a status line" },
    { request: "GET /", answer: plain(head.replaceAll("\r", "") + "\nup"), name: "lines that end in LF" },
    { request: "GET /", answer: plain(`${head}Content-Length: 9\r\n\r\nup`), name: "a body that ends early" },
    { request: "GET /", answer: plain(`${head}Content-Length: 1\r\n\r\nup`), name: "a body that is too long" },
    { request: "GET /", answer: plain("nonsense\r\n\r\nup"), name: "a head that is none" },
    { request: "GET /", answer: plain(""), name: "nothing" }, { request: "GET /", answer: plain("X: y\r\n"),
      name: "half a head" },
    { request: "GET /", answer: plain("Status: abc\r\n\r\nup"), name: "a status that is none" },
    { request: "GET /", answer: plain("\r\nup"), name: "a head without fields" },
    { request: "GET /", answer: plain(`${head}X: ${"y".repeat(70_000)}\r\n\r\nup`), name: "too large a head" },
    { request: "GET /", answer: plain(`${head}\r\n${"x".repeat(200_000)}`), name: "a long answer" },
    { request: "GET /unbuffered/", answer: plain(`${head}\r\n${"x".repeat(200_000)}`),
      name: "a long answer, unbuffered" },
    { request: "GET / HTTP/1.0", answer: plain(ok), name: "to 1.0" },
    { request: "GET /", answer: { steps: [] }, name: "silence" }, { request: "GET /",
      answer: { steps: [{ do: "reset" }] }, name: "a reset" },
    { request: "GET /", answer: { steps: [{ bytewise: answered(ok) }, { do: "end" }] }, name: "byte by byte" },
  ];
};

/** Of both. */
const differs = {
  "http-host-param": ["GET / HTTP/1.0", "to 1.0", "GET /no-fields/ | X: y"],
  "params-of-no-use": ["chunks", "chunks, unbuffered", "GET / | Proxy: http://evil"],
  "repeated-params-are-joined": ["GET / | X-A: 1 | X-A: 2"],
  "reason-phrases": [/^GET \/caught\/ → (?:404|500)/],
  "strict-answers": ["a head that is none", "a head without fields"],
};

proxied({
  title: "uwsgi_pass",
  speaks: "uwsgi",
  http: "upstream pair { server %UP% max_fails=0; server %UP2% max_fails=0 backup; }",
  server: `${common("uwsgi")}
    location /modifiers/ { uwsgi_modifier1 5; uwsgi_modifier2 7; uwsgi_pass %UP%; }
    location /scheme/ { uwsgi_pass uwsgi://%UP%; }`,
  differs: {
    ...differs,
    "status-field": [
      /^GET \/(?:hide\/)? .*→ (?!200|404 \|\|)\d+ /, /^(?:GET|POST) \/next\/ .*→ 503/,
      "POST /next/ || abc → 500 X || body", "GET / → 404 || body", "lines that end in LF",
      /^a (?:body that ends early|body that is too long|long answer)/,
    ],
  },
  cases: [...cases((text) => text), "GET /modifiers/", "GET /scheme/"],
});

proxied({
  title: "fastcgi_pass",
  speaks: "fastcgi",
  files: { "f.php": "" },
  http: `upstream pair { server %UP% max_fails=0; server %UP2% max_fails=0 backup; }
    upstream kept { server %UP%; keepalive 2; }`,
  server: `${common("fastcgi")}
    root %ROOT%;
    location /index/ { fastcgi_index index.php; fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param SCRIPT_NAME $fastcgi_script_name; fastcgi_pass %UP%; }
    location ~ \\.php { fastcgi_split_path_info ^(.+?\\.php)(/.*)?$;
      fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
      fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_param PATH_TRANSLATED $document_root$fastcgi_path_info;
      fastcgi_pass %UP%; }
    location /kept/ { fastcgi_keep_conn on; fastcgi_pass kept; }
    location /catch/ { fastcgi_catch_stderr "Fatal"; fastcgi_pass %UP%; }`,
  differs: {
    ...differs,
    "strict-answers": [...differs["strict-answers"], "half a last record"],
    "status-lines-without-a-phrase": ["GET / → 404 || body"],
    "status-lines-of-scripts": ["a status line"],
  },
  cases: [
    ...cases(fastCgiAnswer), "GET /index/", "GET /index/x", "GET /index/x/", "GET /f.php", "GET /f.php/a/b?c",
      "GET /x/f.php/",
    "GET /f.phpx", "GET /kept/",
    { request: ["GET /kept/ HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /kept/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
      answer: { steps: [fastCgiAnswer(ok)] }, name: "two on a kept connection", connections: true },
    { request: "GET /", answer: { steps: [fastCgiAnswer(ok, { stderr: "a warning" }), { do: "end" }] },
      name: "words on the error stream" },
    { request: "GET /", answer: { steps: [fastCgiAnswer(ok, { status: 1 }), { do: "end" }] },
      name: "an application that failed" },
    { request: "GET /catch/", answer: { steps: [fastCgiAnswer(ok, { stderr: "PHP Fatal error" }), { do: "end" }] },
      name: "a fatal word" },
    { request: "GET /catch/", answer: { steps: [fastCgiAnswer(ok, { stderr: "PHP warning" }), { do: "end" }] },
      name: "another word" },
    { request: "GET /", answer: { steps: [fastCgiAnswer("", { stderr: "Primary script unknown" }), { do: "end" }] },
      name: "words only" },
    { request: "GET /", answer: { steps: [fastCgiAnswer(ok).slice(0, -8), { do: "end" }] },
      name: "half a last record" },
    { request: "GET /", answer: { steps: [`\x02${fastCgiAnswer(ok).slice(1)}`, { do: "end" }] },
      name: "another version of FastCGI" },
    { request: "GET /", answer: { steps: ["HTTP/1.1 200 OK\r\n\r\n", { do: "end" }] }, name: "HTTP instead" },
  ],
});
