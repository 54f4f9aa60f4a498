// proxy_next_upstream: which answers and failures are tried elsewhere, and which requests may be. The first server is
// asked first, since the second is there for when it fails.
import { proxied, type ProxyCase } from "./proxied.ts";

const words = ["error", "timeout", "invalid_header", "http_500", "http_502", "http_503", "http_504", "http_403",
  "http_404", "http_429",
  "non_idempotent", "off"];
const statuses = ["200 X", "403 X", "404 X", "429 X", "500 X", "501 X", "502 X", "503 X", "504 X"];
const head = "HTTP/1.1 200 OK\r\n";
/** Failures, and how they are brought about. */
const failures: Readonly<Record<string, NonNullable<ProxyCase["answer"]>>> = {
  "an end": { steps: [{ do: "end" }] }, "a reset": { steps: [{ do: "reset" }] },
  "a close before the request is whole": { at: "connect", steps: [{ do: "close" }] },
  "no answer but words": { steps: ["nonsense\r\n\r\n", { do: "end" }] },
  "half a head": { steps: [`${head}X: y`, { do: "end" }] },
    "a bad length": { steps: [`${head}Content-Length: x\r\n\r\nok`, { do: "end" }] },
  "half a body": { steps: [`${head}Content-Length: 10\r\n\r\nok`, { do: "end" }] },
};
const methods = ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH", "PROPFIND", "LOCK"];
const told = `add_header X-Up "$upstream_status|$upstream_addr" always;`;
const location = (name: string, rest: string): string =>
  `location /${name}/ { ${told} ${rest} proxy_pass http://pair; }\n`;

