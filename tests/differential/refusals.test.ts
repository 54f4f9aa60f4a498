// What nginx refuses, and in which words: its first line, which tools parse, is our first line; what it takes, we take.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { formatLanguageDiagnostics } from "../../src/config/nginx/language-diagnostic.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import { buildConfiguration, siteDirectives } from "../../src/site/index.ts";
import { ok } from "../../src/std/result.ts";
import { findProgram } from "../../tools/needs.ts";
import { differenceOf, type Differences } from "./group.ts";
import { requireNginx } from "./servers.ts";

/** What stands alone in its block. */
const snippets: Readonly<Record<"main" | "events" | "http" | "server" | "location", readonly string[]>> = {
  main: [
    "worker_processes 0;", "worker_processes x;", "worker_processes -1;", "worker_processes 2; worker_processes 3;",
    "daemon yes;", "user;", "pid;", "pid a b;", "worker_rlimit_nofile x;", "worker_shutdown_timeout x;",
    "error_log /dev/null nolevel;", "error_log;", "error_log /dev/null warn crit;", "env;", "env A=b;", "nothing;",
    "worker_priority 5x;", "working_directory;", "timer_resolution 1x;", "master_process on off;", "thread_pool x;",
    "events { }", "http { }", "server { }", "location / { }", "listen 80;", "}", "{", "pcre_jit 1;", "debug_points x;",
  ],
  events: [
    "worker_connections 0;", "worker_connections x;", "worker_connections;", "use none;", "use epoll;",
    "use epoll; use poll;",
    "multi_accept x;", "accept_mutex_delay x;", "listen 80;", "worker_connections 10; worker_connections 20;",
    "debug_connection x;", "debug_connection 10.0.0.0/8;",
  ],
  http: [
    "server_names_hash_bucket_size x;", "types { text/html; }", "types { }",
    "types { text/html html; text/plain html; }",
    "default_type;", "default_type a b;", "keepalive_timeout x;", "keepalive_timeout 1 2 3;", "keepalive_timeout 5 x;",
    "client_max_body_size 1x;", "client_max_body_size -1;", "client_max_body_size 1g;",
    "client_max_body_size 99999999999999999g;",
    "client_body_buffer_size 8g;", "large_client_header_buffers 4;", "large_client_header_buffers 4 100;",
    "large_client_header_buffers 0 8k;", "sendfile maybe;", "send_timeout 1h30x;", "send_timeout 1d 1h;",
    "send_timeout '1h 30m';",
    "send_timeout 1M;", "send_timeout '30m 1h';", "send_timeout -1;", "send_timeout 99999999999999;",
    "lingering_close x;",
    "log_format;", "log_format x;", "log_format combined x;", "log_format a $nothing;",
    "log_format a x; log_format a y;",
    "log_format a escape=x y;", "log_format a escape=json $uri;", "access_log /dev/null none;",
    "access_log /dev/null combined x;",
    "access_log /dev/null combined buffer=x;", "access_log /dev/null combined flush=1s;",
    "access_log off; access_log on;",
    "access_log /dev/null combined buffer=1k; access_log /dev/null combined buffer=2k;", "access_log syslog:x;",
    "access_log syslog:server=127.0.0.1,facility=x;", "access_log syslog:server=127.0.0.1,tag=a-b;",
    "open_log_file_cache x;",
    "open_log_file_cache inactive=1s;", "map a;", "map $a b { }", "map $a $b { }", "map $uri $b { a; }",
    "map $uri $b { a b c; }",
    "map $uri $b { default 1; default 2; }", "map $uri $b { a 1; a 2; }", "map $uri $b { ~( 1; }",
    "map $uri $b { hostnames; *.a.* 1; }",
    "map $uri $uri { a b; }", "map $uri $b { volatile; }", "map $uri $b { a $nothing; }",
    "map $uri $b { hostnames x; }",
    "geo $a { 10.0.0.0/33 1; }", "geo $a { x 1; }", "geo $a { 10.0.0.1/8 1; }",
    "geo $a { 10.0.0.0/8 1; 10.0.0.0/8 2; }",
    "geo $a { ranges; 10.0.0.2-10.0.0.1 1; }", "geo $a { 10.0.0.0/8 1; ranges; }", "geo $a { default; }", "geo a { }",
    "geo $x $a { }", "geo $a { delete 1.1.1.1; }", "geo $a { proxy x; }", "geo $uri { }", "geo $a { proxy_recursive; }",
    "split_clients $uri $a { 50% a; 60% b; }", "split_clients $uri $a { x b; }", "split_clients $uri $a { 50% a; }",
    "split_clients $uri $a { 0.001% a; }", "split_clients $uri $a { * a; 10% b; }",
    "split_clients $uri $a { 10% a b; }",
    "resolver;", "resolver 127.0.0.1 valid=x;", "resolver 127.0.0.1 ipv6=x;", "add_header X;", "add_header X y z;",
    "add_header X y never;",
    "add_trailer X y;", "expires;", "expires x;", "expires 1h 2h;", "expires modified x;", "expires @25h;",
    "expires @10h;",
    "expires modified @10h;", "expires -1;", "expires 99999999999;", "etag x;", "if_modified_since x;", "max_ranges x;",
    "root;",
    "root a b;", "root $document_root;", "root /a; root /b;", "alias /x;", "internal;", "try_files a b;", "return 200;",
    "server_name a;",
    "error_page 404;", "error_page 200 /x;", "error_page 700 /x;", "error_page 404 =x /x;", "error_page 499 /x;",
    "error_page x /x;",
    "error_page 404 =999 /x;", "error_page 404 = /x;", "error_page 404 =200 $nothing;", "set_real_ip_from x;",
    "set_real_ip_from 10.0.0.0/99;",
    "real_ip_header;", "real_ip_header a b;", "allow x;", "deny 10.0.0.0/40;", "allow 10.0.0.1/8;", "allow unix:;",
    "satisfy x;",
    "charset;", "charset a b;", "source_charset koi8-r; charset utf-8;", "charset_map a b { 80; }",
    "charset_map a a { }",
    "charset_map a b { zz 80; }", "charset_types x;", "sub_filter a;", "sub_filter '' b;",
    "sub_filter_types text/html;", "userid x;",
    "userid_name;", "userid_service x;", "userid_expires x;", "userid_p3p a b;", "userid_mark ab;", "userid_mark =;",
    "userid_flags x;",
    "userid_flags secure;", "index;", "index a /b c;", "index /a b;", "autoindex x;", "autoindex_format x;",
    "gzip_static x;", "disable_symlinks x;",
    "disable_symlinks on from=;", "disable_symlinks off from=/x;", "open_file_cache x;", "open_file_cache max=0;",
    "open_file_cache inactive=1s;",
    "open_file_cache_min_uses x;", "limit_rate x;", "limit_rate 1k; limit_rate 2k;", "limit_rate_after;",
    "server { listen; }",
    "server { listen 99999; }", "server { listen 0; }", "server { listen a.b.c.d.invalid:80; }",
    "server { listen [::1; }", "server { listen unix:; }",
    "server { listen 18080 foo; }", "server { listen 18080 backlog=x; }",
    "server { listen 18080 default_server default_server; }",
    "server { listen 18080; listen 18080; }",
    "server { listen 18080 default_server; } server { listen 18080 default_server; }",
    "server { listen 18080 backlog=5; } server { listen 18080 backlog=6; }", "server { listen 18080 so_keepalive=x; }",
    "server { listen 127.0.0.1:18080 ipv6only=on; }", "server { listen 18080 ipv6only=x; }",
    "server { listen 18080 reuseport; }",
    "underscores_in_headers 1;", "merge_slashes yes;", "server_tokens x;", "server_tokens build;", "rewrite_log x;",
    "recursive_error_pages x;",
    "valid_referers none;", "empty_gif;", "stub_status;", "limit_except GET { }", "if ($a) { }", "set $a b;",
    "rewrite a b;", "break;",
    "upstream x { }", "include /nonexistent/x.conf;", "include /nonexistent/*.conf;", "keepalive_requests x;",
    "keepalive_disable x;",
    "chunked_transfer_encoding x;", "reset_timedout_connection x;", "absolute_redirect x;", "types_hash_max_size x;",
    "aio x;",
    "directio x;", "output_buffers 1;", "read_ahead x;", "postpone_output x;", "client_body_temp_path;",
    "client_body_temp_path /x 1 2 3 4;",
    "client_body_temp_path /x 9;", "client_body_in_file_only x;", "client_header_timeout x;", "msie_padding x;",
    "ignore_invalid_headers x;",
  ],
  server: [
    "server_name;", "server_name ~(;", "server_name ~;", "server_name a*b;", "server_name *.*;", "server_name a..b;",
    "server_name .;", "server_name *.a *.a;",
    "server_name \"\";", "server_name a a;", "server_name a/b;", "server_name *;", "server_name www.*.com;",
    "location;", "location / ;", "location {  }",
    "location a b c { }", "location = { }", "location ~ ( { }", "location ~* [ { }", "location ! / { }",
    "location / { } location / { }",
    "location = / { } location = / { }", "location ^~ / { } location / { }", "location ~ a { } location ~ a { }",
    "location @a { } location @a { }",
    "location @a { location / { } }", "location = /a { location /a { } }", "location /a { location /b { } }",
    "location /a { location = /a { } }",
    "location /a { location @b { } }", "location ~ a { location /b { } }", "location =/a { }", "location ~a { }",
    "location ^~/a { }", "location ~*a { }",
    "location a { }", "location ~ ^/(?<x>a)(?<x>b) { }", "location ~ (?<1a>x) { }", "location ~ a{2} { }",
    "location ~ \"a{2}\" { }", "location ~ \\ { }",
    "set a b;", "set $ b;", "set $a;", "set $uri b;", "set $args b;", "set $host b;", "set $http_x b;", "set $arg_a b;",
    "set $1 b;", "set $a $1;",
    "set $a $nothing;", "set $a $;", "set $a ${b;", "set $a ${};", "set $a $a;", "set $limit_rate 1k;", "return;",
    "return x;", "return 1000;", "return 99;",
    "return 200 a b;", "return 301;", "return a;", "return $x;", "return http://a;", "return 204 x;", "return 444 x;",
    "return 301 ftp://x;", "return 200 $1;",
    "rewrite a;", "rewrite ( b;", "rewrite a b c;", "rewrite a b last c;", "rewrite ^ /a$1;", "rewrite ^(a)$ /$2;",
    "rewrite ^ $nothing;", "rewrite a b permanent;",
    "rewrite a{2} b;", "rewrite ^(?<q>a)$ /$q;", "break x;", "if { }", "if () { }", "if ( ) { }", "if ($a) { }",
    "if ($uri) { }", "if ($uri { }", "if $uri { }",
    "if ($uri = a) { }", "if ($uri = ) { }", "if ($uri == a) { }", "if ($uri ~ ( ) { }", "if ($uri ~ \"(\") { }",
    "if ($uri != a b) { }", "if (uri = a) { }",
    "if (-f $uri) { }", "if (-q $uri) { }", "if (!-f $uri) { }", "if (-f) { }", "if ($uri > a) { }",
    "if ($uri ~ a) { set $b $1; }", "if ($uri) { root /x; }",
    "if ($uri) { location / { } }", "if ($uri) { if ($args) { } }", "if ($uri) { return; }",
    "if ($uri) { add_header X y; }", "try_files a;", "try_files a =x;",
    "try_files a =1000;", "try_files a =404;", "try_files a @b;", "try_files a b; try_files c d;",
    "try_files $nothing b;", "internal;", "alias /x;", "root /x; root /y;",
    "limit_except GET { }", "empty_gif;", "stub_status;", "error_page 404 @none;",
    "error_page 404 /x; error_page 404 /y;", "server { }", "http { }",
    "types { text/html html; } types { text/plain txt; }", "map $a $b { }", "log_format a b;", "valid_referers;",
    "valid_referers *.a.*;", "valid_referers ~(;",
    "valid_referers none;", "valid_referers none blocked;", "valid_referers none ~x;",
    "valid_referers none server_names;", "valid_referers none; valid_referers a;",
    "valid_referers none; location / { valid_referers a; }",
    "valid_referers a b;", "add_before_body;", "port_in_redirect x;",
    "access_log /dev/null combined if=$nothing;", "lisen 80;", "proxi_pass x;",
    "listen 127.0.0.1:18080-18081;", "listen 127.0.0.1:18081-18080;", "listen 127.0.0.1:0-2;", "listen 18081-18080;",
    "listen 127.0.0.1:18080-;", "listen 127.0.0.1:65535-65536;", "listen 127.0.0.1:18080-18081-18082;",
    "listen 127.0.0.1:18080-18082; listen 127.0.0.1:18081;", "listen 127.0.0.1:18078-18080;",
    "listen 127.0.0.1:18080-18081 backlog=5; listen 127.0.0.1:18080 backlog=5;", "listen 127.0.0.1:20000-21024;",
  ],
  location: [
    "alias;", "alias /a; alias /b;", "alias /a; root /b;", "root /a; alias /b;", "alias $document_root;",
    "internal on;", "internal; internal;", "limit_except { }",
    "limit_except GTE { }", "limit_except GET { root /x; }", "limit_except GET { deny all; }",
    "limit_except GET { } limit_except POST { }", "empty_gif on;",
    "empty_gif; empty_gif;", "stub_status on;", "stub_status;", "stub_status off;", "return 200; return 201;",
    "listen 80;", "server_name x;", "if ($uri) { }",
    "if ($uri) { root /x; }", "if ($uri) { alias /x; }", "if ($uri) { internal; }", "if ($uri) { try_files a b; }",
    "if ($uri) { error_page 404 /x; }", "if ($uri) { deny all; }",
    "if ($uri) { if ($args) { } }", "if ($uri) { location /x { } }", "if ($uri) { expires 1h; }",
    "if ($uri) { access_log off; }", "if ($uri) { autoindex on; }",
    "try_files $uri $uri/ /x;", "try_files;", "types { }", "default_type x;", "location /in { }",
    "location /elsewhere { }", "post_action /x;", "keepalive_time x;",
    "location ~ x { location ~ y { } }", "valid_referers none blocked a;", "set_real_ip_from 1.1.1.1;",
    "add_header X 1; add_header X 2;", "expires $uri;",
    "index index.html $uri;", "error_page 404 = @x;", "client_max_body_size 0;", "client_header_timeout 1s;",
    "open_file_cache off;", "underscores_in_headers on;",
  ],
};

