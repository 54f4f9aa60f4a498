// allow and deny, satisfy, realip, valid_referers.
import { differential } from "./group.ts";

const referers = [
  "http://www.example.test/x", "http://example.test/", "https://example.test", "http://EXAMPLE.test/",
  "http://sub.wild.test/",
  "http://wild.test/", "http://a.end.org/x", "http://end.com/", "http://other.test/", "example.test", "-", "blocked",
  "ftp://x",
  "http://path.test/allowed/x", "http://path.test/other", "http://regex7.test/", "http://regex.test/",
  "http://site.test/",
  "http://main.test:8080/", "http://", "http://example.test.evil/", "http://evil/?http://example.test/",
];
const forwarded = [
  "1.2.3.4", "1.2.3.4, 5.6.7.8", "1.2.3.4,127.0.0.1", "junk", "", "1.2.3.4:99", "[::1]:80", "::1", "2001:db8::1",
  "unix:",
  "1.2.3.4, 10.1.1.1", "1.2.3.4, 10.1.1.1, 10.2.2.2", "1.2.3.4, junk, 10.1.1.1", "10.1.1.1", " 1.2.3.4 ", "1.2.3.4,",
  ",1.2.3.4",
  "01.2.3.4", "1.2.3", "1.2.3.4 5.6.7.8",
];

