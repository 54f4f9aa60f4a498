// add_header, add_trailer, expires, and what is inherited.
import { differential } from "./group.ts";

/** Dates that are counted from now: one second more or less is chance. */
const now = [/(?<=expires: )[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT/gi, /(?<=max-age=)\d{4,}/g];
const expired = (paths: readonly string[]): { request: string; masks: RegExp[] }[] =>
  paths.map((path) => ({ request: `GET ${path}`, masks: now }));

differential({
  title: "add_header, add_trailer, expires",
  files: { "f.txt": "file", "f.html": "html", "f.css": "css", "sub/x": "x" },
  http: String.raw`
    types { text/plain txt; text/html html; text/css css; }
    add_header X-Http http;
    map $sent_http_content_type $by_type { default off; text/css max; ~image/ 1h; text/html epoch; text/plain 5m; }
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      location /inherit { return 200 ""; }
      location /own { add_header X-Own $uri; return 200 ""; }
      location /always { add_header X-Always a always; add_header X-Never b; return 404 ""; }
      location /empty { add_header X-Empty ""; add_header X-Var "$arg_none"; return 200 ""; }
      location /twice { add_header X-Two 1; add_header X-Two 2; return 200 ""; }
      location /date { add_header Last-Modified "Mon, 01 Jan 2001 00:00:00 GMT"; alias %ROOT%/f.txt; }
      location /nodate { add_header Last-Modified ""; alias %ROOT%/f.txt; }
      location /etag { add_header ETag "own"; alias %ROOT%/f.txt; }
      location /cc { add_header Cache-Control no-cache; add_header Cache-Control private; expires 1h; return 200 ""; }
      location /cc2 { expires -1; add_header Cache-Control "public"; return 200 ""; }
      location /link { add_header Link "</a>; rel=preload"; add_header Link "</b>"; return 200 ""; }
      location /vary { add_header Vary Accept; return 200 ""; }
      location /location { add_header Location /elsewhere; return 200 ""; }
      location /type { add_header Content-Type text/own; alias %ROOT%/f.txt; }
      location /server { add_header Server own; return 200 ""; }
      location /nested/ { add_header X-A 1; location /nested/in/ { return 200 "";
        } location /nested/own/ { add_header X-B 1;
        return 200 ""; } if ($arg_if) { add_header X-If 1; return 200 "if"; } return 200 ""; }
      location /sent { add_header X-Type "$sent_http_content_type"; add_header X-Len "$sent_http_content_length";
        add_header X-Mod "$sent_http_last_modified"; alias %ROOT%/f.txt; }
      location /200 { add_header X-C 1; return 200 ""; }
      location /201 { add_header X-C 1; return 201 ""; }
      location /204 { add_header X-C 1; return 204; }
      location /206 { add_header X-C 1; alias %ROOT%/f.txt; }
      location /301 { add_header X-C 1; return 301 /x; }
      location /303 { add_header X-C 1; return 303 /x; }
      location /304 { add_header X-C 1; expires 1h; alias %ROOT%/f.txt; }
      location /307 { add_header X-C 1; return 307 /x; }
      location /308 { add_header X-C 1; return 308 /x; }
      location /400 { add_header X-C 1; return 400 ""; }
      location /403 { add_header X-C 1; return 403 ""; }
      location /500 { add_header X-C 1 always; expires 1h; return 500 ""; }
      location /e/1h { expires 1h; return 200 ""; }
      location /e/-1 { expires -1; return 200 ""; }
      location /e/-30m { expires -30m; return 200 ""; }
      location /e/0 { expires 0; return 200 ""; }
      location /e/epoch { expires epoch; return 200 ""; }
      location /e/max { expires max; return 200 ""; }
      location /e/off { expires off; return 200 ""; }
      location /e/modified { expires modified 1h; alias %ROOT%/f.txt; }
      location /e/modifiednone { expires modified 1h; return 200 ""; }
      location /e/daily { expires @23h59m; return 200 ""; }
      location /e/var { expires $arg_e; return 200 ""; }
      location /e/map/ { alias %ROOT%/; expires $by_type; }
      location /e/mod { expires modified -24h; alias %ROOT%/f.txt; }
      location /trailer { add_trailer X-T 1; add_trailer X-U "$uri" always; alias %ROOT%/f.txt; }
      location /trailer404 { add_trailer X-T 1; add_trailer X-U 2 always; return 404 "text"; }
      location /long { add_header X-Long "${"a".repeat(3000)}"; return 200 ""; }
      location /utf { add_header X-Utf "é ü"; return 200 ""; }
      location /bytes { add_header X-Path "$uri"; return 200 ""; }
      location /to/ { return 302 http://h.test$uri; }
      location /page { add_header X-Page 1 always; error_page 404 /inherit; return 404; }
    }`,
  differs: {
    "server-field": ["the server's own fields"],
    "own-pages": ["the server's own page"],
    "control-bytes-in-fields": [/^GET \/(?:bytes|to)\/%(?:02|0a|0d|7f)/, "GET /to/%09"],
    "add-header-replaces": ["GET /type", "GET /server"],
  },
  cases: [
    { request: "GET /inherit", bare: /^Server:.*$/m, name: "the server's own fields" },
    { request: "GET /missing", bare: /\r\n\r\n.*/s, name: "the server's own page" },
    "GET /inherit", "GET /own", "GET /always", "GET /empty", "GET /twice", "GET /date", "GET /nodate", "GET /etag",
    "GET /date | If-Modified-Since: Mon, 01 Jan 2001 00:00:00 GMT",
    "GET /nodate | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    ...expired(["/cc", "/cc2"]), "GET /link", "GET /vary", "GET /location", "GET /type", "GET /nested/",
    "GET /nested/in/", "GET /nested/own/", "GET /nested/?if=1", "GET /sent", "GET /200", "GET /201", "GET /204",
    "GET /206 | Range: bytes=0-1", "GET /206 | Range: bytes=50-", "GET /301", "GET /303", "GET /307", "GET /308",
    "GET /400", "GET /403",
    { request: "GET /304 | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", masks: now }, ...expired(["/500"]),
    ...expired(["1h", "-1", "-30m", "0", "epoch", "max", "off", "modified", "modifiednone", "daily",
    "mod"].map((n) => `/e/${n}`)),
    ...expired(["1h", "@10h", "max", "epoch", "off", "", "nonsense", "-1", "0",
    "modified%201h"].map((e) => `/e/var?e=${e}`)),
    ...expired(["/e/map/f.txt", "/e/map/f.html", "/e/map/f.css", "/e/map/none"]), "GET /trailer",
    "GET /trailer | TE: trailers",
    "GET /trailer HTTP/1.0", "HEAD /trailer", "GET /trailer404", "GET /long", "GET /utf",
    ...["%c3%a9", "%02", "%0a", "%0d%0aX-Injected:%20yes", "%00", "%7f", "%09", "%20"].flatMap((bytes) =>
      [`GET /bytes/${bytes}`, `GET /to/${bytes}`]), "GET /page", "HEAD /own",
    "GET /own HTTP/1.0", "GET /server", "GET /missing",
  ],
});
