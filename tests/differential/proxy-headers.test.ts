// What an upstream is told of a request's fields: proxy_set_header, hop-by-hop fields, versions of HTTP.
import { proxied } from "./proxied.ts";

/** Not inherited by a location that sets fields of its own. */
const none = `proxy_set_header Connection "";`;

proxied({
  title: "proxy_set_header",
  http: `map $http_x_kind $mapped { default none; a first; e ""; }
    proxy_set_header X-Http http;`,
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /plain { ${none} proxy_pass http://%UP%; }
    location /host { ${none} proxy_set_header Host $host; proxy_pass http://%UP%; }
    location /http-host { ${none} proxy_set_header Host $http_host; proxy_pass http://%UP%; }
    location /proxy-host { ${none} proxy_set_header Host $proxy_host:$proxy_port; proxy_pass http://%UP%; }
    location /no-host { ${none} proxy_set_header Host ""; proxy_pass http://%UP%; }
    location /real-ip { ${none} proxy_set_header X-Real-IP $remote_addr; proxy_pass http://%UP%; }
    location /forwarded { ${none} proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
      proxy_set_header X-Forwarded-Port $server_port; proxy_pass http://%UP%; }
    location /replaced { ${none} proxy_set_header X-Client own; proxy_pass http://%UP%; }
    location /case { ${none} proxy_set_header x-CLIENT own; proxy_pass http://%UP%; }
    location /removed { ${none} proxy_set_header X-Client ""; proxy_pass http://%UP%; }
    location /twice { ${none} proxy_set_header X-Two 1; proxy_set_header X-Two 2; proxy_pass http://%UP%; }
    location /mapped { ${none} proxy_set_header X-Mapped $mapped; proxy_pass http://%UP%; }
    location /joined { ${none} proxy_set_header X-Joined "a $arg_a, $arg_b z"; proxy_pass http://%UP%; }
    location /empty-variable { ${none} proxy_set_header X-Client $arg_none; proxy_pass http://%UP%; }
    location /accept { ${none} proxy_set_header Accept-Encoding ""; proxy_pass http://%UP%; }
    location /upgrade { proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
      proxy_pass http://%UP%; }
    location /close { proxy_set_header Connection close; proxy_pass http://%UP%; }
    location /keep-alive { proxy_set_header Connection keep-alive; proxy_pass http://%UP%; }
    location /default-connection { proxy_set_header X-A b; proxy_set_header Connection close; proxy_pass http://%UP%; }
    location /length { ${none} proxy_set_header Content-Length ""; proxy_set_header X-L $content_length;
      proxy_pass http://%UP%; }
    location /type { ${none} proxy_set_header Content-Type text/own; proxy_pass http://%UP%; }
    location /cookie { ${none} proxy_set_header Cookie "$http_cookie; own=1"; proxy_pass http://%UP%; }
    location /te { ${none} proxy_set_header TE trailers; proxy_pass http://%UP%; }
    location /expect { ${none} proxy_set_header Expect ""; proxy_pass http://%UP%; }
    location /range { ${none} proxy_set_header Range ""; proxy_set_header If-Range ""; proxy_pass http://%UP%; }
    location /uri { ${none} proxy_set_header X-Uri $uri; proxy_set_header X-Request-Uri $request_uri;
      proxy_set_header X-Args $args; proxy_pass http://%UP%; }
    location /request { ${none} proxy_set_header X-Method $request_method; proxy_set_header X-Request "$request";
      proxy_set_header X-Length $request_length; proxy_set_header X-Protocol $server_protocol;
      proxy_set_header X-Server $server_name; proxy_set_header X-Https "$https"; proxy_pass http://%UP%; }
    location /captures { ${none} location ~ ^/captures/(?<name>[a-z]+)/(.*)$ { ${none}
      proxy_set_header X-Name $name; proxy_set_header X-Rest $2; proxy_pass http://%UP%; } }
    location /outer/ { ${none} proxy_set_header X-Outer outer;
      location /outer/inherits/ { proxy_pass http://%UP%; }
      location /outer/own/ { ${none} proxy_set_header X-Inner inner; proxy_pass http://%UP%; } }
    location /no-fields { ${none} proxy_pass_request_headers off; proxy_set_header X-Only this; proxy_pass http://%UP%;
      }
    location /1.0 { proxy_http_version 1.0; proxy_set_header Connection close; proxy_pass http://%UP%; }
    location /auth { ${none} proxy_set_header Authorization "Basic dTpw"; proxy_pass http://%UP%; }
    location /set { ${none} set $chosen "$arg_x-set"; proxy_set_header X-Chosen $chosen; proxy_pass http://%UP%; }
    location /quotes { ${none} proxy_set_header X-Quotes "a \"quoted\" 'text'"; proxy_pass http://%UP%; }
    location /utf { ${none} proxy_set_header X-Utf "é"; proxy_pass http://%UP%; }
    location /underscore { ${none} proxy_set_header X_Under score; proxy_pass http://%UP%; }
  `,
  differs: { "framing-of-passed-bodies": ["POST /length || abc"] },
  cases: [
    "GET /", "GET /plain", "GET /host", "GET /host | Host: Other.test:8080", "GET /http-host | Host: Other.test:8080",
    "GET /http-host HTTP/1.0", "GET /host HTTP/1.0", "GET /proxy-host", "GET /no-host",
    "GET /real-ip", "GET /real-ip | X-Real-IP: 192.0.2.1", "GET /forwarded",
    "GET /forwarded | X-Forwarded-For: 192.0.2.1, 198.51.100.2",
      "GET /forwarded | X-Forwarded-For: a | X-Forwarded-For: b",
    "GET /forwarded | X-Forwarded-Proto: https | X-Forwarded-Host: evil",
    "GET /replaced | X-Client: theirs", "GET /replaced | x-client: theirs | X-CLIENT: theirs", "GET /replaced",
    "GET /case | X-Client: theirs", "GET /removed | X-Client: theirs", "GET /removed | X-Client: a | X-Client: b",
    "GET /twice | X-Two: 0", "GET /mapped | X-Kind: a", "GET /mapped | X-Kind: e", "GET /mapped", "GET /joined?a=1",
    "GET /joined?a=1&b=2%20", "GET /empty-variable | X-Client: theirs", "GET /accept | Accept-Encoding: gzip",
    "GET /upgrade", "GET /close", "GET /keep-alive", "GET /default-connection", "POST /length || abc",
    "POST /type | Content-Type: text/theirs || abc", "GET /type", "GET /cookie | Cookie: a=1", "GET /cookie",
    "GET / | Cookie: a=1 | Cookie: b=2", "GET /te | TE: gzip", "GET /te", "GET /range | Range: bytes=0-1",
    "GET /uri/%41%2f?x=%20&y", "GET /uri//a/../b?", "GET /request", "PUT /request?a=b || 12345",
    "GET /captures/abc/d%20e/f?g", "GET /outer/inherits/", "GET /outer/own/",
    "GET /no-fields | X-Client: 1 | Accept: text/html", "POST /no-fields | Content-Type: text/plain || abc",
    "GET /1.0", "GET /1.0 HTTP/1.0", "POST /1.0 || abc", "GET /auth | Authorization: Basic eDp5", "GET /set?x=1",
    "GET /quotes", "GET /utf", "GET /underscore",
    "GET / | Empty:", "GET / | X-Long: " + "y".repeat(3000), "GET / | X-Colons: a:b::c", "GET / | X-Blank:    x   ",
    "GET / | x-lower: 1 | X-UPPER: 2 | X-MiXed: 3", "GET / | X-Same: 1 | X-Other: 2 | X-Same: 3",
    "GET / | Accept: a | Accept: b | Accept-Language: de", "GET / | User-Agent: x/1 | Referer: http://a/",
    "GET / HTTP/1.0", "GET / HTTP/1.0 | Host: old.test", "GET / HTTP/1.0 | Connection: keep-alive",
    "GET http://absolute.test/path?q", "GET http://absolute.test:81/ | Host: other.test",
  ],
});

proxied({
  title: "hop-by-hop fields of requests",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /te { proxy_set_header Connection ""; proxy_set_header TE $http_te; proxy_pass http://%UP%; }
  `,
  differs: {
    "hop-by-hop-fields": [/X-Named|X-Other|Proxy-Connection|HTTP2-Settings/],
    "continue-for-what-is-not-read": ["GET / | Expect: 100-continue"],
  },
  cases: [
    "GET / | Connection: close", "GET / | Connection: close, X-Named | X-Named: 1",
    "GET / | Connection: X-Named, close | X-Named: 1", "GET / | Connection: close | Connection: X-Other | X-Other: 1",
    "GET / | Keep-Alive: timeout=5", "GET / | Proxy-Connection: keep-alive", "GET / | TE: trailers",
    "GET / | TE: trailers | Connection: TE, close", "GET / | Trailer: X-T", "GET / | Upgrade: h2c",
    "GET / | Upgrade: websocket | Connection: Upgrade, close", "GET / | Proxy-Authorization: Basic eDp5",
    "GET / | Proxy: http://evil", "GET / | Expect: 100-continue", "GET / | Max-Forwards: 0",
      "OPTIONS / | Max-Forwards: 0",
    "GET / | HTTP2-Settings: AAMAAABkAAQAAP__ | Upgrade: h2c | Connection: Upgrade, HTTP2-Settings, close",
    "GET / | Via: 1.1 other", "GET / | Forwarded: for=192.0.2.1", "GET /te | TE: trailers",
    "GET / HTTP/1.0 | Connection: keep-alive | Keep-Alive: 300", "GET / | Content-Length: 0",
      "DELETE / | Content-Length: 0",
    "GET / | Connection: close, Host | X: 1", "GET / | Connection: close, Content-Length || abc",
  ],
});
