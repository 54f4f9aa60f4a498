// What of a target becomes the path: encodings, slashes, dots, NUL, queries, the absolute form, odd bytes.
import { differential } from "./group.ts";

const targets = [
  "/", "/a", "/a/", "//", "//a", "/a//b", "///a///b", "/a/./b", "/a/.", "/a/..", "/a/../b", "/a/b/../..", "/..", "/../",
  "/a/../..",
  "/../a", "/a/../../b", "/./", "/.", "/...", "/.../", "/a/.../b", "/.a", "/a.", "/a..", "/a/..b", "/a/b..",
  "/a/.b/../c", "/a/;/b",
  "/a;b", "/%61", "/%2e", "/%2E%2E/", "/a/%2e%2e/b", "/a/.%2e/b", "/a/%2e./b", "/a%2fb", "/a%2Fb", "/a%2f%2fb",
  "/a%2f..%2fb",
  "/%2f", "/%2f%2fa", "/a%5cb", "/a\\b", "/..%5c", "/%00", "/a%00b", "/a%00", "/%", "/%2", "/%2g", "/%zz", "/a%", "/%%",
  "/%25",
  "/%252e%252e", "/%25%32%65", "/%c0%ae%c0%ae/", "/%c3%a9", "/\xc3\xa9", "/\xe9", "/\xff", "/%ff", "/a%20b", "/a+b",
  "/%7f", "/%01",
  "/%0a", "/%0d%0a", "/a%0d%0aX: y", "/%09", "/a%3fb", "/a%3Fb?c", "/a?b", "/a?b?c", "/a?", "/?", "/??", "/a?%00",
  "/a?b%20c", "/a?../x",
  "/a#b", "/a?b#c", "/a%23b", "/#", "/a/%23/../b", "/~a", "/a/~", "/a:b", "/a@b", "/a&b", "/a=b", "/a,b", "/a'b",
  "/a\"b", "/a<b>",
  "/a`b", "/a{b}", "/a|b", "/a^b", "/a[b]", "/*", "*", "a", "a/b", "../a", "./a", "?a", "", "http://h.test/a",
  "http://h.test", "HTTP://H.test/a",
  "http://h.test:80/a", "http://h.test:/a", "http://h.test?x", "http://h.test:99?x", "https://h.test/a",
  "ftp://h.test/a", "http://",
  "http:///a", "http:/a", "http:a", "http://h.test//a", "http://user@h.test/a", "http://[::1]/a", "http://[::1",
  "http://h_x.test/a",
  "http://h.test/../a", "http://h.test#a", "x://h/a", "h2c+x://h/a", "1x://h/a", "/a/b/c/../../../d", "/a/./././b",
  "/a/b/.//../c",
  "/a/%2E/b", "/%2e%2e%2f%2e%2e%2fetc", "/a%2f%2e%2e%2f%2e%2e", "/nul%00.html", "/a/b%2f../c", "/over%e0%80%af",
  "/%u002e", "/%e2%80%ae",
  "/\x7f", "/a\tb", "/a\x01b", "/a b", "/a  b", "//h.test/a", "/http://h.test/", `/${"a".repeat(2000)}`,
  `/${"../".repeat(100)}x`,
  `/${"%61".repeat(500)}`, `/${"/".repeat(500)}x`, "/a?x=http://y/../z", "/%2e/%2e/%2e", "/a/..;/b", "/..;/",
  "/a/%2e%2e;/b",
];

differential({
  title: "targets and paths",
  files: { "a": "a", "b": "b", "index.html": "index", "a b": "blank", "nul": "nul", "é": "accent", "etc": "etc" },
  http: String.raw`
    server {
      listen 127.0.0.1:%PORT%;
      return 200 "$uri|$args|$request_uri|$host|$http_host\n";
    }
    server {
      listen 127.0.0.1:%PORT2%;
      merge_slashes off;
      return 200 "$uri|$args|$request_uri\n";
    }
    server { listen 127.0.0.1:%PORT3%; root %ROOT%; }
    server { listen 127.0.0.1:%PORT4%; location / { rewrite ^/(.*)$ /r/$1; return 301 $uri; } }
    server { listen 127.0.0.1:%PORT5%; merge_slashes off; location /a//b { return 200 "double\n"; }
      location / { return 200 "other\n"; } }`,
  differs: {
    "strict-target": [/[\x80-\xff]/, /^GET \/[^?]*#/, "GET /a?b#c", /^GET (?:ftp|x|h2c\+x):/],
    "absolute-form-host": [/^GET (?:HTTP|https?):\/\/(?:h\.test|H\.test|\[::1\])(?:[:?/][^.# ]*)?$/],
    "underscore-in-authority": [/^GET http:\/\/h_x/],
    "control-bytes-in-fields": ["GET /%7f%80 to 4"],
  },
  cases: [
    ...targets.map((target) => `GET ${target}`),
    ...targets.filter((target) => /\/\/|\.\.|%2f|%00/i.test(target)).flatMap((target) =>
      [2, 3].map((to) => ({ request: `GET ${target}`, to }))),
    ...["/a%20b", "/%3f", "/%25", "/%23", "/%c3%a9", "/%2b", "/a+b", "/%26", "/%3b", "/%22%27", "/%0a", "/%7f%80",
      "/:@!$&'()*+,;="]
      .map((target) => ({ request: `GET ${target}`, to: 4 })),
    { request: "GET /a//b", to: 5 }, { request: "GET /a/b", to: 5 }, { request: "GET /a%2f/b", to: 5 },
  ],
});