const differs: Differences = {
  "unknown-variables-have-a-place": [
    "http: log_format a $nothing;", "http: map $a $b { }", "http: map $uri $b { a $nothing; }", "http: geo $x $a { }",
    "http: error_page 404 =200 $nothing;", "server: set $a $nothing;", "server: rewrite ^ $nothing;",
    "server: if ($a) { }", "server: try_files $nothing b;", "server: access_log /dev/null combined if=$nothing;",
  ],
  "words-of-expressions": [
    "http: map $uri $b { ~( 1; }", "server: server_name ~(;", "server: location ~ ( { }", "server: location ~* [ { }",
    "server: location ~ ^/(?<x>a)(?<x>b) { }", "server: location ~ (?<1a>x) { }", "server: rewrite ( b;",
    "server: if ($uri ~ ( ) { }", 'server: if ($uri ~ "(") { }', "server: valid_referers ~(;",
  ],
  "unquoted-braces": ["server: location ~ a{2} { }", "server: rewrite a{2} b;"],
  "counts-of-nothing": ["main: worker_processes 0;", "events: worker_connections 0;"],
  "names-are-looked-up-later": ["events: debug_connection x;", "http: server { listen a.b.c.d.invalid:80; }"],
  "long-port-ranges": ["server: listen 127.0.0.1:20000-21024;"],
  "far-times": ["http: send_timeout 99999999999999;"],
  "server-tokens-text": ["http: server_tokens x;"],
  "not-here": ["http: upstream x { }", "location: post_action /x;"],
  "server-names-are-always-checked": [/^server: server_name (?:a\*b|\*\.\*|a\.\.b|www\.\*\.com);$/],
  "named-locations-once": ["server: location @a { } location @a { }"],
  "handlers-once": ["location: empty_gif; empty_gif;"],
  "split-clients-words": ["http: split_clients $uri $a { 10% a b; }"],
};

