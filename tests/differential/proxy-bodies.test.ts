// Methods and bodies of requests on their way to an upstream: with a length, in chunks, at once or after they are
// whole.
import { type Answer, proxied, type ProxyCase } from "./proxied.ts";

const chunked = (path: string, parts: readonly string[], end: string = "0\r\n\r\n"): string =>
  `POST ${path} HTTP/1.1\r\nHost: site.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
  parts.map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("") + end;
const long = "0123456789".repeat(10_000);
const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "MKCOL", "REPORT", "LINK"];
const places = ["/", "/unbuffered/", "/1.0/", "/1.0-unbuffered/"];
/** A head that asks whether the body is wanted, and the body. */
const asking = (path: string): readonly string[] => [
  `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\n`, "abc",
];
const bodies = (place: string): readonly ProxyCase[] => [
  { request: `POST ${place}length || abc` }, { request: `POST ${place}empty | Content-Length: 0` },
  { request: `POST ${place}nothing` }, { request: `GET ${place}get || abc` },
    { request: `DELETE ${place}delete || abc` },
  { request: `POST ${place}long || ${long}`, name: `a long body to ${place}` },
  { request: chunked(`${place}chunks`, ["abc", "defg"]), name: `chunks to ${place}` },
  { request: chunked(`${place}chunks`, []), name: `no chunk to ${place}` },
  { request: chunked(`${place}chunks`, ["abc"], "0\r\nX-Trailer: t\r\n\r\n"),
    name: `chunks and a trailer to ${place}` },
  { request: chunked(`${place}chunks`, [long, long]), name: `long chunks to ${place}` },
  { request: `POST ${place}old HTTP/1.0 | Content-Length: 3 || abc` }, { request: `POST ${place}old HTTP/1.0` },
  { request: [`POST ${place}slow HTTP/1.0\r\nContent-Length: 6\r\n\r\nabcdef`], name: `1.0 as it is to ${place}` },
  { request: asking(`${place}asking`), name: `100-continue to ${place}`, methods: ["POST"] },
  { request: `POST ${place}form | Content-Type: application/x-www-form-urlencoded || a=b&c=d` },
];

proxied({
  title: "methods and bodies",
  http: "map $arg_as $as { default DELETE; put PUT; }",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /unbuffered/ { proxy_request_buffering off; proxy_pass http://%UP%; }
    location /1.0/ { proxy_http_version 1.0; proxy_pass http://%UP%; }
    location /1.0-unbuffered/ { proxy_http_version 1.0; proxy_request_buffering off; proxy_pass http://%UP%; }
    location /as/ { proxy_method PUT; proxy_pass http://%UP%; }
    location /as-variable/ { proxy_method $as; proxy_pass http://%UP%; }
    location /as-head/ { proxy_method HEAD; proxy_pass http://%UP%; }
    location /as-get/ { proxy_method GET; proxy_pass_request_body off; proxy_set_header Content-Length "";
      proxy_set_header Connection ""; proxy_pass http://%UP%; }
    location /set-body/ { proxy_set_body "own $request_method"; proxy_pass http://%UP%; }
    location /set-body-empty/ { proxy_set_body ""; proxy_pass http://%UP%; }
    location /set-body-of/ { proxy_set_body "[$request_body]"; proxy_pass http://%UP%; }
    location /no-body/ { proxy_read_timeout 1s; proxy_pass_request_body off; proxy_pass http://%UP%; }
    location /small/ { client_max_body_size 10; proxy_pass http://%UP%; }
    location /small-unbuffered/ { client_max_body_size 10; proxy_request_buffering off; proxy_pass http://%UP%; }
    location /in-file/ { client_body_in_file_only clean; proxy_pass http://%UP%; }
    location /buffer/ { client_body_buffer_size 1k; proxy_pass http://%UP%; }
    location /seen/ { proxy_set_header Connection ""; proxy_set_header X-Body $request_body;
      proxy_pass http://%UP%; }
    location /named/ { error_page 418 @elsewhere; return 418; }
    location @elsewhere { proxy_pass http://%UP%; }
    location /again/ { proxy_intercept_errors on; error_page 404 @elsewhere; proxy_pass http://%UP2%; }
    location /again-as-get/ { proxy_intercept_errors on; error_page 404 /found; proxy_pass http://%UP2%; }
  `,
  differs: {
    "framing-of-passed-bodies": [/^(?:POST|chunks to) \/no-body/],
    "bodies-of-what-became-get": ["POST /again-as-get/ || abc"],
    "reason-phrases": ["POST /named/ || abc"],
  },
  cases: [
    ...methods.map((method) => `${method} /m`), ...methods.map((method) => `${method} /m || body`),
    ...places.flatMap(bodies),
    "GET /as/x", "POST /as/x || abc", "HEAD /as/x", "GET /as-variable/x", "GET /as-variable/x?as=put",
    "POST /as-variable/x || abc", "GET /as-head/", "POST /as-head/ || abc", "POST /as-get/ || abc",
    "GET /set-body/", "POST /set-body/ || abc", { request: chunked("/set-body/", ["abc"]),
      name: "chunks to /set-body/" },
    "GET /set-body-empty/", "POST /set-body-empty/ || abc", "GET /set-body-of/", "POST /set-body-of/ || abc",
    "POST /no-body/ || abc", "GET /no-body/", { request: chunked("/no-body/", ["abc"]), name: "chunks to /no-body/" },
    "POST /small/ || 0123456789", "POST /small/ || 0123456789a", "POST /small-unbuffered/ || 0123456789a",
    { request: chunked("/small/", ["012345", "6789a"]), name: "chunks that are too large to /small/" },
    "POST /in-file/ || abc", { request: `POST /in-file/ || ${long}`, name: "a long body to /in-file/" },
    { request: `POST /buffer/ || ${long}`, name: "a long body to /buffer/" },
    { request: chunked("/buffer/", [long]), name: "long chunks to /buffer/" }, "POST /seen/ || abc",
    { request: chunked("/seen/", ["abc"]), name: "chunks to /seen/" }, "POST /named/ || abc",
    { request: "POST /again/ || abc", second: "404 Not Found || no" },
    { request: chunked("/again/", ["abc"]), second: "404 Not Found || no", name: "chunks to /again/" },
    { request: "POST /again-as-get/ || abc", second: "404 Not Found || no" },
    { request: "HEAD /again-as-get/", second: "404 Not Found" },
  ],
});

const early = (path: string, answer: string): Answer =>
  ({ at: "head", steps: [`HTTP/1.1 ${answer}\r\nContent-Length: 2\r\n\r\n${path}`] });

proxied({
  title: "answers that come before a request is whole",
  server: String.raw`
    location / { proxy_pass http://%UP%; }
    location /unbuffered/ { proxy_request_buffering off; proxy_pass http://%UP%; }
  `,
  cases: [
    { request: "POST / || abc", answer: early("ok", "200 OK"), name: "early 200" },
    { request: "POST /unbuffered/ || abc", answer: early("ok", "200 OK"), name: "early 200, unbuffered" },
    { request: "POST /unbuffered/ || abc", answer: early("no", "413 Content Too Large"),
      name: "early 413, unbuffered" },
    { request: `POST / || ${long}`, answer: early("no", "403 Forbidden"), name: "early 403 of a long body",
      answerOnly: true },
    { request: `POST / || ${"x".repeat(900_000)}`, answerOnly: true, name: "early 401 and the connection's end",
      answer: { at: "head", steps: ["HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", { do: "end" }] } },
  ],
});
