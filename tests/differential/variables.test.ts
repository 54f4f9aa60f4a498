// The value of every variable that nginx 1.22 has, in answers of 200, with requests that they tell something of.
import { type Case, differential } from "./group.ts";

/** The same for both, whatever they are. */
const plain = [
  "args", "body_bytes_sent", "bytes_sent", "connection_requests", "content_length", "content_type", "document_root",
  "document_uri", "gzip_ratio", "host", "hostname", "http2", "https", "invalid_referer", "is_args", "limit_conn_status",
  "limit_rate", "limit_req_status", "pipe", "proxy_add_x_forwarded_for", "proxy_protocol_addr", "proxy_protocol_port",
  "proxy_protocol_server_addr", "proxy_protocol_server_port", "query_string", "realip_remote_addr", "realpath_root",
  "remote_addr", "remote_user", "request", "request_body", "request_body_file", "request_completion",
  "request_filename",
  "request_length", "request_method", "request_uri", "scheme", "sent_http_content_type", "sent_http_content_length",
  "sent_http_connection", "sent_http_location", "sent_http_last_modified", "sent_http_transfer_encoding",
  "sent_http_cache_control", "sent_http_link", "sent_http_keep_alive", "sent_trailer_x", "server_addr", "server_name",
  "server_port", "server_protocol", "status", "uid_got", "uid_reset", "uid_set", "upstream_addr",
  "upstream_bytes_received",
  "upstream_bytes_sent", "upstream_cache_status", "upstream_connect_time", "upstream_cookie_x", "upstream_header_time",
  "upstream_http_server", "upstream_response_length", "upstream_response_time", "upstream_status", "upstream_trailer_x",
  "uri", "arg_a", "arg_A", "arg_b_c", "arg_", "cookie_a", "cookie_b", "cookie_", "http_x_one", "http_host",
  "http_cookie",
  "http_user_agent", "http_referer", "http_x_forwarded_for", "http_accept", "http_authorization", "http_content_length",
  "http_connection", "http_x_under_score", "http_", "ssl_protocol", "ssl_cipher", "ssl_server_name",
  "ssl_client_verify",
  "ssl_session_reused", "slice_range", "secure_link", "proxy_host", "proxy_port", "binary_remote_addr",
];
/** Known by their form only. */
const formed: Readonly<Record<string, RegExp>> = {
  connection: /^\d+$/gm, connection_time: /^\d+\.\d{3}$/gm, date_gmt: /^\w+day, \d\d-\w{3}-\d{4} \d\d:\d\d:\d\d GMT$/gm,
  date_local: /^\w+day, \d\d-\w{3}-\d{4} \d\d:\d\d:\d\d \w+$/gm, msec: /^\d+\.\d{3}$/gm,
  nginx_version: /^\d+\.\d+\.\d+$/gm, pid: /^\d+$/gm, realip_remote_port: /^\d+$/gm, remote_port: /^\d+$/gm,
  request_id: /^[0-9a-f]{32}$/gm, request_time: /^\d+\.\d{3}$/gm, tcpinfo_rtt: /^\d+$/gm, tcpinfo_rttvar: /^\d+$/gm,
  tcpinfo_snd_cwnd: /^\d+$/gm, tcpinfo_rcv_space: /^\d+$/gm, connections_active: /^\d+$/gm,
  connections_reading: /^\d+$/gm, connections_waiting: /^\d+$/gm, connections_writing: /^\d+$/gm,
  time_iso8601: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/gm,
  time_local: /^\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}$/gm,
};
const requests = [
  "GET /%NAME%", "GET /%NAME%?a=1&b_c=2&A=3&a=4", "GET /%NAME%?a=%20b&=x",
  "POST /%NAME% | Content-Type: text/x || body",
  "GET /%NAME% | X-One: 1 | X-One: 2 | Cookie: a=1; b=2 | Cookie: a=3 | Referer: http://r/ | User-Agent: me",
  "GET /%NAME% | Authorization: Basic dXNlcjpwYXNz | X-Forwarded-For: 1.1.1.1 | X-Forwarded-For: 2.2.2.2",
  "GET http://Abs.Test:80/%NAME%?x | X_Under_Score: 1", "GET /%NAME% HTTP/1.0", "GET //x/../%NAME%?",
];

