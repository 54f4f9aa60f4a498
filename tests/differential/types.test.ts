// types and default_type: what Content-Type a name has, inherited and replaced, in any case of letters.
import { differential } from "./group.ts";

const names = ["a.html", "a.HTML", "a.htm", "a.txt", "a.js", "a.tar.gz", "a.gz", "a", ".html", "a.", "a.b.c", "a.x-y",
  "a.html~", "a.é", "d.ext/a",
  "a.longextensionindeedmuchlongerthanusual", "a.gif", "a.jpg"];

differential({
  title: "types and default_type",
  files: Object.fromEntries(names.map((name) => [name, "x"])),
  http: String.raw`
    server { listen 127.0.0.1:%PORT%; root %ROOT%; }
    server { listen 127.0.0.1:%PORT2%; root %ROOT%; types { text/a txt html; text/b HTML é; a/b x-y;
      } default_type def/ault; }
    server { listen 127.0.0.1:%PORT3%; root %ROOT%; types { text/outer txt; } default_type $uri;
      location /a.t { types { text/inner js; } } location /a.js { default_type text/own; } }
    server { listen 127.0.0.1:%PORT5%; default_type text/html; charset utf-8; location / { return 200 "x"; }
      location /own { default_type a/b; return 200 "x"; } location /redirect { return 301 /x;
        } location /404 { return 404 "x"; }
      location /x.txt { return 200 "x"; } location /empty { default_type ""; return 200 "x"; } }`,
  differs: {
    "types-database": [
      "GET /a.htm to 1", "GET /a.js to 1", "GET /a.tar.gz to 1", "GET /a.gz to 1", "GET /a.b.c to 1", "GET /x.txt to 5",
    ],
  },
  cases: [1, 2, 3].flatMap((to) => names.map((name) => ({ request: `GET /${encodeURI(name)}`, to })))
    .concat(["/", "/own", "/redirect", "/404", "/x.txt", "/empty",
    "/x.html"].map((path) => ({ request: `GET ${path}`, to: 5 }))),
});
