// Connections to upstreams: which are kept, which are used again, and what becomes of them when something is wrong;
// tunnels; answers that are passed on as they come.
import { proxied, type ProxyCase } from "./proxied.ts";

const get = (path: string, ...fields: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: site.test", ...fields].map((line) => `${line}\r\n`).join("") + "\r\n";
const last = "Connection: close";
/** Two requests after each other on one connection of the client. */
const twice = (path: string): readonly string[] => [get(path), get(path, last)];
const head = "HTTP/1.1 200 OK\r\n";

proxied({
  title: "kept connections",
  http: String.raw`
    upstream kept { server %UP%; keepalive 4; }
    upstream two-requests { server %UP%; keepalive 4; keepalive_requests 2; }
    upstream short { server %UP%; keepalive 4; keepalive_timeout 100ms; }
    upstream socket { server unix:%SOCKET%; keepalive 4; }
    upstream pair { server %UP% max_fails=0; server %UP2% max_fails=0 backup; keepalive 4; }`,
  server: String.raw`
    location /kept { proxy_pass http://kept; }
    location /1.0 { proxy_http_version 1.0; proxy_pass http://kept; }
    location /close { proxy_set_header Connection close; proxy_pass http://kept; }
    location /two-requests { proxy_pass http://two-requests; }
    location /short { proxy_pass http://short; }
    location /socket { proxy_pass http://socket; }
    location /pair { proxy_pass http://pair; }
    location /unbuffered { proxy_buffering off; proxy_request_buffering off; proxy_pass http://kept; }`,
  differs: {
    "kept-connections-of-1-0": ["answers of 1.0 that keep"],
    "kept-connections-that-ended": ["a kept one of two that ends when it is used again"],
  },
  cases: ([
    { request: twice("/kept"), name: "two on one" },
    { request: [get("/kept"), get("/kept"), get("/kept", last)], name: "three on one" },
    { request: get("/kept") + get("/kept", last), name: "two in one write" },
    { request: twice("/kept"), answer: "200 OK | Connection: keep-alive || up", name: "with keep-alive said" },
    { request: twice("/kept"), answer: ["200 OK | Connection: close | Content-Length: 2 || up", "200 OK || second"],
      name: "close said" },
    { request: twice("/kept"), answer: "HTTP/1.1 200 OK\r\nConnection: CLOSE\r\nContent-Length: 2\r\n\r\nok",
      name: "CLOSE said" },
    { request: twice("/kept"), answer: "HTTP/1.1 200 OK\r\nConnection: x, close\r\nContent-Length: 2\r\n\r\nok",
      name: "close among others" },
    { request: twice("/kept"), answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", name: "answers of 1.0" },
    { request: twice("/kept"), answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
      name: "answers of 1.0 that keep" },
    { request: twice("/kept"), answer: `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      name: "chunks" },
    { request: twice("/kept"), answer: `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n`,
      name: "chunks with a trailer" },
    { request: twice("/kept"), answer: { steps: [`${head}X: y\r\n\r\nok`, { do: "end" }] }, name: "ends" },
    { request: twice("/kept"), answer: "HTTP/1.1 204 No Content\r\n\r\n", name: "204" },
    { request: twice("/kept"), answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
      name: "304 with a length" },
    { request: twice("/kept"), answer: "404 Not Found || no", name: "404" },
    { request: twice("/kept"), answer: `${head}Content-Length: 2\r\n\r\nok!`, name: "a byte too much" },
    { request: twice("/kept"), answer: `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n!`,
      name: "a byte behind chunks" },
    { request: twice("/kept"), answer: { steps: [`${head}Content-Length: 2\r\n\r\nok`, { pauseMs: 50 },
      { do: "end" }] }, name: "kept, and then ended" },
    { request: [get("/kept"), `HEAD /kept HTTP/1.1\r\nHost: a\r\n\r\n`, get("/kept", last)], methods: ["GET", "HEAD",
      "GET"],
      answer: ["200 OK || up", `${head}Content-Length: 9\r\n\r\n`, "200 OK || up"], name: "HEAD between" },
    { request: [`POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc`, get("/kept", last)],
      name: "POST before" },
    { request: [get("/kept"), `POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc`],
      methods: ["GET"], name: "POST behind" },
    { request: [get("/kept"),
      `POST /kept HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n`],
      methods: ["GET"], name: "chunks behind" },
    { request: twice("/1.0"), name: "told in 1.0" }, { request: twice("/close"), name: "told close" },
    { request: [get("/two-requests"), get("/two-requests"), get("/two-requests", last)], name: "keepalive_requests 2" },
    { request: twice("/socket"), name: "a Unix socket" }, { request: twice("/pair"), name: "the first of two" },
    { request: twice("/pair"), answer: { steps: [{ do: "end" }] }, name: "the second of two" },
    { request: twice("/unbuffered"), name: "unbuffered" },
    { request: [get("/kept"), get("/kept", last)], answer: ["200 OK || up", { steps: [{ do: "end" }] },
      "200 OK || third"],
      name: "a kept one that ends when it is used again" },
    { request: [get("/pair"), get("/pair", last)], answer: ["200 OK || up", { steps: [{ do: "end" }] },
      "200 OK || third"],
      name: "a kept one of two that ends when it is used again" },
    { request: [get("/kept"), "POST /kept HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"],
      methods: ["GET"],
      answer: ["200 OK || up", { steps: [{ do: "end" }] }, "200 OK || third"], name: "POST on a kept one that ends" },
  ] satisfies readonly ProxyCase[]).map((each) => ({ ...each, connections: true })),
});

/** What is asked for, and what is said when it is granted. */
const upgrade = (path: string, more: string = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: site.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${more}\r\n`;
const switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-Up: 1\r\n\r\n";

proxied({
  title: "tunnels",
  server: String.raw`
    location / { proxy_set_header Connection $http_connection; proxy_set_header Upgrade $http_upgrade;
      proxy_read_timeout 1s; proxy_pass http://%UP%; }
    location /plain { proxy_read_timeout 1s; proxy_pass http://%UP%; }
    location /socket { proxy_set_header Connection upgrade; proxy_set_header Upgrade $http_upgrade;
      proxy_pass http://unix:%SOCKET%; }`,
  differs: { "hop-by-hop-fields": ["426 instead"] },
  cases: ([
    { request: upgrade("/"), answer: { steps: [switched, "hello", { do: "end" }] },
      name: "the upstream speaks and ends" },
    { request: upgrade("/"), answer: { steps: [`${switched}hello`, { do: "end" }] },
      name: "words in the packet of the head" },
    { request: [upgrade("/"), "ping"], answer: { steps: [switched, { until: /ping$/ }, "pong", { do: "end" }] },
      name: "ping and pong" },
    { request: [upgrade("/"), "a", "b"], answer: { steps: [switched, { until: /\na$/ }, "1", { until: /ab$/ }, "2",
      { do: "end" }] },
    name: "words by turns" },
    { request: `${upgrade("/")}early`, answer: { steps: [{ until: /early$/ }, switched, "late", { do: "end" }] },
      answerOnly: true,
    name: "words that come before 101" },
    { request: upgrade("/"), answer: "200 OK || no", name: "200 instead" }, { request: upgrade("/"),
      answer: "426 X | Upgrade: x || no", name: "426 instead" },
    { request: upgrade("/", "X: y\r\n"), answer: { steps: [switched, { many: 200_000 }, { do: "end" }] },
      name: "much" },
    { request: [upgrade("/"), `${"x".repeat(200_000)}!`], answer: { steps: [switched, { until: /!$/ }, "done",
      { do: "end" }] }, name: "much the other way" },
    { request: upgrade("/"), answer: { steps: [switched] }, name: "silence" },
    { request: upgrade("/"), answer: { steps: [switched, "bye", { do: "close" }] }, name: "a close" },
    { request: upgrade("/socket"), answer: { steps: [switched, "hello", { do: "end" }] }, name: "a Unix socket" },
    { request: upgrade("/plain"), answer: "200 OK || no", name: "fields that are not passed" },
    { request: "POST / | Connection: Upgrade | Upgrade: x || abc", answer: {
      steps: [switched.replace("websocket", "x"), "hello", { do: "end" }] }, name: "POST that upgrades" },
    { request: get("/", "Connection: upgrade, x", "Upgrade: TLS/1.3, other"),
      answer: { steps: [switched.replace("websocket", "other"), "hello", { do: "end" }] },
    name: "another protocol" },
  ] satisfies readonly ProxyCase[]),
});
