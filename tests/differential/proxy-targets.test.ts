// Where proxy_pass sends a request: with and without a URI, in each kind of location, with variables, and how targets
// are written that came encoded.
import { proxied } from "./proxied.ts";

/** Each asks for the same things below another location. */
const tails = [
  "", "/", "/a", "/a/b?q=1", "/a%20b", "/a%2Fb", "/%41", "/a//b", "/a/./b/../c", "/%c3%a9", "/a+b", "/a%3Fb",
    "/a%23b?c%23d",
  "/a%25b", "/a;b=c,d", "/a?", "/a??b", "/a%22%3C%3E%5C%5E%60%7B%7C%7D", "/%7E", "/a:b@c!$&'()*", "/a?x=%41%20+é",
];
const below = (location: string): readonly string[] => tails.map((tail) => `GET ${location}${tail}`);

proxied({
  title: "proxy_pass in prefix locations",
  server: String.raw`
    location /none { proxy_pass http://%UP%; }
    location /slash/ { proxy_pass http://%UP%/; }
    location /short { proxy_pass http://%UP%/; }
    location /other { proxy_pass http://%UP%/other/place; }
    location /other/deeper/ { proxy_pass http://%UP%/d/; }
    location /query { proxy_pass http://%UP%/to?fixed=1; }
    location /encoded/ { proxy_pass http://%UP%/a%20b/; }
    location /blank/ { proxy_pass "http://%UP%/a b/"; }
    location ^~ /first/ { proxy_pass http://%UP%/caret/; }
    location = /exact { proxy_pass http://%UP%/was-exact; }
    location = /exact-none { proxy_pass http://%UP%; }
  `,
  differs: { "strict-target": [/é/] },
  cases: [
    ...below("/none"), ...below("/slash").slice(1), ...below("/other"),
    "GET /short", "GET /short/", "GET /short/a", "GET /shortened", "GET /other/deeper/x?y", "GET /query",
      "GET /query?a=b",
    "GET /query/x?a=b", "GET /encoded/x%20y", "GET /blank/x%20y", "GET /first/x", "GET /exact", "GET /exact?a=%20",
    "GET /exact-none?a=%20", "GET /%6eone/x", "GET //none", "GET /x/../none/%41", "GET /slash", "GET /slash?a=b",
    "POST /slash || abc", "HEAD /slash/x",
    "OPTIONS *", "GET /none HTTP/1.0", "GET http://h.test/slash/x?y", "GET http://h.test/none/%41?y",
  ],
});

proxied({
  title: "proxy_pass in other places",
  files: { "page.html": "page" },
  server: String.raw`
    root %ROOT%;
    location ~ ^/regex/ { proxy_pass http://%UP%; }
    location ~* ^/captured/(.*)$ { proxy_pass http://%UP%/to/$1; }
    location ~ ^/captured-query/(.*)$ { proxy_pass http://%UP%/to/$1$is_args$args; }
    location /if/ { if ($arg_x) { proxy_pass http://%UP%; } proxy_pass http://%UP2%; }
    location /limited/ { limit_except GET { proxy_pass http://%UP2%; } proxy_pass http://%UP%; }
    location /named/ { try_files /nothing @named; }
    location @named { proxy_pass http://%UP%; }
    location /rewritten/ { rewrite ^/rewritten/(.*)$ /new/$1 break; proxy_pass http://%UP%; }
    location /rewritten-uri/ { rewrite ^/rewritten-uri/(.*)$ /new/$1 break; proxy_pass http://%UP%/base/; }
    location /rewritten-args/ { rewrite ^/rewritten-args/(.*)$ /new?path=$1 break; proxy_pass http://%UP%; }
    location /no-args/ { rewrite ^/no-args/(.*)$ /new/$1? break; proxy_pass http://%UP%; }
    location /moved/ { rewrite ^/moved/(.*)$ /target/$1 last; }
    location /target/ { proxy_pass http://%UP%/t/; }
    location /set-args/ { set $args "own=1"; proxy_pass http://%UP%; }
    location /set-args-uri/ { set $args "own=1"; proxy_pass http://%UP%/x/; }
    location /outer/ { proxy_pass http://%UP%/outer-to/; location /outer/inner/ { proxy_pass http://%UP%/inner-to/; }
      location ~ \.php$ { proxy_pass http://%UP2%; } }
    location /page/ { error_page 404 = @named; }
    location /page-uri/ { error_page 404 /none/for404?x=y; }
    location /none/ { proxy_pass http://%UP%; }
    location /index/ { proxy_pass http://%UP%; index x; }
    location /try/ { try_files $uri /none/tried?a=b; }
    location /internal/ { internal; proxy_pass http://%UP%; }
    location /alias/ { alias %ROOT%/; proxy_pass http://%UP%; }
  `,
  differs: {
    "blanks-in-passed-targets": [/^GET \/captured(?:-query)?\/a%20b/],
    "bodies-of-what-became-get": ["POST /page-uri/ || abc"],
  },
  cases: [
    ...["/a%20b?c=%20", "/%2fa/..//x", "/"].flatMap((tail) => [
      "/regex", "/captured", "/captured-query", "/if", "/named", "/rewritten", "/rewritten-uri", "/rewritten-args",
      "/no-args", "/moved", "/set-args", "/set-args-uri", "/outer", "/outer/inner", "/page", "/page-uri", "/try",
    ].map((location) => `GET ${location}${tail}`)),
    "GET /if/?x=1", "GET /limited/", "POST /limited/ || abc", "GET /outer/x.php", "GET /internal/", "GET /alias/x",
    "GET /index/", "POST /page/ || abc", "POST /page-uri/ || abc", "HEAD /page-uri/x", "POST /named/ || abc",
  ],
});

