// Methods that handlers take and refuse, limit_except, and what satisfy makes of both.
import { differential } from "./group.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "MKCOL", "COPY", "PROPFIND", "LOCK",
  "TRACE"];
const paths = ["/ret", "/static.txt", "/gif", "/status", "/except", "/deny"];

differential({
  title: "methods and limit_except",
  files: { "static.txt": "static", "except/f.txt": "f", "dir/": "" },
  http: String.raw`
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      location /ret { return 200 "$request_method\n"; }
      location /gif { empty_gif; }
      location /status { stub_status; }
      location /except { limit_except GET { deny all; } return 200 "never refused\n"; }
      location /deny { limit_except GET POST { deny all; } alias %ROOT%/static.txt; }
      location /head { limit_except HEAD { deny all; } alias %ROOT%/static.txt; }
      location /allow { limit_except POST { allow 127.0.0.1; deny all; } alias %ROOT%/static.txt; }
      location /other { limit_except GET { allow 10.0.0.1; deny all; } alias %ROOT%/static.txt; }
      location /options { limit_except OPTIONS PATCH { deny all; } alias %ROOT%/static.txt; }
      location /page { limit_except GET { deny all; } error_page 403 =200 /static.txt; alias %ROOT%/static.txt; }
      location /inner/ { limit_except GET { deny all; } location /inner/a { alias %ROOT%/static.txt; } alias %ROOT%/; }
    }
    server {
      listen 127.0.0.1:%PORT2%;
      root %ROOT%;
      location / { deny all; }
      location /any { satisfy any; allow 127.0.0.1; deny all; alias %ROOT%/static.txt; }
      location /all { satisfy all; allow 127.0.0.0/8; deny all; alias %ROOT%/static.txt; }
      location /none { satisfy any; deny all; alias %ROOT%/static.txt; }
    }`,
  differs: {
    "allow-field": ["405 as it is sent"],
    "strict-request-line": ["VERYLONGMETHODNAMEINDEEDWITHOUTANYEND /ret"],
  },
  cases: [
    { request: "POST /static.txt", bare: /^Allow:.*$/m, name: "405 as it is sent" },
    ...paths.flatMap((path) => methods.map((method) => (method === "TRACE" || path !== "/status"
      ? `${method} ${path}`
      : { request: `${method} ${path}`, masks: [/\d+/g] }))),
    ...["/head", "/allow", "/other", "/options", "/page", "/inner/static.txt", "/inner/a"].flatMap((path) =>
      ["GET", "HEAD", "POST", "OPTIONS", "DELETE"].map((method) => `${method} ${path}`)),
    "FOO /ret", "FOO /static.txt", "A /ret", "VERYLONGMETHODNAMEINDEEDWITHOUTANYEND /ret", "M-SEARCH /ret",
    "CONNECT /ret",
    { request: "GET /", to: 2 }, { request: "GET /any", to: 2 }, { request: "GET /all", to: 2 },
    { request: "GET /none", to: 2 }, "GET /gif | If-None-Match: *", "GET /gif | Range: bytes=0-2", "POST /gif || x",
    "GET /gif | If-Modified-Since: Mon, 28 Sep 1970 06:00:00 GMT",
  ],
});
