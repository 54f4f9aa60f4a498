// index, autoindex and the redirects of folders.
import { differential } from "./group.ts";

differential({
  title: "index, autoindex and redirects",
  files: {
    "index.html": "root", "dir/index.html": "dir", "dir/index.txt": "text", "second/index.txt": "second", "none/f": "f",
    "deep/index.html/": "", "php/index.php": "<?php", "list/a.txt": "a", "list/b b.txt": "bb", "list/c&d<e>.txt": "ccc",
    "list/.hidden": "h", "list/sub/x": "x", "list/Z": "", [`list/${"n".repeat(60)}.txt`]: "long",
    "list/é.txt": "accent",
    "list/q?s#h%p.txt": "odd", "list/link": { link: "a.txt" }, "list/dangling": { link: "nowhere" },
    "list/sublink": { link: "sub" }, "empty/": "", "list/big": "x".repeat(1_500_000), "list/k": "x".repeat(2048),
    "a b/index.html": "blank", "abs.html": "absolute", "list/\"quote'": "quote",
  },
  http: String.raw`
    types { text/html html; text/plain txt; }
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      location /second/ { index index.html index.txt; }
      location /none/ { index nothing.html; }
      location /php/ { index index.php; }
      location ~ \.php$ { return 200 "php $uri $args\n"; }
      location /absidx/ { alias %ROOT%/dir/; index nothing.html /abs.html; }
      location /varidx/ { alias %ROOT%/dir/; index $arg_i index.txt; }
      location /list/ { autoindex on; }
      location /xml/ { alias %ROOT%/list/; autoindex on; autoindex_format xml; }
      location /json/ { alias %ROOT%/list/; autoindex on; autoindex_format json; }
      location /jsonp/ { alias %ROOT%/list/; autoindex on; autoindex_format jsonp; }
      location /rough/ { alias %ROOT%/list/; autoindex on; autoindex_exact_size off; autoindex_localtime on; }
      location /charset/ { alias %ROOT%/list/; autoindex on; charset utf-8; }
      location /empty/ { autoindex on; }
      location /rel/ { alias %ROOT%/; absolute_redirect off; }
      location /noport/ { alias %ROOT%/; port_in_redirect off; }
      location /named/ { alias %ROOT%/; server_name_in_redirect on; }
      location /noslash { alias %ROOT%; }
      location = /exact { alias %ROOT%/dir/index.html; }
      location ~ ^/rx/(.+)$ { alias %ROOT%/$1; }
      location /indexoff/ { alias %ROOT%/none/; autoindex off; }
    }
    server { listen 127.0.0.1:%PORT2%; server_name first.test *.second.test; root %ROOT%; server_name_in_redirect on; }
    server { listen 127.0.0.1:%PORT3%; server_name ""; root %ROOT%;
      server_name_in_redirect on; port_in_redirect off; }`,
  differs: {
    "empty-index-names": ["GET /varidx/"],
    "known-lengths": ["a list of a folder as it is sent"],
    "empty-server-name": ["GET /named/dir", "GET /dir to 3", "GET /dir HTTP/1.0 to 3"],
  },
  cases: [
    { request: "GET /list/", bare: /^Content-Length:.*$/m, name: "a list of a folder as it is sent" },
    "GET /", "GET /?x=1", "HEAD /", "POST /", "GET /dir", "GET /dir/", "GET /dir?x=1&y=%20", "GET /dir//", "GET //dir",
    "GET /second/", "GET /none/", "GET /none", "GET /deep/", "GET /deep", "GET /php/", "GET /php/?q=1", "GET /absidx/",
    "GET /varidx/?i=index.html", "GET /varidx/", "GET /varidx/?i=../f", "GET /list", "GET /list/", "HEAD /list/",
    "POST /list/",
    "GET /list/?C=N", "GET /list/sub/", "GET /list/sub", "GET /list/sublink", "GET /list/sublink/", "GET /xml/",
    "GET /json/",
    "GET /jsonp/", "GET /jsonp/?callback=fn", "GET /rough/", "GET /charset/", "GET /empty/", "GET /empty",
    "GET /rel/dir",
    "GET /rel/dir?x", "GET /noport/dir", "GET /named/dir", "GET /noslash/dir", "GET /noslash", "GET /noslash/",
    "GET /exact",
    "GET /exact/", "GET /rx/dir/", "GET /rx/dir", "GET /rx/index.html", "GET /indexoff/", "GET /a%20b", "GET /a%20b/",
    "GET /dir | Host: UPPER.test:8080", "GET /dir | Host: [::1]:80", "GET /dir HTTP/1.0",
    "GET /dir HTTP/1.0 | Host: old.test",
    "DELETE /dir", "PUT /dir/ || x", "DELETE /list/", "GET /list/c%26d%3Ce%3E.txt", "GET /list/q%3Fs%23h%25p.txt",
    "GET http://abs.test/dir", "GET http://abs.test:99/dir | Host: other.test",
    { request: "GET /dir", to: 2 }, { request: "GET /dir | Host: x.second.test", to: 2 },
    { request: "GET /dir", to: 3 },
    { request: "GET /dir HTTP/1.0", to: 3 },
  ],
});
