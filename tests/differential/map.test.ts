// map, geo and split_clients, with what they do to captures, and when they are looked at.
import { differential } from "./group.ts";

const clients = Array.from({ length: 24 }, (_, index) => `GET /split?k=client-${index * 7}`);

differential({
  title: "map, geo, split_clients",
  files: { "included.map": "inc-a included;\ninc-b $arg_v;\n", "net.geo": "10.9.0.0/16 from-file;\n" },
  http: String.raw`
    map $arg_k $simple { default none; a A; "b c" BC; \default literal; ~^rx(\d+)$ "rx:$1"; ~*^CI(?<ci>.*) "ci:$ci"; }
    map $arg_k $nodefault { a A; }
    map $arg_k $novalue { default ""; a ""; b b; }
    map $http_host $byhost { hostnames; default other; example.test exact; *.example.test wild; .both.test both;
      www.* end; ~^re\.(?<sub>.+)$ "re $sub"; }
    map $arg_k $nested { default $simple; x "<$arg_v>"; y $nested2; }
    map $arg_v $nested2 { default deep; 1 one; }
    map "$arg_k:$arg_v" $both { default no; "a:1" yes; ~^(?<left>[^:]*):(?<right>.*)$ "$right-$left"; }
    map $arg_k $order { ~a first; ~ab second; abc exact; default d; }
    map $arg_k $included { default no; include %ROOT%/included.map; }
    map $arg_k $vol { volatile; default "$arg_v"; }
    map $arg_k $case { abc lower; }
    map $arg_k $two { default a; ~(.)(.) $2$1; }
    map $arg_k $neg { default kept; ~!x odd; }
    map $request_method $m { default 0; GET 1; ~^P 2; }
    geo $arg_ip $geo { default none; 10.0.0.0/8 ten; 10.1.0.0/16 ten-one; 10.1.1.1 host; 10.2.0.0/16 ten-two;
      192.168.0.0/24 priv; ::1 six; 2001:db8::/32 doc; fe80::/10 link; 0.0.0.0/1 low; delete 10.2.0.0/16;
      include %ROOT%/net.geo; }
    geo $geodefault { default away; 127.0.0.0/8 home; }
    geo $arg_ip $ranges { ranges; default none; 10.0.0.0-10.0.0.255 first; 10.0.1.0-10.0.1.9 second;
      10.0.0.16-10.0.0.31 inside; 127.0.0.1-127.0.0.1 me; }
    geo $proxied { default direct; proxy 127.0.0.1; 1.2.3.4 behind; 5.6.0.0/16 net; }
    geo $proxiedrec { default direct; proxy 127.0.0.1; proxy 5.6.0.0/16; proxy_recursive; 1.2.3.4 behind;
      5.6.0.0/16 net; }
    geo $nodef { 10.0.0.0/8 ten; }
    split_clients "$arg_k" $split { 10% a; 20.5% b; 0.5% c; * rest; }
    split_clients "$arg_k" $half { 50% one; 50% two; }
    split_clients "$arg_k" $part { 30% only; }
    server {
      listen 127.0.0.1:%PORT%;
      location /simple { return 200 "$simple\n"; }
      location /nodefault { return 200 "[$nodefault]\n"; }
      location /novalue { return 200 "[$novalue]\n"; }
      location /host { return 200 "$byhost\n"; }
      location /nested { return 200 "$nested\n"; }
      location /both { return 200 "$both\n"; }
      location /order { return 200 "$order\n"; }
      location /included { return 200 "$included\n"; }
      location /vol { set $first $vol; set $args "k=x&v=changed"; return 200 "$first $vol $simple\n"; }
      location /stable { set $first $simple; set $args "k=b%20c"; return 200 "$first $simple\n"; }
      location /case { return 200 "$case\n"; }
      location ~ ^/captures/(.)(.) { return 200 "$1 $two $1\n"; }
      location /neg { return 200 "$neg\n"; }
      location /method { return 200 "$m\n"; }
      location /ifmap { if ($nodefault) { return 200 "true\n"; } return 200 "false\n"; }
      location /geo { return 200 "$geo\n"; }
      location /geodefault { return 200 "$geodefault\n"; }
      location /ranges { return 200 "$ranges\n"; }
      location /proxied { return 200 "$proxied $proxiedrec\n"; }
      location /nodef { return 200 "[$nodef]\n"; }
      location /split { return 200 "$split $half [$part]\n"; }
    }`,
  differs: {
    "captures-in-order": ["GET /captures/xy?k=pq"],
    "leading-zeros": ["GET /geo?ip=010.0.0.1", "GET /ranges?ip=010.0.0.1"],
  },
  cases: [
    "GET /simple?k=a", "GET /simple?k=A", "GET /simple?k=", "GET /simple", "GET /simple?k=b%20c",
    "GET /simple?k=default",
    "GET /simple?k=rx12", "GET /simple?k=rx12x", "GET /simple?k=ciABC", "GET /simple?k=CI", "GET /nodefault?k=a",
    "GET /nodefault?k=z", "GET /novalue?k=a", "GET /novalue?k=b", "GET /novalue",
    ...["example.test", "EXAMPLE.test", "a.example.test", "a.b.example.test", "both.test", "x.both.test",
      "www.anything.org",
      "www", "re.x.y", "example.test.", "example.test:80", "nothing",
      "xexample.test"].map((host) => `GET /host | Host: ${host}`),
    "GET /nested?k=a", "GET /nested?k=x&v=5", "GET /nested?k=y", "GET /nested?k=y&v=1", "GET /both?k=a&v=1",
    "GET /both?k=b&v=2",
    "GET /both", "GET /order?k=abc", "GET /order?k=ab", "GET /order?k=xa", "GET /included?k=inc-a",
    "GET /included?k=inc-b&v=V",
    "GET /included?k=c", "GET /vol?k=a&v=1", "GET /stable?k=a", "GET /case?k=ABC", "GET /case?k=abc",
    "GET /captures/xy?k=pq",
    "GET /captures/xy?k=p", "GET /neg?k=!x", "GET /neg?k=x", "POST /method", "PUT /method", "GET /method",
    "DELETE /method",
    "GET /ifmap?k=a", "GET /ifmap?k=b",
    ...["10.0.0.1", "10.1.0.1", "10.1.1.1", "10.2.0.1", "192.168.0.255", "192.168.1.0", "::1", "2001:db8::5",
      "2001:db9::5",
      "fe80::1", "1.1.1.1", "200.1.1.1", "10.9.1.1", "nonsense", "", "010.0.0.1", "10.1", "::ffff:10.1.1.1",
      "127.0.0.1"]
      .flatMap((ip) => [`GET /geo?ip=${ip}`, `GET /ranges?ip=${ip}`]),
    "GET /geodefault", "GET /ranges?ip=10.0.0.17", "GET /ranges?ip=10.0.0.255", "GET /ranges?ip=10.0.1.9",
    "GET /ranges?ip=10.0.1.10", "GET /proxied", "GET /proxied | X-Forwarded-For: 1.2.3.4",
    "GET /proxied | X-Forwarded-For: 1.2.3.4, 5.6.7.8", "GET /proxied | X-Forwarded-For: 9.9.9.9", "GET /nodef",
    "GET /proxied | X-Forwarded-For: junk", "GET /proxied | X-Forwarded-For: 1.2.3.4 | X-Forwarded-For: 5.6.0.1",
    ...clients,
  ],
});