const wrappers: Readonly<Record<keyof typeof snippets, (text: string) => string>> = {
  main: (text) => `${text}\nevents { }\nhttp { }\n`,
  events: (text) => `events {\n${text}\n}\nhttp { }\n`,
  http: (text) => `events { }\nhttp {\n${text}\n}\n`,
  server: (text) => `events { }\nhttp {\nserver {\nlisten 127.0.0.1:18079;\n${text}\n}\n}\n`,
  location: (text) => `events { }\nhttp {\nserver {\nlisten 127.0.0.1:18079;\nlocation / {\n${text}\n}\n}\n}\n`,
};

describe("what nginx says of a file is what we say", { skip: requireNginx() }, () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tricorn-refusals-"));
    mkdirSync(join(folder, "logs"));
  });
  after(() => rmSync(folder, { recursive: true }));

  function nginxSays(path: string): string {
    const args = ["-t", "-p", `${folder}/`, "-e", join(folder, "error.log"), "-c", path, "-g", `pid ${folder}/pid;`];
    const { stderr } = spawnSync(findProgram("nginx") ?? "", args, { encoding: "utf8", timeout: 20_000 });
    return firstOf(stderr);
  }

  function weSay(path: string, text: string): string {
    const input = { path, parameter: `pid ${folder}/pid;`, files: { readText: read, glob: () => [] } };
    function read(wanted: string): ReturnType<typeof ok<string>> | { ok: false; error: string } {
      return wanted === path ? ok(text) : { ok: false, error: "2: No such file or directory" };
    }
    const checked = readConfiguration(input, siteDirectives);
    const facts = {
      prefix: folder, directory: folder, errorLog: "-", cpuCount: 2, fileCountMax: 1024,
      isRoot: process.getuid?.() === 0, useColors: undefined,
      kindOf: () => "directory" as const,
    };
    const built = buildConfiguration(checked, facts);
    return firstOf(formatLanguageDiagnostics([...checked.mistakes, ...built.mistakes]));
  }

  const titles = Object.entries(snippets).flatMap(([context, texts]) => texts.map((text) => `${context}: ${text}`));
  const named = differenceOf(titles, differs);
  for (const [context, texts] of Object.entries(snippets)) {
    for (const text of texts) {
      const name = named(`${context}: ${text}`);
      test(`${context}: ${text}${name === undefined ? "" : ` differs: ${name}`}`, () => {
        const path = join(folder, "nginx.conf");
        const whole = wrappers[context as keyof typeof snippets](text);
        writeFileSync(path, whole);
        const [theirs, ours] = [nginxSays(path), weSay(path, whole)];
        if (name === undefined) assert.equal(ours, theirs);
        else assert.notEqual(ours, theirs, `"${name}" of docs/differences.md is no difference any more`);
      });
    }
  }
});

/** The first error, or "" for a file that is taken. Sockets are not asked for here. */
function firstOf(text: string): string {
  return text.split("\n").find((line) => line.startsWith("nginx: [emerg]") && !line.includes("bind()")) ?? "";
}
