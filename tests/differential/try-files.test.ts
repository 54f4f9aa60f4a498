// try_files: files, folders, what comes last, with root and alias, and inside of named locations.
import { differential } from "./group.ts";

differential({
  title: "try_files",
  files: {
    "f.txt": "file", "dir/index.html": "index of dir", "dir/x.html": "x", "dir2/": "", "a/f.html": "html",
    "app.php": "php",
    "index.html": "root index", "with space.txt": "space", "alias/deep/f.txt": "deep", "q?mark.txt": "mark",
    "maintenance.html": "maintenance", "empty": "", "link": { link: "f.txt" }, "dangling": { link: "nowhere" },
    "é.txt": "accent", "noslash/f": "f",
  },
  http: String.raw`
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      default_type text/plain;
      location / { try_files $uri $uri/ /fallback; }
      location = /fallback { return 200 "fallback $uri|$request_uri|$args\n"; }
      location /code { try_files $uri =404; }
      location /code418 { try_files $uri =418; }
      location /code200 { try_files $uri =200; }
      location /code301 { try_files $uri =301; }
      location /code444 { try_files $uri =444; }
      location /named { try_files $uri @back; }
      location @back { return 200 "named $uri|$args\n"; }
      location @files { try_files /maintenance.html =503; }
      location /tofiles { try_files /nothing @files; }
      location /args { try_files $uri /fallback?x=1&$args; }
      location /args2 { try_files $uri /fallback?$args; }
      location /dironly { try_files $uri/ =404; }
      location /dir2 { try_files $uri $uri/ /fallback; autoindex off; }
      location /html { try_files $uri.html $uri/index.html /a/f.html =404; }
      location /last { try_files $uri /f.txt; }
      location /lastphp { try_files $uri /app.php; }
      location ~ \.php$ { return 200 "php $uri|$args\n"; }
      location /al/ { alias %ROOT%/alias/; try_files $uri deep/f.txt =404; }
      location /al2/ { alias %ROOT%/alias/; try_files $uri $uri/ /al2/deep/f.txt; }
      location ~ ^/rx/(.*)$ { alias %ROOT%/alias/$1; try_files "" =404; }
      location ~ ^/rx2/(?<rest>.*)$ { try_files /alias/$rest =404; }
      location /loop { try_files $uri /loop; }
      location /loop2 { try_files /nope /loop2/x; }
      location /maint { if (-f $document_root/maintenance.html) { return 503; } try_files $uri =404; }
      location /empty { try_files /empty =404; }
      location /blank { try_files "" /fallback; }
      location /const { try_files /f.txt /fallback; }
      location /folder { try_files /dir/ =404; }
      location /folderslash { try_files /dir =404; }
      location /var { set $f /f.txt; try_files $f =404; }
      location /post { try_files /f.txt =404; }
      location /nul { try_files $arg_file =404; }
      location /up { try_files /dir/../f.txt =404; }
      location /err { try_files $uri =404; error_page 404 /fallback; }
      location /errnamed { try_files $uri =404; error_page 404 = @back; }
    }
    server {
      listen 127.0.0.1:%PORT2%;
      root %ROOT%;
      try_files /maintenance.html $uri /f.txt;
    }
    server {
      listen 127.0.0.1:%PORT3%;
      root %ROOT%;
      try_files /none $uri @app;
      location /sub { }
      location @app { return 200 "app $uri\n"; }
    }`,
  differs: {
    "pages-for-all-statuses": ["GET /code418"],
    "try-files-status-200": ["GET /code200"],
    "types-database": ["GET /lastphp?x=y"],
    "dots-in-files": ["GET /up"],
  },
  cases: [
    "GET /f.txt", "GET /f.txt?x", "GET /", "GET /dir", "GET /dir/", "GET /dir2", "GET /dir2/", "GET /missing",
    "GET /missing?a=b", "GET /missing%20x", "GET /with%20space.txt", "GET /q%3Fmark.txt", "GET /%C3%A9.txt",
    "GET /link",
    "GET /dangling", "GET /f.txt/", "GET /f.txt/x", "HEAD /f.txt", "POST /f.txt", "POST /missing", "GET /noslash",
    "GET /noslash/", "GET /noslash/f",
    "GET /code", "GET /code418", "GET /code200", "GET /code301", "GET /code444", "GET /named", "GET /named?q=1",
    "GET /tofiles", "GET /args?y=2", "GET /args", "GET /args2?y=2", "GET /args2", "GET /dironly", "GET /html",
    "GET /last",
    "GET /lastphp?x=y", "GET /al/deep/f.txt", "GET /al/nothing", "GET /al/", "GET /al2/deep/f.txt", "GET /al2/x",
    "GET /al2/deep", "GET /rx/deep/f.txt", "GET /rx/none", "GET /rx2/deep/f.txt", "GET /rx2/none", "GET /loop",
    "GET /loop2",
    "GET /maint", "GET /empty", "GET /blank", "GET /const", "GET /folder", "GET /folderslash", "GET /var", "POST /post",
    "DELETE /post", "GET /nul?file=/f.txt", "GET /nul?file=/f.txt%00x", "GET /nul", "GET /up", "GET /err",
    "GET /errnamed",
    { request: "GET /x", to: 2 }, { request: "GET /dir/x.html", to: 2 },
    { request: "GET /x", to: 3 }, { request: "GET /f.txt", to: 3 }, { request: "GET /sub/x", to: 3 },
  ],
});