differential({
  title: "variables",
  files: { "f.txt": "file" },
  http: String.raw`
    server_names_hash_bucket_size 64;
    server {
      listen 127.0.0.1:%PORT%;
      server_name main.test site.test;
      root %ROOT%;
      ${[...plain, ...Object.keys(formed)].map((name) => `location /${name} { return 200 "$${name}\n"; }`).join("\n")}
      location /all { return 200 "${plain.map((name) => `${name}=$${name}`).join("|")}"; }
      location /x { return 404 "no variable\n"; }
      location /rewritten { rewrite ^/rewritten(.*)$ /uri?c=d last; }
      location /internal/ { error_page 404 /internal-page; return 404; }
      location = /internal-page { return 200 "$uri|$request_uri|$request_method|$status|$document_uri|$args\n"; }
      location /sethost { set $limit_rate 10k; return 200 "$limit_rate|$host\n"; }
      location /setrate { set $limit_rate nonsense; return 200 "$limit_rate\n"; }
      location /filename/ { alias %ROOT%/; return 200 "$request_filename|$document_root|$realpath_root\n"; }
      location ~ ^/named/(?<one>\d+)/(?P<two>\w+) { return 200 "$one|$two|$1|$2|$3\n"; }
      location /concat { return 200 "${"$"}{uri}x$uri-$uri.y$is_args$args\n"; }
      location /case { return 200 "$Host|$HOST|$URI\n"; }
      location /newargs { set $args "$args&z=9"; return 200 "$args|$arg_z|$query_string|$request_uri\n"; }
    }
    server { listen 127.0.0.1:%PORT2%; listen unix:%PREFIX%/s; server_name _;
      return 200
        "$remote_addr|$remote_port|$server_addr|$server_port|$server_name|$host|$http_host|$scheme\n"; }
    server { listen 127.0.0.1:%PORT3%; return 200 "[$server_name|$host|$http_host]\n"; }`,
  differs: {
    "repeated-fields-are-joined": ["GET /http_x_one | X-One: 1 | X-One: 2", /^GET \/all \| X-One: 1 \| X-One: 2/],
    "nameless-arguments": ["GET /all?a=%20b&=x"],
    "no-tcpinfo": [/^GET \/tcpinfo_/],
    "absolute-form-host": ["GET http://abs:99/ to 3", "GET http://Abs.Test:80/all?x | X_Under_Score: 1"],
  },
  cases: [
    ...plain.map((name) => `GET /${name}?a=1&b_c=2 | X-One: 1 | Cookie: a=1; b=2`),
    ...Object.entries(formed).map(([name, mask]): Case => ({ request: `GET /${name}`, masks: [mask] })),
    ...requests.flatMap((request) => ["all", "uri", "args", "request", "request_uri", "host"].map((name) =>
      request.replace("%NAME%", name))),
    "GET /http_x_one | X-One: 1 | X-One: 2", "GET /http_cookie | Cookie: a=1 | Cookie: b=2",
    "GET /cookie_b | Cookie: a=1 | Cookie: b=2 | Cookie: c=3",
    "GET /rewritten/x?a=b", "GET /internal/?q", "POST /internal/ || x", "GET /sethost", "GET /setrate",
    "GET /filename/f.txt",
    "GET /filename/../filename/x/y", "GET /named/12/ab", "GET /concat", "GET /concat?", "GET /concat?a",
    "GET /newargs?y=1",
    "GET /newargs", ...["a=", "a", "xa=1&a=2", "a=1;a=2", "A=1", "a%3D=1", "%61=1", "a=1=2", "b=1&a=2&a=3", "&a=1",
    "a=b+c"]
      .map((args) => `GET /arg_a?${args}`),
    ...["a=1", "a=1;b=2", "a=1,b=2", "b=2; a=1", " a=1", "a", "a=", "A=1", "a=\"q\"", "xa=1", "a =1", "a=1; a=2",
      ";a=1"]
      .map((cookie) => `GET /cookie_a | Cookie: ${cookie}`),
    ...["Basic dXNlcjpwYXNz", "basic dXNlcjpwYXNz", "Basic", "Basic !!!", "Basic dXNlcg==", "Bearer x",
      "Basic  dXNlcjpwYXNz",
      "Basic dXNlcjpwOmFzcw"].map((value) => `GET /remote_user | Authorization: ${value}`),
    { request: "GET /", to: "s" }, { request: "GET / HTTP/1.0", to: "s" },
    { request: "GET / | Host: some.test:81", to: "s" },
    { request: "GET / | Host: some.test:81", to: 2, masks: [/\|\d+(?=\|127)/g] }, { request: "GET / HTTP/1.0", to: 3 },
    { request: "GET / | Host: UPPER.test.", to: 3 }, { request: "GET / | Host: [::1]:80", to: 3 },
    { request: "GET http://user@abs/ ", to: 3 }, { request: "GET http://abs:99/", to: 3 },
  ],
});
