// What changes bodies on their way out: sub_filter, addition, charset; and the cookies of userid.
import { type Case, differential } from "./group.ts";

/** Of a subrequest, so that it is a part of a body. */
const pageInside = [/<html>\r\n<head><title>404.*<\/html>\r\n$/gs, /<!doctype html>\n.*<\/html>\n$/gs];
/** userid makes a new one each time. */
const cookie = [/(?<=uid=)[A-Za-z0-9+/%]+={0,2}/g, /(?<=expires=)[^;]+/g, /(?<=uid=)[0-9A-F]{32}/g];

differential({
  title: "sub_filter, addition, charset, userid",
  files: {
    "a.html": "<html><head></head>one two one ONE</html>", "a.txt": "one two", "long.html": "abc".repeat(30_000),
    "before.html": "[before]", "after.html": "[after]", "koi.txt": Buffer.from([0xd4, 0xc5, 0xd3, 0xd4]),
    "koi.html": Buffer.from([0xd4, 0xc5, 0xd3, 0xd4, 0x26]), "utf.html": "тест é 漢 &", "empty.html": "",
    "x.css": "one",
    "edge.html": `${"x".repeat(4095)}one${"y".repeat(4094)}one`, "aaa.html": "aaaaab aab", "x.json": "{}",
  },
  http: String.raw`
    types { text/html html; text/plain txt; text/css css; application/json json; }
    charset_map koi8-r windows-1251 { D4 F2; C5 E5; D3 F1; }
    charset_map koi8-r utf-8 { D4 D182; C5 D0B5; D3 D181; }
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      location /sub/ { alias %ROOT%/; sub_filter one 1; }
      location /suball/ { alias %ROOT%/; sub_filter one 1; sub_filter_once off; }
      location /subtypes/ { alias %ROOT%/; sub_filter one 1; sub_filter_types text/plain text/css; }
      location /substar/ { alias %ROOT%/; sub_filter one 1; sub_filter_types *; }
      location /submany/ { alias %ROOT%/; sub_filter one two; sub_filter two three; sub_filter_once off; }
      location /subvar/ { alias %ROOT%/; sub_filter $arg_a "$uri"; sub_filter_once off; }
      location /submod/ { alias %ROOT%/; sub_filter one 1; sub_filter_last_modified on; }
      location /subempty/ { alias %ROOT%/; sub_filter one ""; sub_filter_once off; }
      location /subaab/ { alias %ROOT%/; sub_filter aab X; sub_filter_once off; }
      location /subhead/ { alias %ROOT%/; sub_filter </head> "<x></head>"; }
      location /subret { default_type text/html; sub_filter one 1; return 200 "one two"; }
      location /subnone/ { alias %ROOT%/; sub_filter zzz 1; }
      location /sublong/ { alias %ROOT%/; sub_filter ca CA; sub_filter_once off; }
      location /add/ { alias %ROOT%/; add_before_body /before.html; add_after_body /after.html; }
      location /addbefore/ { alias %ROOT%/; add_before_body /before.html; }
      location /addafter/ { alias %ROOT%/; add_after_body /after.html; addition_types text/plain; }
      location /addstar/ { alias %ROOT%/; add_after_body /after.html; addition_types *; }
      location /addret/ { default_type text/html; add_after_body /ret; return 200 "main "; }
      location /ret { return 200 "$uri $request_uri $request_method"; }
      location /addmissing/ { alias %ROOT%/; add_after_body /missing.html; }
      location /addvar/ { alias %ROOT%/; add_after_body /show$uri; }
      location /addoff/ { add_after_body ""; alias %ROOT%/; }
      location /show/ { return 200 "<show $uri $args>"; }
      location /addboth/ { alias %ROOT%/; add_after_body /after.html; sub_filter one 1; sub_filter_once off; }
      location /add404/ { alias %ROOT%/; add_after_body /after.html; }
      location /utf8/ { alias %ROOT%/; charset utf-8; }
      location /koi/ { alias %ROOT%/; charset koi8-r; }
      location /csoff/ { alias %ROOT%/; charset off; }
      location /cstypes/ { alias %ROOT%/; charset utf-8; charset_types text/css application/json; }
      location /csvar/ { alias %ROOT%/; charset $arg_cs; }
      location /csret { default_type text/plain; charset utf-8; return 200 "é\n"; }
      location /csretjson { default_type application/json; charset utf-8; return 200 "é\n"; }
      location /csown { default_type "text/html; charset=x"; charset utf-8; return 200 "x"; }
      location /recode/ { alias %ROOT%/; source_charset koi8-r; charset windows-1251; }
      location /recode8/ { alias %ROOT%/; source_charset koi8-r; charset utf-8; }
      location /recodeback/ { alias %ROOT%/; source_charset utf-8; charset koi8-r; }
      location /recodeno/ { alias %ROOT%/; source_charset utf-8; charset utf-8; }
      location /cs404/ { charset utf-8; return 404 "x"; }
      location /csredir/ { charset utf-8; return 302 /x; }
      location /uid { userid on; userid_name uid; return 200 "[$uid_got][$uid_set]\n"; }
      location /uidv1 { userid v1; userid_name uid; return 200 ""; }
      location /uidlog { userid log; userid_name uid; return 200 "[$uid_got][$uid_set]\n"; }
      location /uidfull { userid on; userid_name uid; userid_domain x.test; userid_path /p; userid_expires 1d;
        userid_p3p 'a="b"';
        userid_flags httponly secure samesite=lax; return 200 ""; }
      location /uidmax { userid on; userid_name uid; userid_expires max; userid_mark A; return 200 ""; }
      location /uidservice { userid on; userid_name uid; userid_service 7; return 200 ""; }
      location /uidreset { userid on; userid_name uid; set $uid_reset 1; return 200 "[$uid_got][$uid_set]\n"; }
      location /uidresetlog { userid on; userid_name uid; set $uid_reset log; return 200 ""; }
    }`,
  differs: {
    "invalid-utf-8": ["GET /recodeback/koi.txt", "GET /recodeback/koi.html"],
    "unmapped-bytes": ["GET /recode8/utf.html"],
    "recoded-ranges": ["GET /recode/koi.txt | Range: bytes=0-0,2-2"],
  },
  cases: [
    ...["sub", "suball", "subtypes", "substar", "submany", "submod", "subempty", "subaab", "subhead", "subnone",
      "sublong"]
      .flatMap((name) => ["a.html", "a.txt", "x.css", "empty.html", "aaa.html"].map((file) => `GET /${name}/${file}`)),
    "GET /suball/edge.html", "GET /sublong/long.html", "GET /subvar/a.html?a=one", "GET /subvar/a.html?a=",
    "GET /subvar/a.html?a=T",
    "HEAD /sub/a.html", "GET /sub/a.html HTTP/1.0", "GET /sub/a.html | Range: bytes=0-3", "GET /subret",
    "GET /sub/missing",
    "GET /sub/a.html | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "GET /submod/a.html | If-None-Match: *",
    "GET /submod/a.html | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", "GET /sub/a.html | If-None-Match: \"x\"",
    ...["add", "addbefore", "addafter", "addstar", "addmissing", "addvar", "addoff", "addboth"]
      .flatMap((name) => ["a.html", "a.txt", "empty.html"].map((file) => ({
        request: `GET /${name}/${file}`, masks: pageInside,
      }))),
    "GET /addret/", "HEAD /add/a.html", "GET /add/a.html HTTP/1.0", "GET /add/a.html | Range: bytes=0-3",
    "GET /add404/none",
    { request: "GET /addvar/a.html?x=y", masks: pageInside }, "POST /addret/ || x",
    "GET /add/a.html | If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT",
    ...["utf8", "koi", "csoff", "cstypes", "recode", "recode8", "recodeback", "recodeno"]
      .flatMap((name) => ["a.txt", "koi.txt", "koi.html", "utf.html", "x.css",
      "x.json"].map((file) => `GET /${name}/${file}`)),
    "GET /csvar/a.txt?cs=utf-8", "GET /csvar/a.txt?cs=", "GET /csret", "GET /csretjson", "GET /csown", "GET /cs404/",
    "GET /csredir/",
    "HEAD /recode/koi.txt", "GET /recode8/koi.txt | Range: bytes=0-1", "GET /recode/koi.txt | Range: bytes=0-1",
    "GET /recode/koi.txt | Range: bytes=9-", "GET /recode/koi.txt | Range: bytes=0-0,2-2",
    "GET /koi/a.txt | Range: bytes=0-1", "GET /recodeno/koi.txt | Range: bytes=0-1",
    ...["uid", "uidv1", "uidlog", "uidfull", "uidmax", "uidservice", "uidreset",
      "uidresetlog"].flatMap((name): Case[] => [
      { request: `GET /${name}`, masks: cookie },
      { request: `GET /${name} | Cookie: uid=AQAAf1xWVFN4DwAEAwMEAgS=`, masks: cookie },
      { request: `GET /${name} | Cookie: uid=short`, masks: cookie },
      { request: `GET /${name} | Cookie: x=y; uid=fwAAAVZWVFx8DwAEAwMDAg==; z=1`, masks: cookie },
      { request: `GET /${name} | Cookie: uid=fwAAAVZWVFx8DwAEAwMDAgA=`, masks: cookie },
    ]),
  ],
});
