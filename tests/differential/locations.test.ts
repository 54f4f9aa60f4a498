// Which location answers: prefixes, expressions, exact ones, nested ones.
import { differential } from "./group.ts";

differential({
  title: "which location answers",
  http: `
    server {
      listen 127.0.0.1:%PORT%;
      location / { return 200 "root $uri\\n"; }
      location = / { return 200 "exact root\\n"; }
      location = /exact { return 200 "exact\\n"; }
      location /exact { return 200 "below exact $uri\\n"; }
      location /dir/ { return 200 "dir $uri\\n"; }
      location /dir/sub { return 200 "sub $uri\\n"; }
      location ^~ /images/ { return 200 "images $uri\\n"; }
      location ~ \\.gif$ { return 200 "gif $uri\\n"; }
      location ~* \\.(png|JPE?G)$ { return 200 "picture $1\\n"; }
      location ~ ^/user/(?<name>[^/]+)/(\\d+)$ { return 200 "user $name $2\\n"; }
      location /nested/ {
        location /nested/a { return 200 "nested a $uri\\n"; }
        location = /nested/b { return 200 "nested b\\n"; }
        location ~ \\.txt$ { return 200 "nested text\\n"; }
        location ^~ /nested/pre/ { location ~ \\.gif$ { return 200 "inner gif\\n"; } return 200 "pre\\n"; }
        return 200 "nested $uri\\n";
      }
      location "/with blank/" { return 200 "blank $uri\\n"; }
      location /caf\xe9/ { return 200 "latin\\n"; }
      location /über/ { return 200 "utf-8\\n"; }
      location ~ "^/curly/[0-9]{2,3}$" { return 200 "curly\\n"; }
      location ~ ^/empty() { return 200 "empty [$1]\\n"; }
      location @named { return 200 "named\\n"; }
      location /percent%20sign { return 200 "percent\\n"; }
      location ~ ^/opt(a)?(b)?$ { return 200 "[$1][$2]\\n"; }
      location ~ ^/CaSe { return 200 "case\\n"; }
      location ~* ^/noCase { return 200 "nocase $uri\\n"; }
      location ~ ^/dot.all$ { return 200 "dot\\n"; }
      location ~ ^/rep/(?:(a)|b)*$ { return 200 "[$1]"; }
      location ~ ^/multi$ { return 200 "multi\\n"; }
    }
    server {
      listen 127.0.0.1:%PORT2%;
      location /only { return 200 "only\\n"; }
      location ~ ^/rx { return 204; }
    }
    server { listen 127.0.0.1:%PORT3%; return 200 "server\\n"; location / { return 200 "location\\n"; } }`,
  differs: {
    "types-database": ["GET /a/b.jpeg", "GET /a.png"],
    "captures-of-repetitions": ["GET /rep/ab"],
  },
  cases: [
    "GET /", "GET /?x", "GET /x", "GET /exact", "GET /exact?q", "GET /exact/", "GET /exactly", "GET /EXACT", "GET /dir",
    "GET /dir/", "GET /dir/x", "GET /dir/su", "GET /dir/sub", "GET /dir/subway", "GET /dir/sub/x.gif",
    "GET /images/x.gif",
    "GET /images", "GET /x.gif", "GET /x.GIF", "GET /x.gif/", "GET /x.gif?y", "GET /a/b.JpG", "GET /a/b.jpeg",
    "GET /a.png",
    "GET /user/ann/12", "GET /user/ann/12a", "GET /user//12", "GET /nested/", "GET /nested/a", "GET /nested/abc",
    "GET /nested/b", "GET /nested/b/", "GET /nested/x.txt", "GET /nested/x.gif", "GET /nested/pre/x.gif",
    "GET /nested/pre/x.txt", "GET /nested/a.gif", "GET /with%20blank/x", "GET /with%20blank", "GET /caf%E9/",
    "GET /%C3%BCber/", "GET /%c3%bcber/x", "GET /curly/12", "GET /curly/1234", "GET /empty", "GET /@named",
    "GET @named",
    "GET /percent%2520sign", "GET /percent%20sign", "GET /opt", "GET /opta", "GET /optb", "GET /optab", "GET /CaSe",
    "GET /case", "GET /NOCASE", "GET /dot%0aall", "GET /dotxall", "GET /multi%0a", "GET /multi%0ax",
    "GET /rep/ab", "GET /rep/ba", "GET /rep/aba",
    "GET /%65xact", "GET /dir%2Fsub", "GET /dir/./sub", "GET /x/../exact", "GET /dir//sub",
    { request: "GET /", to: 2 }, { request: "GET /only", to: 2 }, { request: "GET /rx", to: 2 },
    { request: "GET /x", to: 3 },
  ],
});
