// rewrite, if, set, break and return, in servers and locations, with nginx's real semantics of `if`.
import { differential } from "./group.ts";

differential({
  title: "rewrite, if, set, return",
  files: { "f.txt": "file", "dir/index.html": "index", "a b.txt": "blank", "if/x": "x", "break/to/y": "broken" },
  http: String.raw`
    map $arg_m $grouped { ~^(a)$ group; ~b plain; default none; }
    server {
      listen 127.0.0.1:%PORT%;
      root %ROOT%;
      set $server_set "from server";
      rewrite ^/srv/last/(.*)$ /show/$1 last;
      rewrite ^/srv/break/(.*)$ /f.txt break;
      rewrite ^/srv/flagless/(.*)$ /show/$1;
      rewrite ^/srv/redirect/(.*)$ /new/$1 redirect;
      rewrite ^/srv/permanent/(.*)$ /new/$1 permanent;
      rewrite ^/srv/http$ http://other.test/x?y;
      rewrite ^/srv/https/(.*) https://other.test/$1 permanent;
      rewrite ^/srv/args$ /show?added=1;
      rewrite ^/srv/noargs$ /show?;
      rewrite ^/srv/argsq$ /show?added=1?;
      rewrite ^/srv/chain1$ /srv/chain2;
      rewrite ^/srv/chain2$ /show/chained;
      rewrite ^/srv/case$ /wrong;
      rewrite (?i)^/SRV/case$ /show/case;
      rewrite ^/srv/named/(?<part>[a-z]+)$ /show/$part-$1;
      rewrite "^/srv/curly/([a-z]{3})$" "/show/curly$1";
      rewrite ^/srv/over/(.*)$ /srv/over/x$1 last;
      if ($arg_blocked) { return 403; }
      if ($http_x_set = yes) { set $server_set "by if"; rewrite ^/srv/inif$ /show/inif; }
      location /show { return 200 "$uri|$args|$server_set|$request_uri\n"; }
      location /new { return 200 "new\n"; }
      location /loc/ {
        set $x "one";
        set $y "$x two";
        set $x "three";
        rewrite ^/loc/last/(.*)$ /show/$1 last;
        rewrite ^/loc/break/(.*)$ /$1 break;
        rewrite ^/loc/rel/(.*)$ rel/$1 last;
        rewrite ^/loc/redir/(.*)$ /new/$1 redirect;
        rewrite ^/loc/redirargs$ /new?a=1 redirect;
        rewrite ^/loc/redirnoargs$ /new? permanent;
        rewrite ^/loc/scheme$ $scheme://$host/new permanent;
        rewrite ^/loc/flagless/(.*)$ /loc/after/$1;
        rewrite ^/loc/after/(.*)$ /show/after-$1 last;
        rewrite ^/loc/lone$ /show/lone;
        return 200 "$x|$y|$uri\n";
      }
      location /loop { rewrite ^ /loop last; }
      location /deep/ { rewrite "^/deep/a{0,9}b$" /show/deep last; rewrite ^/deep/(.*)$ /deep/a$1 last; }
      location /if/ {
        set $seen "";
        if ($request_method = POST) { set $seen "$seen post"; }
        if ($request_method != POST) { set $seen "$seen notpost"; }
        if ($http_x_a ~ ^(a+)(b*)$) { set $seen "$seen a:$1:$2"; }
        if ($http_x_a ~* ^(Z+)$) { set $seen "$seen z:$1"; }
        if ($http_x_a !~ z) { set $seen "$seen noz"; }
        if ($http_x_a !~* Z) { set $seen "$seen noZ"; }
        if ($arg_zero) { set $seen "$seen zero"; }
        if (-f $request_filename) { set $seen "$seen f"; }
        if (!-f $request_filename) { set $seen "$seen !f"; }
        if (-d $request_filename) { set $seen "$seen d"; }
        if (!-d $request_filename) { set $seen "$seen !d"; }
        if (-e $request_filename) { set $seen "$seen e"; }
        if (!-e $request_filename) { set $seen "$seen !e"; }
        if (-x $request_filename) { set $seen "$seen x"; }
        if (!-x $request_filename) { set $seen "$seen !x"; }
        return 200 "$seen\n";
      }
      location /only/ {
        add_header X-Outer 1;
        set $v 0;
        if ($arg_a) { add_header X-A 1; }
        if ($arg_b) { add_header X-B 1; set $v 1; }
        return 200 "$v\n";
      }
      location /evil/ {
        alias %ROOT%/;
        add_header X-Outer 1;
        if ($arg_a) { add_header X-A 1; }
        if ($arg_b) { add_header X-B 1; break; }
        if ($arg_c) { add_header X-C 1; }
        set $late 1;
        if ($late) { add_header X-Late $late; }
      }
      location /break/ {
        set $z "";
        if ($arg_b) { set $z b; break; }
        set $z "after";
        add_header X-Z $z;
        if ($arg_r) { rewrite ^/break/(.*)$ /break/to/$1 break; }
        rewrite ^/break/nothing$ /show last;
      }
      location /iftry { try_files /f.txt =404; if ($arg_a) { set $q 1; } }
      location /ifreturn { if ($arg_a = 1) { return 201 one; } if ($arg_a = 2) { return 202; } return 200 "none\n"; }
      location /ifrewrite { if ($arg_to) { rewrite ^ /show/$arg_to? last; } return 404; }
      location /ifcapture { if ($uri ~ /(\d+)$) { rewrite ^/(.*)$ /show/$1 last; } return 200 "[$1]\n"; }
      location ~ ^/loccap/(?<first>.)(.*)$ { if ($arg_x ~ (.)) { return 200 "[$1][$2][$first]\n"; }
        return 200 "[$1][$2][$first]\n"; }
      location ~ ^/emptied/(if|not|plain|rewrite|map)/(.)$ {
        set $r "";
        if ($arg_if ~ (z)) { set $r "$1"; }
        if ($arg_not !~ (z)) { set $r "$1$2"; }
        if ($arg_plain ~ "z") { set $r "$1$2"; }
        return 200 "[$r][$1][$2]\n";
      }
      location ~ ^/emptied/by/rewrite/(.)$ { rewrite zzz /y; return 200 "[$1]\n"; }
      location ~ ^/emptied/by/if/(.)$ { if ($arg_x ~ "foo") { } return 200 "[$1]\n"; }
      location ~ ^/emptied/by/negative/(.)$ { if ($arg_x !~* "foo") { } return 200 "[$1]\n"; }
      location ~ ^/emptied/by/map/(.)$ { set $r $grouped; return 200 "$r[$1]\n"; }
      location /escape { rewrite ^/escape/(.*)$ /show/$1? last; }
      location /escaperedir { rewrite ^/escaperedir/(.*)$ /new/$1 redirect; }
      location /escapearg { rewrite ^/escapearg/(.*)$ /new?x=$1 redirect; }
      location /escapeargin { rewrite ^/escapeargin/(.*)$ /show?x=$1 last; }
      location /setargs { set $args "new=1"; return 200 "$args|$is_args|$arg_new|$request_uri\n"; }
      location /setargsif { if ($args ~ a=(.)) { set $args b=$1; } rewrite ^ /show last; }
      location /blank { return 200 "$nothing_set$server_set\n"; set $nothing_set x; }
      location /braces { set $name v; return 200 "${"$"}{name}text|$name-text|$host\n"; }
      location /quotes { return 200 'single "double" \'quoted\'\n'; }
      location /return301 { return 301 /there; }
      location /return302abs { return 302 http://other.test/$uri?$args; }
      location /return303 { return 303 there/relative; }
      location /return307 { return 307 //double/x; }
      location /return308 { return 308 $arg_to; }
      location /returnurl { return https://other.test$request_uri; }
      location /returnscheme { return $scheme://other.test/; }
      location /empty200 { return 200; }
      location /empty200text { return 200 ""; }
      location /none204 { return 204 "text"; }
      location /text404 { return 404 "nothing\n"; }
      location /typed { default_type application/json; return 200 '{"a":1}'; }
      location /nl { rewrite ^/nl/(.*)x$ /show/$1 last; return 200 "no\n"; }
    }`,
  cases: [
    "GET /srv/last/x", "GET /srv/last/x?q=1", "GET /srv/break/x", "GET /srv/flagless/x", "GET /srv/redirect/x?q=1",
    "GET /srv/permanent/x", "GET /srv/http", "GET /srv/http?q", "GET /srv/https/a/b?c=d", "GET /srv/args",
    "GET /srv/args?q=1", "GET /srv/noargs?q=1", "GET /srv/argsq?q=1", "GET /srv/chain1", "GET /srv/case",
    "GET /srv/named/abc", "GET /srv/curly/abc", "GET /srv/curly/abcd", "GET /srv/over/", "GET /show?blocked=1",
    "GET /show?blocked=0", "GET /show | X-Set: yes", "GET /srv/inif | X-Set: yes", "GET /srv/inif",
    "GET /loc/last/x?y", "GET /loc/break/f.txt", "GET /loc/break/none", "GET /loc/rel/x", "GET /loc/redir/a%20b?c%20d",
    "GET /loc/redirargs?b=2", "GET /loc/redirnoargs?b=2", "GET /loc/scheme", "GET /loc/flagless/q", "GET /loc/lone",
    "GET /loc/else", "GET /loop", "GET /deep/b", "GET /deep/aaaaaaaaaaaab", "GET /deep/xb",
    "GET /if/", "POST /if/", "GET /if/x", "GET /if/nofile", "GET /if/ | X-A: aabb", "GET /if/ | X-A: zzz",
    "GET /if/?zero=0", "GET /if/?zero=00", "GET /if/?zero=", "GET /if/?zero=a",
    "GET /only/", "GET /only/?a=1", "GET /only/?a=1&b=1", "GET /only/?b=1",
    "GET /evil/f.txt", "GET /evil/f.txt?a=1", "GET /evil/f.txt?a=1&c=1", "GET /evil/f.txt?b=1&c=1",
    "GET /break/to/y", "GET /break/to/y?b=1", "GET /break/y?r=1", "GET /break/nothing?b=1", "GET /break/nothing",
    "GET /iftry", "GET /iftry?a=1", "GET /ifreturn", "GET /ifreturn?a=1", "GET /ifreturn?a=2", "GET /ifrewrite?to=x&y",
    "GET /ifrewrite", "GET /ifcapture/12", "GET /ifcapture/", "GET /loccap/abc", "GET /loccap/abc?x=z",
    "GET /emptied/if/a", "GET /emptied/if/a?if=z", "GET /emptied/if/a?if=z&not=z", "GET /emptied/if/a?plain=z&not=z",
    "GET /emptied/if/a?if=z&not=z&plain=z", "GET /emptied/by/rewrite/a", "GET /emptied/by/if/a",
    "GET /emptied/by/if/a?x=foo", "GET /emptied/by/negative/a", "GET /emptied/by/negative/a?x=FOO",
    "GET /emptied/by/map/x", "GET /emptied/by/map/x?m=a", "GET /emptied/by/map/x?m=b", "GET /emptied/by/map/x?m=c",
    "GET /escape/a%20b%3Fc%25", "GET /escaperedir/a%20b%3Fc%25%23%2b", "GET /escapearg/a%20b&c%26d",
    "GET /escapeargin/a%20b%26",
    "GET /escaperedir/%C3%A9%0a%00", "GET /escaperedir/%C3%A9%0a", "GET /escaperedir/%22%3c%3e%5c%5e%60%7b%7c%7d",
    "GET /setargs?old=1", "GET /setargs", "GET /setargsif?a=7", "GET /setargsif", "GET /blank", "GET /braces",
    "GET /quotes", "GET /return301", "GET /return301 | Host: ExAmple.test:99", "GET /return302abs?q=1",
    "GET /return303", "GET /return307", "GET /return308?to=/x", "GET /return308", "GET /return308?to=%2fx%20y",
    "GET /return301 HTTP/1.0", "GET /returnurl?a=b", "GET /returnscheme", "GET /empty200", "GET /empty200text",
    "HEAD /return301", "HEAD /text404", "GET /none204", "GET /text404", "GET /typed", "GET /nl/a%0abx", "GET /nl/abx",
  ],
});
