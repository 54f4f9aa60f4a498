// error_page in all forms, internal locations, named ones, and errors inside of errors.
import { differential } from "./group.ts";

differential({
  title: "error_page, named and internal locations",
  files: { "404.html": "our 404 page", "50x.html": "our 50x", "f.txt": "file", "private/s.txt": "secret",
  "dir/x": "x" },
  http: String.raw`
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      default_type text/plain;
      error_page 404 /404.html;
      error_page 500 502 503 504 /50x.html;
      location = /404.html { internal; add_header X-Page 404 always; add_header X-Plain 404; }
      location = /50x.html { }
      location /500 { return 500; }
      location /502 { return 502; }
      location /503 { return 503; }
      location /text { return 404 "text wins"; }
      location /as200 { error_page 404 =200 /f.txt; return 404; }
      location /as201 { error_page 404 =201 /f.txt; return 404; }
      location /asits { error_page 404 = /f.txt; return 404; }
      location /asits2 { error_page 404 = /201; return 404; }
      location = /201 { return 201 "made\n"; }
      location /named { error_page 404 @named; return 404; }
      location /named200 { error_page 404 =200 @named; return 404; }
      location /namedits { error_page 404 = @namedtext; return 404; }
      location @named { return 200 "named $uri $status $request_method\n"; }
      location @namedtext { return 202 "named text $uri\n"; }
      location /redirect { error_page 404 http://other.test/x; return 404; }
      location /redirect301 { error_page 404 =301 http://other.test/x$uri; return 404; }
      location /redirect303 { error_page 404 =303 https://other.test/; return 404; }
      location /redirect307 { error_page 404 =307 https://other.test/?$args; return 404; }
      location /redirect200 { error_page 404 =200 https://other.test/; return 404; }
      location /var { error_page 404 /$arg_page; return 404; }
      location /varargs { error_page 404 /show?code=$status&u=$uri; return 404; }
      location = /show { return 200 "$args|$uri|$request_uri\n"; }
      location = /showempty { return 200; }
      location /inner { error_page 404 /missing-too; return 404; }
      location /recursive { recursive_error_pages on; error_page 404 /recursive2; return 404; }
      location = /recursive2 { recursive_error_pages on; error_page 500 /f.txt; return 500; }
      location /flat { error_page 404 /flat2; return 404; }
      location = /flat2 { error_page 500 /f.txt; return 500; }
      location /endless { recursive_error_pages on; error_page 404 /endless; return 404; }
      location /none { error_page 404 /f.txt; location /none/inner { error_page 403 /f.txt; return 404; } return 404; }
      location /private/ { internal; }
      location /to-private { error_page 403 /private/s.txt; return 403; }
      location /rw-private { rewrite ^ /private/s.txt last; }
      location /try-private { try_files /nothing /private/s.txt; }
      location /method { error_page 405 =200 /f.txt; alias %ROOT%/; }
      location /post404 { error_page 404 /method-is; return 404; }
      location = /method-is { return 200 "$request_method\n"; }
      location /named-method { error_page 404 @named; return 404; }
      location /auth401 { error_page 401 /f.txt; return 401; }
      location /keep { add_header X-Keep yes always; error_page 404 /kept; return 404; }
      location = /kept { return 200 "kept\n"; }
      location /302page { error_page 302 /f.txt; return 302 /there; }
      location /301page { error_page 301 =200 /f.txt; return 301 /there; }
      location /204page { error_page 404 =204 /f.txt; return 404; }
      location /413 { client_max_body_size 3; error_page 413 =200 /toolarge; }
      location = /toolarge { return 200 "too large\n"; }
      location /toomany { error_page 429 =503 /f.txt; return 429; }
      location /444 { error_page 404 /444now; return 404; }
      location = /444now { return 444; }
      location /as444 { error_page 404 =444 /f.txt; return 404; }
      location /dir403 { alias %ROOT%/dir/; error_page 403 /f.txt; }
      location /to-static-missing { error_page 410 /static-missing.html; return 410; }
      location /rewrite-in { error_page 404 /rewritten; return 404; }
      location = /rewritten { rewrite ^ /f.txt last; }
      location /named-rewrite { error_page 404 @rewrites; return 404; }
      location @rewrites { rewrite ^ /f.txt last; }
      location /named-break { error_page 404 @breaks; return 404; }
      location @breaks { rewrite ^ /f.txt break; }
      location /overflow { error_page 495 497 /f.txt; return 497; }
      location /416always { add_header X-A a always; add_header X-B b; alias %ROOT%/f.txt; }
      location /416 { error_page 416 /f.txt; alias %ROOT%/f.txt; }
      location /412 { error_page 412 /f.txt; alias %ROOT%/f.txt; }
      location /twice { error_page 404 /f.txt; error_page 404 /50x.html; return 404; }
    }
    server { listen 127.0.0.1:%PORT2%; root %ROOT%; error_page 400 404 414 431 494 = /caught;
      large_client_header_buffers 2 1k;

      location = /caught { return 200 "caught $status $request_uri\n"; } location / { return 404; } }
    server { listen 127.0.0.1:%PORT3%; root %ROOT%; error_page 404 @nothere; location @there { return 200; } }`,
  differs: { "fields-of-416": [/^GET \/416/] },
  cases: [
    "GET /missing", "HEAD /missing", "POST /missing", "DELETE /missing", "GET /404.html", "GET /50x.html", "GET /500",
    "GET /502", "GET /503", "GET /text", "GET /as200", "GET /as201", "GET /asits", "GET /asits2", "GET /named",
    "GET /named200",
    "GET /namedits", "GET /redirect", "GET /redirect301", "GET /redirect303", "GET /redirect307?a=b",
    "GET /redirect200",
    "GET /var?page=f.txt", "GET /var?page=none", "GET /varargs", "GET /inner", "GET /recursive", "GET /flat",
    "GET /endless",
    "GET /none", "GET /none/inner", "GET /private/s.txt", "GET /private/", "GET /to-private", "GET /rw-private",
    "GET /try-private", "POST /method", "PUT /method/f.txt || abc", "POST /post404 || abc", "HEAD /post404",
    "POST /named-method",
    "GET /auth401", "GET /keep", "GET /302page", "GET /301page", "GET /204page", "POST /413 || abcdef",
    "POST /413 || ab", "GET /toomany", "GET /444", "GET /as444", "GET /dir403", "GET /dir403/",
    "GET /to-static-missing",
    "GET /rewrite-in", "GET /named-rewrite", "GET /named-break", "GET /overflow", "GET /416 | Range: bytes=90-",
    "GET /416always | Range: bytes=90-",
    "GET /412 | If-Match: \"x\"", "GET /twice", "GET /as200?x=1", "GET /f.txt", "GET /as200 | Range: bytes=0-1",
    "GET /as201 | Range: bytes=0-1", "GET /missing | Range: bytes=0-1", "GET /as200 | If-None-Match: *",
    "GET /missing | If-None-Match: *", "GET /missing | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    { request: "GET /x", to: 2 }, { request: `GET /${"x".repeat(1100)}`, to: 2 },
    { request: `GET / | X-Long: ${"x".repeat(1100)}`, to: 2 }, { request: "GET /%", to: 2 },
    { request: "GET / | Host: bad host", to: 2 }, { request: "GET /missing", to: 3 },
  ],
});
