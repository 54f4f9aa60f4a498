// Which server answers: names, wildcards, expressions, defaults, over several addresses.
import { differential } from "./group.ts";

const hosts = [
  "exact.test", "EXACT.test", "exact.test:8080", "exact.test.", "a.wild.test", "a.b.wild.test", "wild.test",
  "x.dot.test", "dot.test",
  "www.start.org", "www.start.a.b", "www.start", "rx12.test", "rx.test", "named-ann.test", "long.a.wild.test",
  "both.test", "unknown.test",
  "127.0.0.1", "127.0.0.1:99", "[::1]", "[::1]:80", "localhost", "", "a..b", ".test", "exact.test..", "exact_test",
  "-x", "é.test",
  "ex%61ct.test", "exact.test:", "exact.test:x", "exact.test:80:80", "exact.test/", "a b", "a\tb", "*.wild.test",
  "underscore_x.test",
  "exact.test, other.test", "user@exact.test", "[::1", "::1", "exact.test:99999", `${"a".repeat(300)}.test`,
  "a.exact.test", "xn--nxa.test", "[v1.x]", "[V1.x]:80", "[v0123.!$&'()*+,;=-._~:aZ9]", "[v1.a..b]",
];

differential({
  title: "which server answers",
  http: String.raw`
    server_names_hash_bucket_size 512;
    server { listen 127.0.0.1:%PORT%; server_name first.test; return 200 "first $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name exact.test; return 200 "exact $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name *.wild.test; return 200 "wild $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name *.a.wild.test; return 200 "longer wild $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name .dot.test; return 200 "dot $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name www.start.*; return 200 "start $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name ~^rx(\d+)\.test$; return 200 "rx $1 $server_name $host\n"; }
    server { listen 127.0.0.1:%PORT%; server_name ~^named-(?<who>.+)\.test$;
      location / { return 200 "named $who $host\n"; } }
    server { listen 127.0.0.1:%PORT%; server_name ~^both; return 200 "both rx\n"; }
    server { listen 127.0.0.1:%PORT%; server_name both.test *.both.test; return 200 "both exact\n"; }
    server { listen 127.0.0.1:%PORT%; server_name _ "" 127.0.0.1 underscore_x.test; return 200 "empty name $host\n"; }
    server { listen 127.0.0.1:%PORT2%; server_name a.test; return 200 "a\n"; }
    server { listen 127.0.0.1:%PORT2% default_server; server_name b.test; return 200 "b by default\n"; }
    server { listen 127.0.0.1:%PORT3%; listen 127.0.0.1:%PORT4%; server_name two.test; return 200 "two $server_port\n";
      }
    server { listen 127.0.0.1:%PORT4%; server_name four.test; return 200 "four\n"; }
    server { listen %PORT5%; server_name any.test; return 200 "any $server_addr\n"; }
    server { listen 127.0.0.1:%PORT5%; server_name any.test; return 200 "narrow\n"; }
    server { listen 127.0.0.1:%PORT6%; server_name $hostname; return 200 "[$server_name]\n"; }`,
  differs: {
    "strict-host": [/Host: (?:é\.test|exact\.test:(?:x|80:80|99999)|user@exact\.test|\[::1|a{300}\.test)$/],
  },
  cases: [
    ...hosts.map((host) => `GET / | Host: ${host}`),
    ...hosts.slice(0, 12).map((host) => `GET http://${host}/ | Host: first.test`),
    "GET / HTTP/1.0", "GET / HTTP/1.0 | Host: exact.test", "GET http://exact.test/ HTTP/1.0",
    "GET / HTTP/1.1 | Connection: close", "GET / HTTP/1.1 | Host: exact.test | Host: first.test | Connection: close",
    "GET / HTTP/1.1 | Host: exact.test | Host: exact.test | Connection: close",
    "GET / | Host: first.test | host: exact.test",
    { request: "GET / | Host: a.test", to: 2 }, { request: "GET / | Host: c.test", to: 2 },
    { request: "GET / HTTP/1.0", to: 2 },
    { request: "GET / | Host: two.test", to: 3 }, { request: "GET / | Host: four.test", to: 3 },
    { request: "GET / | Host: two.test", to: 4 }, { request: "GET / | Host: four.test", to: 4 },
    { request: "GET / | Host: x", to: 4 },
    { request: "GET / | Host: any.test", to: 5 }, { request: "GET /", to: 6 },
  ],
});
