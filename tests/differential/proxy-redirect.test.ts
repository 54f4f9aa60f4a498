// proxy_redirect and what is rewritten in cookies.
import { proxied } from "./proxied.ts";

const sent = (path: string, fields: readonly string[], status: string =
  "302 Found"): { request: string; answer: string }[] =>
  fields.map((field) => ({ request: `GET ${path}`, answer: `${status} | ${field}` }));
const places = [
  "http://%UP%/to/x", "http://%UP%/to/", "http://%UP%/to", "http://%UP%/", "http://%UP%", "/to/x", "/x", "to/x",
  "http://other.test/x", "http://own.test/x", "http://OWN.test/x", "//own.test/x", "https://own.test/x", "", "?q", "#f",
];

proxied({
  title: "proxy_redirect",
  http: "upstream own.test { server %UP%; }",
  server: String.raw`
    location /default/ { proxy_pass http://own.test/to/; }
    location /default-none/ { proxy_pass http://own.test; }
    location = /default-exact { proxy_pass http://own.test/to/; }
    location /off/ { proxy_redirect off; proxy_pass http://own.test/to/; }
    location /own/ { proxy_redirect http://own.test/ /mapped/; proxy_pass http://own.test/to/; }
    location /own-host/ { proxy_redirect http://own.test/ http://$host:$server_port/; proxy_pass http://own.test; }
    location /both/ { proxy_pass http://own.test/to/; proxy_redirect default;
      proxy_redirect http://other.test/ /other/; }
    location /first/ { proxy_redirect http://own.test/to/ /one/; proxy_redirect http://own.test/ /two/;
      proxy_pass http://own.test/to/; }
    location /regex/ { proxy_redirect ~^http://([a-z]+)\.test/(.*)$ /$1/$2; proxy_pass http://own.test/to/; }
    location /regex-case/ { proxy_redirect ~*^http://own\.test/ /case/; proxy_pass http://own.test/to/; }
    location /regex-inside/ { proxy_redirect ~test /inside; proxy_pass http://own.test/to/; }
    location /variable/ { proxy_redirect http://$proxy_host/ /v/; proxy_pass http://own.test/to/; }
    location /relative/ { proxy_redirect / /sub/; proxy_pass http://own.test; }
    location /to-nothing/ { proxy_redirect http://own.test ""; proxy_pass http://own.test; }
    location /inherits/ { proxy_redirect http://own.test/ /outer/; location /inherits/x { proxy_pass http://own.test;
      } }
    location /absolute/ { absolute_redirect off; proxy_redirect http://own.test/ /mapped/; proxy_pass http://own.test; }
    location ~ ^/expression { proxy_redirect http://own.test/ /e/; proxy_pass http://own.test; }
  `,
  cases: [
    ...["/default/", "/default-none/", "/default-exact", "/off/", "/own/", "/own-host/", "/both/", "/first/", "/regex/",
      "/regex-case/", "/regex-inside/", "/variable/", "/relative/", "/to-nothing/", "/inherits/x", "/absolute/",
        "/expression",
    ].flatMap((path) => [
      ...sent(path, ["http://own.test/to/x", "http://own.test/", "http://OWN.test/to/x", "http://other.test/to/x",
        "/x", "/to/x?q"]
        .map((place) => `Location: ${place}`)),
      ...sent(path, ["5; url=http://own.test/to/x"].map((place) => `Refresh: ${place}`), "200 OK"),
    ]),
    ...sent("/default/", places.map((place) => `Location: ${place.replace("%UP%", "own.test")}`)
      .filter((field) => !/own\.test\/(?:to\/x)?$|OWN|\/x$/.test(field))),
    ...sent("/own/", ["Location: http://own.test/a"], "201 Created"), ...sent("/own/", ["Location: http://own.test/a"],
      "200 OK"),
    ...sent("/own/", ["Location: http://own.test/a"], "404 Not Found"),
    ...sent("/own/", ["Refresh: 5", "Refresh: 5;url=http://own.test/a", "Refresh: 5; URL=http://own.test/a",
      "Refresh: 0; url=\"http://own.test/a\"", "Refresh: http://own.test/a", "URI: http://own.test/a",
      "Content-Location: http://own.test/a"], "200 OK"),
  ],
});

const cookies = [
  "a=1", "a=1; Path=/in/", "a=1; path=/in/x; Domain=in.test", "a=1; Domain=.in.test; Secure", "a=1; domain=IN.test",
  "a=1;Path=/in/;HttpOnly", "a=1; Path=/", "a=1; Path=\"/in/\"", "b=2; Path=/in/; SameSite=Lax; Secure; HttpOnly",
  "session=x; Path=/in/; Max-Age=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1; Path", "a=1; Domain=sub.in.test", "",
  "a", "a=1; Path=/in/; Path=/in/twice", "a=Path=/in/; Domain=other.test", "a=1 ; Path = /in/",
];

proxied({
  title: "cookies",
  server: String.raw`
    location /off { proxy_cookie_domain off; proxy_cookie_path off; proxy_pass http://%UP%; }
    location /path { proxy_cookie_path /in/ /out/; proxy_pass http://%UP%; }
    location /domain { proxy_cookie_domain in.test out.test; proxy_pass http://%UP%; }
    location /both { proxy_cookie_domain in.test $host; proxy_cookie_path /in/ /$arg_to/; proxy_pass http://%UP%; }
    location /regex { proxy_cookie_path ~^/in/(.*)$ /r/$1; proxy_cookie_domain ~\.?([a-z]+)\.test $1.example;
      proxy_pass http://%UP%; }
    location /regex-case { proxy_cookie_path ~*/IN/ /c/; proxy_pass http://%UP%; }
    location /two { proxy_cookie_path /in/x /one/; proxy_cookie_path /in/ /two/; proxy_pass http://%UP%; }
    location /root { proxy_cookie_path / "/app/; added"; proxy_pass http://%UP%; }
    location /flags { proxy_cookie_flags a secure httponly samesite=strict; proxy_pass http://%UP%; }
    location /no-flags { proxy_cookie_flags ~. nosecure nohttponly nosamesite; proxy_pass http://%UP%; }
    location /two-flags { proxy_cookie_flags a secure; proxy_cookie_flags ~session httponly; proxy_pass http://%UP%; }
    location /flag-variable { proxy_cookie_flags $arg_name $arg_flag; proxy_pass http://%UP%; }
    location /all { proxy_cookie_path /in/ /out/; proxy_cookie_domain in.test out.test;
      proxy_cookie_flags ~. secure samesite=none; proxy_pass http://%UP%; }
  `,
  cases: [
    ...["/off", "/path", "/domain", "/both?to=x", "/regex", "/regex-case", "/two", "/root", "/flags", "/no-flags",
      "/two-flags",
      "/flag-variable?name=a&flag=httponly", "/all",
    ].flatMap((path) => sent(path, cookies.map((cookie) => `Set-Cookie: ${cookie}`), "200 OK")),
    ...sent("/all", ["Set-Cookie: a=1; Path=/in/ | Set-Cookie: b=2; Domain=in.test | X: y | Set-Cookie: c=3"],
      "404 Not Found"),
  ],
});