differential({
  title: "access, realip, referer",
  files: { "f.txt": "file", "403.html": "no" },
  http: String.raw`
    server {
      listen 127.0.0.1:%PORT%;
      server_name main.test site.test;
      root %ROOT%;
      location /allowall { allow all; deny all; alias %ROOT%/f.txt; }
      location /denyall { deny all; alias %ROOT%/f.txt; }
      location /denyreturn { deny all; return 200 "return comes first\n"; }
      location /me { allow 127.0.0.1; deny all; alias %ROOT%/f.txt; }
      location /net { allow 127.0.0.0/8; deny all; alias %ROOT%/f.txt; }
      location /notme { deny 127.0.0.1; allow all; alias %ROOT%/f.txt; }
      location /other { allow 10.0.0.0/8; deny all; alias %ROOT%/f.txt; }
      location /none { deny 10.0.0.0/8; alias %ROOT%/f.txt; }
      location /six { allow ::1; deny all; alias %ROOT%/f.txt; }
      location /unix { allow unix:; deny all; alias %ROOT%/f.txt; }
      location /order { deny 127.0.0.0/8; allow 127.0.0.1; alias %ROOT%/f.txt; }
      location /inherit/ { deny all; location /inherit/in { alias %ROOT%/f.txt;
        } location /inherit/own { allow 127.0.0.1;
        alias %ROOT%/f.txt; } alias %ROOT%/; }
      location /page { deny all; error_page 403 /403.html; alias %ROOT%/f.txt; }
      location /pagenamed { deny all; error_page 403 = @denied; alias %ROOT%/f.txt; }
      location @denied { return 200 "denied $uri\n"; }
      location /try { deny all; try_files /f.txt =404; }
      location /redir { deny all; rewrite ^ /allowall last; }
      location /ref { valid_referers none blocked server_names example.test *.wild.test a.end.* path.test/allowed
        ~regex\d\.test www.example.test; if ($invalid_referer) { return 403; } return 200 "[$invalid_referer]\n"; }
      location /refonly { valid_referers example.test; if ($invalid_referer) { return 403; } return 200 "ok\n"; }
      location /refnone { valid_referers none nobody.test; return 200 "[$invalid_referer]\n"; }
      location /refno { return 200 "[$invalid_referer]\n"; }
    }
    server {
      listen 127.0.0.1:%PORT2%;
      set_real_ip_from 127.0.0.1;
      real_ip_header X-Forwarded-For;
      location / { return 200 "$remote_addr|$realip_remote_addr|$proxy_add_x_forwarded_for\n"; }
      location /deny { deny 1.2.3.4; root %ROOT%; try_files /f.txt =404; }
      location /xreal { real_ip_header X-Real-IP; return 200 "$remote_addr\n"; }
    }
    server {
      listen 127.0.0.1:%PORT3%;
      set_real_ip_from 127.0.0.1;
      set_real_ip_from 10.0.0.0/8;
      real_ip_header X-Forwarded-For;
      real_ip_recursive on;
      location / { return 200 "$remote_addr|$realip_remote_addr\n"; }
    }
    server {
      listen 127.0.0.1:%PORT4%;
      set_real_ip_from 192.168.0.0/16;
      real_ip_header X-Forwarded-For;
      location / { return 200 "$remote_addr|$realip_remote_addr\n"; }
    }
    server {
      listen 127.0.0.1:%PORT5%;
      listen unix:%PREFIX%/s;
      set_real_ip_from unix:;
      real_ip_header X-Real-IP;
      location / { return 200 "$remote_addr|$realip_remote_addr|$remote_port\n"; }
      location /unix { allow unix:; deny all; root %ROOT%; try_files /f.txt =404; }
    }
    server {
      listen 127.0.0.1:%PORT6%;
      set_real_ip_from 127.0.0.1;
      location / { return 200 "$remote_addr|$remote_port\n"; }
      location /late { real_ip_header X-Late; add_header X-Address "$remote_addr"; root %ROOT%; try_files /f.txt =404; }
    }`,
  differs: {
    "leading-zeros": ["GET / | X-Forwarded-For: 01.2.3.4 to 2", "GET / | X-Forwarded-For: 01.2.3.4 to 3"],
  },
  cases: [
    ...["allowall", "denyall", "denyreturn", "me", "net", "notme", "other", "none", "six", "unix", "order",
      "inherit/f.txt",
      "inherit/in", "inherit/own", "page", "pagenamed", "try", "redir"].map((path) => `GET /${path}`),
    ...referers.flatMap((referer) => [`GET /ref | Referer: ${referer}`, `GET /refonly | Referer: ${referer}`]),
    "GET /ref", "GET /refonly", "GET /refnone", "GET /refnone | Referer: x", "GET /refno | Referer: x",
    "GET /ref | Referer: ",
    "GET /ref | Referer: bad | Referer: http://example.test/",
    ...forwarded.flatMap((value) => [2, 3, 4].map((to) => ({ request: `GET / | X-Forwarded-For: ${value}`, to }))),
    { request: "GET / | X-Forwarded-For: 1.2.3.4 | X-Forwarded-For: 5.6.7.8", to: 2 },
    { request: "GET / | X-Forwarded-For: 1.2.3.4 | X-Forwarded-For: 10.6.7.8", to: 3 }, { request: "GET /", to: 2 },
    { request: "GET /deny | X-Forwarded-For: 1.2.3.4", to: 2 },
    { request: "GET /deny | X-Forwarded-For: 1.2.3.5", to: 2 },
    { request: "GET /xreal | X-Real-IP: 9.9.9.9", to: 2 },
    { request: "GET /xreal | X-Real-IP: 9.9.9.9 | X-Real-IP: 8.8.8.8", to: 2 },
    { request: "GET / | X-Real-IP: 9.9.9.9:1234", to: 6 },
    { request: "GET / | X-Real-IP: [2001:db8::1]:77", to: 6 },
    { request: "GET /late | X-Late: 9.9.9.9", to: 6 }, { request: "GET /late | X-Real-IP: 9.9.9.9", to: 6 },
    { request: "GET / | X-Real-IP: 9.9.9.9", to: "s" }, { request: "GET /", to: "s" },
    { request: "GET /unix", to: "s" },
    { request: "GET /unix", to: 5 }, { request: "GET / | X-Real-IP: 9.9.9.9", to: 5, masks: [/\d+$/gm] },
  ],
});