proxied({
  title: "proxy_next_upstream",
  http: String.raw`
    upstream pair { server %UP% max_fails=0; server %UP2% max_fails=0 backup; }
    upstream refused { server 127.0.0.1:1 max_fails=0; server %UP2% max_fails=0 backup; }
    upstream both-refused { server 127.0.0.1:1 max_fails=0; server 127.0.0.1:2 max_fails=0 backup; }
    upstream alone { server %UP% max_fails=0; }
    upstream again { server %UP% max_fails=0; server %UP% max_fails=0; server %UP2% max_fails=0 backup; }
    upstream down { server %UP% down; server %UP2%; }
    upstream all-down { server %UP% down; server %UP2% down; }
    upstream fails { server %UP% max_fails=1 fail_timeout=60; server %UP2% backup; }
    upstream sockets { server unix:%PREFIX%/nobody max_fails=0; server unix:%SOCKET% max_fails=0 backup; }`,
  server: words.map((word) => location(word, `proxy_next_upstream ${word};`)).join("") +
    location("default", "") + location("all",
      `proxy_next_upstream error timeout invalid_header http_500 http_502 http_503
      http_504 http_403 http_404 http_429 non_idempotent;`) +
    location("idempotent", "proxy_next_upstream error timeout invalid_header http_500 http_503;") +
    location("slow", "proxy_read_timeout 300ms;") +
    location("slow-off", "proxy_read_timeout 300ms; proxy_next_upstream error;") +
    location("slow-all", "proxy_read_timeout 300ms; proxy_next_upstream timeout non_idempotent;") +
    location("one-try", "proxy_next_upstream http_500; proxy_next_upstream_tries 1;") +
    location("two-tries", "proxy_next_upstream http_500; proxy_next_upstream_tries 2;") +
    location("caught", "proxy_next_upstream http_500; proxy_intercept_errors on; error_page 500 =203 /own;") +
    location("unbuffered", "proxy_request_buffering off; proxy_next_upstream error http_500 non_idempotent;") +
    location("unbuffered-error", "proxy_request_buffering off;") + String.raw`
    location = /own { return 200 "own\n"; }
    location /refused/ { ${told} proxy_pass http://refused; }
    location /both-refused/ { ${told} proxy_pass http://both-refused; }
    location /alone/ { ${told} proxy_next_upstream error http_500; proxy_pass http://alone; }
    location /again/ { ${told} proxy_next_upstream error http_500; proxy_pass http://again; }
    location /down/ { ${told} proxy_pass http://down; }
    location /all-down/ { ${told} proxy_pass http://all-down; }
    location /fails/ { ${told} proxy_next_upstream error http_500; proxy_pass http://fails; }
    location /sockets/ { ${told} proxy_pass http://sockets; }`,
  differs: {
    "strict-answers": [/^(?:no answer but words|a bad length) to GET/, "words from both"],
    "reason-phrases": ["500 from both, /caught/"],
  },
  cases: [
    ...words.flatMap((word) => statuses.map((status) => ({ request: `GET /${word}/`,
      answer: `${status} | X-Which: first || body` }))),
    ...["default", "all", "error", "invalid_header", "off"].flatMap((place) => Object.entries(failures).map(([name,
      answer]): ProxyCase =>
      ({ request: `GET /${place}/`, answer, name: `${name} to GET /${place}/` }))),
    ...["default", "all", "idempotent"].flatMap((place) => methods.flatMap((method) => [
      { request: `${method} /${place}/`, answer: "500 X | X-Which: first" },
      { request: `${method} /${place}/`, answer: failures["an end"] ?? "",
        name: `an end without an answer to ${method} /${place}/` },
    ])),
    ...["POST", "GET", "PUT"].flatMap((method): readonly ProxyCase[] => ["idempotent", "all", "unbuffered",
      "unbuffered-error"].flatMap((place) => [
      { request: `${method} /${place}/ || abc`, answer: "500 X | X-Which: first || body" },
      { request: `${method} /${place}/ || abc`, answer: failures["an end"] ?? "",
        name: `an end to ${method} /${place}/ with a body` },
    ])),
    ...["GET", "POST"].flatMap((method) => ["slow", "slow-off", "slow-all"].map((place): ProxyCase =>
      ({ request: `${method} /${place}/`, answer: { steps: [] }, name: `silence to ${method} /${place}/` }))),
    { request: "GET /all/", answer: "500 X || a", second: "502 X || b", name: "both fail" },
    { request: "GET /all/", answer: "404 X || a", second: "503 X || b", name: "both fail otherwise" },
    { request: "GET /http_404/", answer: "404 X | X-A: 1 || a", second: "404 X | X-B: 2 || b", name: "404 from both" },
    { request: "GET /all/", answer: { steps: [{ do: "end" }] }, second: { steps: [{ do: "end" }] }, name: "both end" },
    { request: "GET /invalid_header/", answer: { steps: ["x\r\n\r\n", { do: "end" }] }, second: { steps: ["y\r\n\r\n",
      { do: "end" }] }, name: "words from both" },
    ...["one-try", "two-tries", "caught"].flatMap((place) => [
      { request: `GET /${place}/`, answer: "500 X || a" }, { request: `GET /${place}/`, answer: "500 X || a",
        second: "500 X || b", name: `500 from both, /${place}/` },
    ]),
    "GET /refused/", "POST /refused/ || abc", "PUT /refused/", "GET /both-refused/", "POST /both-refused/ || abc",
      "HEAD /both-refused/",
    { request: "GET /alone/", answer: "500 X || a" }, { request: "GET /alone/", answer: failures["an end"] ?? "",
      name: "an end of the only one" },
    { request: "GET /again/", answer: ["500 X || a", "500 X || b"] }, { request: "GET /again/", answer: ["500 X || a",
      "200 OK || b"], name: "the second of three" },
    "GET /down/", "GET /all-down/", "GET /sockets/", "POST /sockets/ || abc",
    { request: "GET /fails/", answer: "500 X || a", name: "one that fails once" },
    { request: "GET /fails/", answer: "200 OK || not asked", name: "and is left alone then" },
  ],
});