proxied({
  title: "variables in proxy_pass",
  http: "upstream group { server %UP%; } map $arg_to $chosen { default %UP%; two %UP2%; }",
  server: String.raw`
    location /address/ { proxy_pass http://$chosen; }
    location /address-uri/ { proxy_pass http://$chosen/fixed; }
    location /request-uri/ { proxy_pass http://$chosen$request_uri; }
    location /uri/ { proxy_pass http://$chosen$uri; }
    location /uri-args/ { proxy_pass http://$chosen$uri$is_args$args; }
    location /group/ { set $name group; proxy_pass http://$name; }
    location /group-fixed/ { proxy_pass http://group; }
    location /group-uri/ { proxy_pass http://group/g/; }
    location /scheme/ { proxy_pass $scheme://$chosen; }
    location /whole/ { set $whole "http://%UP%/whole"; proxy_pass $whole; }
    location /bad/ { proxy_pass $arg_to; }
    location /bad-scheme/ { proxy_pass ftp$arg_none://$chosen; }
    location /query-only/ { proxy_pass http://$chosen?own=$arg_a; }
    location /socket/ { proxy_pass http://unix:%SOCKET%; }
    location /socket-uri/ { proxy_pass http://unix:%SOCKET%:/u/; }
    location /socket-variable/ { set $socket unix:%SOCKET%; proxy_pass http://$socket; }
    location /socket-variable-uri/ { set $socket unix:%SOCKET%; proxy_pass http://$socket:/v; }
    location /upper/ { proxy_pass HTTP://%UP%; }
    location /port-name/ { proxy_set_header Connection ""; proxy_set_header Host $proxy_host; proxy_pass http://group; }
    location /told/ { proxy_pass http://group;
      add_header X-Up "$upstream_addr $upstream_status $proxy_host $proxy_port"; }
    location /told-host/ { proxy_pass http://%UP%/;
      add_header X-Up "$proxy_host|$upstream_http_x_y|$upstream_cookie_c"; }
  `,
  differs: { "blanks-in-passed-targets": [/^GET \/uri(?:-args)?\/a%20b/] },
  cases: [
    ...["", "a%20b?c=%20", "%2fa/..//x", "?to=two"].flatMap((tail) => [
      "/address", "/address-uri", "/request-uri", "/uri", "/uri-args", "/group", "/group-fixed", "/group-uri",
    ].map((location) => `GET ${location}/${tail}`)),
    "GET /scheme/x", "GET /whole/x?y", "GET /bad/?to=http", "GET /bad/", "GET /bad-scheme/", "GET /query-only/x?a=1",
    "GET /socket/x%20y", "GET /socket-uri/x%20y?z", "GET /socket-variable/x%20y", "GET /socket-variable-uri/x",
      "GET /upper/x",
    "GET /port-name/", "GET /told/",
    { request: "GET /told-host/", answer: "200 OK | X-Y: z | Set-Cookie: c=1; Path=/ || x" },
  ],
});
