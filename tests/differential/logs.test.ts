// The bytes of access logs: formats, escapes, conditions, several logs, subrequests, what ends early.
import { differential } from "./group.ts";

/** Times, and numbers of processes and connections. */
const chance = [
  /\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}/g, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d/g, /\b\d{10}\.\d{3}\b/g,
  /\b\d+\.\d{3}\b/g, /\b[0-9a-f]{32}\b/g,
];
/** The size of a page of the server's own; of requests that are refused also how much of them was read. */
const pages = [
  /(?<=\|(?:301|404|405|412)\|)\d+/g, /(?<=^(?:301|404|412) \d+ )\d+/gm,
  /(?<=\|400\|)\d+\|-\|-\|\d+\|[^|]*/g,
];

differential({
  title: "access logs",
  files: { "f.txt": "file content", "sub/index.html": "<i>", "after.html": "after", "big": "x".repeat(100_000) },
  logs: [
    "combined.log", "fields.log", "json.log", "none.log", "default.log", "odd.log", "if.log", "two.log", "sub.log",
    "buffered.log", "var-named.log", "sizes.log", "server.log", "literal.log",
  ],
  logMasks: [...chance, ...pages],
  http: String.raw`
    log_format fields '$remote_addr|$remote_user|[$time_local]|$request|$status|$body_bytes_sent|$http_referer|'
                      '$http_user_agent|$request_length|$uri|$args|$server_name';
    log_format json escape=json
      '{"uri":"$uri","agent":"$http_user_agent","x":"$http_x","empty":"$http_none","r":"$request"}';
    log_format none escape=none '$http_user_agent|$http_x|$uri|$http_none';
    log_format default escape=default '$http_user_agent|$http_x|$uri|$http_none|$request';
    log_format odd '$msec $time_iso8601 $request_time $pipe $connection_requests $request_completion $host $scheme';
    log_format sizes '$status $request_length $body_bytes_sent';
    log_format subs '$uri|$args|$status|$request|$request_length';
    log_format literal 'a "b" \x5c $uri\tend';
    map $status $loggable { ~^[23] 0; default 1; }
    access_log %PREFIX%/http.log;
    server {
      listen 127.0.0.1:%PORT%;
      server_name site.test;
      root %ROOT%;
      access_log %PREFIX%/server.log fields;
      location /combined { access_log %PREFIX%/combined.log; return 200 "x"; }
      location /combined2 { access_log %PREFIX%/combined.log combined; alias %ROOT%/f.txt; }
      location /fields { access_log %PREFIX%/fields.log fields; alias %ROOT%/f.txt; }
      location /json { access_log %PREFIX%/json.log json; return 200 "x"; }
      location /none { access_log %PREFIX%/none.log none; return 200 "x"; }
      location /default { access_log %PREFIX%/default.log default; return 200 "x"; }
      location /odd { access_log %PREFIX%/odd.log odd; return 200 "x"; }
      location /if { access_log %PREFIX%/if.log sizes if=$loggable; location /if/404 { return 404; } return 200 "x"; }
      location /ifarg { access_log %PREFIX%/if.log sizes if=$arg_log; return 200 "x"; }
      location /two { access_log %PREFIX%/two.log sizes; access_log %PREFIX%/fields.log fields; return 200 "two"; }
      location /off { access_log off; return 200 "off"; }
      location /sub { access_log %PREFIX%/sub.log subs; log_subrequest on; default_type text/html;
        add_after_body /subbed; return 200 "main"; }
      location /subbed { access_log %PREFIX%/sub.log subs; log_subrequest on; alias %ROOT%/after.html; }
      location /buffered { access_log %PREFIX%/buffered.log sizes buffer=32k flush=100ms; return 200 "x"; }
      location /var { access_log %PREFIX%/var-$arg_n.log sizes; return 200 "x"; }
      location /sizes { access_log %PREFIX%/sizes.log sizes; alias %ROOT%/; }
      location /sizes-ret/ { access_log %PREFIX%/sizes.log sizes; return 204; }
      location /sizes-drop { access_log %PREFIX%/sizes.log sizes; return 444; }
      location /literal { access_log %PREFIX%/literal.log literal; return 200 "x"; }
      location /page { error_page 404 /combined; return 404; }
      location /rewrite { rewrite ^ /fields last; }
    }
    server { listen 127.0.0.1:%PORT2%; access_log %PREFIX%/server.log fields; return 200 "second"; }`,
  cases: [
    "GET /combined", "GET /combined?a=b | Referer: http://r/ | User-Agent: me \"quoted\" \\ back", "GET /combined2",
    "HEAD /combined2",
    "GET /combined HTTP/1.0", "GET /combined | Authorization: Basic dXNlcjpwYXNz",
    "GET /combined | User-Agent: \xc3\xa9\xff\x09tab",
    "GET /fields", "GET /fields?x=%20 | User-Agent: a", "POST /fields || body", "GET /fields | Range: bytes=0-1",
    "GET /fields | If-None-Match: *", "GET /json/%22%5c%0a%01%7f%c3%a9 | User-Agent: \"q\" \\ \x09 \xc3\xa9\xff/ | X: ",
    "GET /json",
    "GET /none/%22%0a | User-Agent: \"q\" \\ \xff | X: y", "GET /none",
    "GET /default/%22%5c%0a%01%7f%c3%a9 | User-Agent: \"q\" \\ \xff | X: y",
    "GET /default", "GET /odd", "GET /odd | Host: OTHER.test:9", "GET /if", "GET /if/404", "GET /ifarg?log=1",
    "GET /ifarg?log=0",
    "GET /ifarg?log=", "GET /ifarg", "GET /two", "GET /off", "GET /sub", "GET /sub?q", "GET /buffered", "GET /buffered",
    "GET /var?n=named",
    "GET /sizes/f.txt", "GET /sizes/big", "GET /sizes/missing", "GET /sizes/sub", "HEAD /sizes/f.txt",
    "GET /sizes/f.txt | If-Match: \"x\"",
    "GET /sizes-ret/", "GET /sizes-drop", "GET /literal/x", "GET /page", "GET /rewrite", "GET /f.txt", "GET /missing",
    "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", "GET /%zz", { request: "GET /x", to: 2 },
    "GET /fields HTTP/1.1\r\nHost: site.test\r\n\r\nGET /fields?second HTTP/1.1\r\nHost: a\r\n" +
      "Connection: close\r\n\r\n",
    "GET /odd HTTP/1.1\r\nHost: site.test\r\n\r\nGET /odd HTTP/1.1\r\nHost: site.test\r\nConnection: close\r\n\r\n",
  ],
});
