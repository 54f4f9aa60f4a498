import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request, requestFacts, type Said, text } from "../../tests/route/facts.ts";
import { compileParts, compileText } from "./evaluate.ts";
import { Evaluation, VARIABLE_DEPTH_MAX } from "./evaluation.ts";
import { translatePattern } from "./regex.ts";

/** A text for one request. */
function value(written: string, target: string = "/", said: Said = {}): string {
  const variables = programVariables();
  const compiled = compileText(text(written), variables);
  assert.deepEqual(variables.unknown(), []);
  return compiled(request(target, said));
}

describe("variables of the program", () => {
  test("say what the URI is", () => {
    const target = "/a%20b//c?x=1&y=%20";
    assert.equal(value("$uri|$document_uri|$request_uri", target), `/a b/c|/a b/c|${target}`);
    assert.equal(value("$args|$query_string|$is_args", target), "x=1&y=%20|x=1&y=%20|?");
    assert.equal(value("[$args$is_args]", "/a"), "[]");
  });

  test("say what the request is", () => {
    assert.equal(value("$request_method $server_protocol $scheme [$https]"), "GET HTTP/1.1 http []");
    assert.equal(value("$https $http2", "/", { scheme: "https", protocol: "HTTP/2.0" }), "on h2");
    assert.equal(value("$request", "/a?b"), "GET /a?b HTTP/1.1");
    assert.equal(value("$host"), "shop.example");
    assert.equal(value("$host", "/", { host: "" }), "first.example");
    assert.equal(value("$content_type $content_length", "/", {
      fields: { "content-type": "text/html", "content-length": "5" },
    }), "text/html 5");
    assert.equal(value("$request_length $request_time $request_id"), "120 1.500 0123456789abcdef0123456789abcdef");
    assert.equal(value("$pipe$request_completion"), ".OK");
  });

  test("say who speaks with whom", () => {
    assert.equal(value("$remote_addr:$remote_port $server_addr:$server_port"), "192.0.2.7:40000 127.0.0.1:8000");
    assert.equal(value("$server_name $connection $connection_requests $connection_time"), "first.example 5 2 2.500");
    assert.equal(value("$realip_remote_addr", "/", { peer: { address: "10.0.0.1", port: 1 } }), "10.0.0.1");
    assert.equal(value("$binary_remote_addr"), "\xc0\x00\x02\x07");
    const remote = { address: "unix:", port: undefined };
    assert.equal(value("$binary_remote_addr|$remote_port", "/", { remote }), "unix:|");
    const tlvs = [{ type: 1, value: "h2" }, { type: 0xae, value: "x" }];
    const proxied = { source: { address: "10.1.1.1", port: 5 }, destination: { address: "10.1.1.2", port: 443 }, tlvs };
    const named = "$proxy_protocol_tlv_alpn-$proxy_protocol_tlv_0xAE-$proxy_protocol_tlv_netns-$proxy_protocol_tlv_x";
    assert.equal(value(named, "/", { proxied }), "h2-x--");
    assert.equal(value(named), "---");
    assert.equal(value("$proxy_protocol_addr-$proxy_protocol_server_port", "/", { proxied }), "10.1.1.1-443");
    assert.equal(value("$proxy_add_x_forwarded_for"), "192.0.2.7");
    const fields = { "x-forwarded-for": "a, b" };
    assert.equal(value("$proxy_add_x_forwarded_for", "/", { fields }), "a, b, 192.0.2.7");
  });

  test("say what the user of basic authentication is called", () => {
    const user = (authorization: string): string => value("$remote_user", "/", { fields: { authorization } });
    assert.equal(user("Basic YWxpY2U6b3BlbjpzZXNhbWU="), "alice");
    assert.equal(user("basic  6Tph"), "\xe9");
    for (const other of ["Basic YWxpY2U=", "Bearer YWxpY2U6", "Basic", "Basic !"]) assert.equal(user(other), "", other);
  });

  test("say what the response is", () => {
    assert.equal(value("$status $bytes_sent $body_bytes_sent"), "200 300 100");
    assert.equal(value("$status", "/", { status: () => 9 }), "009");
    assert.equal(value("$sent_http_content_type$sent_trailer_a", "/", {
      responseField: (name) => (name === "content-type" ? "text/css" : undefined),
      responseTrailer: (name) => (name === "a" ? "!" : undefined),
    }), "text/css!");
  });

  test("say when", () => {
    assert.equal(value("$msec"), "3.500");
    assert.match(value("$time_local"), /^\d\d\/[A-Z][a-z]{2}\/19(?:69|70):\d\d:\d\d:03 [+-]\d{4}$/);
    assert.match(value("$time_iso8601"), /^19(?:69|70)-\d\d-\d\dT\d\d:\d\d:03[+-]\d\d:\d\d$/);
  });

  test("say what this is", () => {
    assert.equal(value("$hostname $pid $nginx_version"), "machine 77 0.1.0");
  });

  test("take fields, cookies and arguments by name, without regard to case", () => {
    const fields = { "user-agent": "curl", cookie: "a=1; Session = x,y ;b=2", "x_y": "under" };
    assert.equal(value("$http_user_agent $http_x_y", "/", { fields }), "curl under");
    assert.equal(value("$cookie_a|$cookie_SESSION|$cookie_b|$cookie_c", "/", { fields }), "1|x,y |2|");
    assert.equal(value("$arg_a|$arg_b|$arg_c|$arg_d", "/?A=1&b=%20&a=2&c&xd=3"), "1|%20||");
  });

  test("tell every attempt at an upstream", () => {
    const attempt = {
      address: "10.0.0.1:80", status: 502, connectMs: undefined, headerMs: undefined, responseMs: 12,
      responseSize: 0, bytesSent: 10, bytesReceived: 20, redirected: false,
    };
    const upstreams = () => [attempt, { ...attempt, status: 200, connectMs: 1 }, { ...attempt, redirected: true }];
    assert.equal(value("$upstream_addr", "/", { upstreams }), "10.0.0.1:80, 10.0.0.1:80 : 10.0.0.1:80");
    assert.equal(value("$upstream_status $upstream_connect_time", "/", { upstreams }), "502, 200 : 502 -, 0.001 : -");
    const one = (): readonly [typeof attempt] => [attempt];
    assert.equal(value("$upstream_response_time|$upstream_response_length", "/", { upstreams: one }), "0.012|0");
    assert.equal(value("[$upstream_addr]"), "[]");
    const upstreamField = (name: string): string | undefined => (name === "x-a" ? "1" : undefined);
    const upstreamCookies = (): readonly string[] => ["c=d", "a=b; Path=/"];
    const answer = { upstreamField, upstreamCookies };
    assert.equal(value("$upstream_http_x_a$upstream_cookie_a$upstream_cookie_path", "/", answer), "1b");
  });

  test("ask other rooms for theirs", () => {
    assert.equal(value("$ssl_protocol", "/", { provided: (name) => `<${name}>` }), "<ssl_protocol>");
  });

  test("have no value or the empty one, as logs show", () => {
    const [missing, empty] = compileParts(text("$content_type$is_args"), programVariables());
    assert.equal(missing?.(request()), undefined);
    assert.equal(empty?.(request()), "");
  });
});

describe("variables of a configuration", () => {
  test("are unknown until somebody defines them, before or after they are used", () => {
    const variables = programVariables();
    const compiled = compileText(text("$mine $args $http_x"), variables);
    assert.deepEqual(variables.unknown(), ["mine"]);
    assert.equal(variables.knows("mine"), false);
    must(variables.define({ name: "mine", isVolatile: false, get: () => "1" }));
    assert.deepEqual(variables.unknown(), []);
    assert.equal(compiled(request("/?a", { fields: { x: "2" } })), "1 a 2");
  });

  test("are not those of the program, except args and limit_rate", () => {
    const variables = programVariables();
    const refusal = { ok: false, error: "the duplicate \"uri\" variable" };
    assert.deepEqual(variables.declare("uri"), refusal);
    assert.deepEqual(variables.define({ name: "URI", isVolatile: false, get: () => "" }), refusal);
    assert.deepEqual(variables.conflicts(must(translatePattern("(?<uri>a)(?<mine>b)", false))), [refusal.error]);
    const limits: number[] = [];
    const evaluation = request("/?a", { setLimitRate: (rate) => limits.push(rate) });
    evaluation.assign(must(variables.declare("args")), "b=c");
    assert.equal(evaluation.args, "b=c");
    for (const rate of ["4k", "1M", "x", "7"]) evaluation.assign(must(variables.declare("limit_rate")), rate);
    assert.deepEqual(limits, [4096, 1_048_576, 7]);
  });

  test("that were not assigned are empty, and say so", () => {
    const variables = programVariables();
    const log: string[] = [];
    const mine = must(variables.declare("mine"));
    const prefixed = must(variables.declare("http_x"));
    const evaluation = request("/", { log, fields: { x: "from the field" } });
    assert.equal(evaluation.value(mine), "");
    assert.deepEqual(log, ["warn: using uninitialized \"mine\" variable"]);
    evaluation.assign(mine, "1");
    assert.equal(evaluation.value(mine), "1");
    assert.equal(evaluation.value(prefixed), "from the field");
    evaluation.assign(prefixed, "set");
    assert.equal(evaluation.value(prefixed), "set");
  });

  test("are made once for a request unless they are volatile", () => {
    const variables = programVariables();
    let count = 0;
    const get = (): string | undefined => (count++ === 0 ? undefined : String(count));
    const once = must(variables.define({ name: "once", isVolatile: false, get }));
    const evaluation = request();
    assert.deepEqual([evaluation.value(once), evaluation.value(once), count], [undefined, undefined, 1]);
    const again = must(variables.define({ name: "again", isVolatile: true, get }));
    assert.deepEqual([evaluation.value(again), evaluation.value(again)], ["2", "3"]);
  });

  test("are shared with subrequests, the URI is not", () => {
    const variables = programVariables();
    const mine = must(variables.declare("mine"));
    const evaluation = request("/a?b");
    const inner = evaluation.subrequest(requestFacts(), { path: "/c", args: "" });
    inner.assign(mine, "1");
    assert.equal(evaluation.value(mine), "1");
    assert.deepEqual([evaluation.path, inner.path, inner.internal], ["/a", "/c", true]);
  });

  test("that ask for each other end", () => {
    const variables = programVariables();
    const log: string[] = [];
    const b = variables.variable("b");
    const a = must(variables.define({ name: "a", isVolatile: true, get: (evaluation) => evaluation.value(b) }));
    must(variables.define({ name: "b", isVolatile: true, get: (evaluation) => evaluation.value(a) }));
    assert.equal(new Evaluation(requestFacts({ log })).value(a), undefined);
    assert.deepEqual(log, ["error: cycle while evaluating variable \"a\""]);
    assert.equal(VARIABLE_DEPTH_MAX, 100);
  });

  test("are groups of the last match, by number and by name", () => {
    const variables = programVariables();
    const matcher = variables.matcher(must(translatePattern("(?<first>a+)(b)?", false)));
    const compiled = compileText(text("$1|$2|$10|$first"), variables);
    const evaluation = request();
    assert.equal(matcher.matches("aab", evaluation), true);
    assert.equal(compiled(evaluation), "aa|b|aa0|aa");
    assert.equal(matcher.matches("x", evaluation), false);
    assert.equal(compiled(evaluation), "aa|b|aa0|aa");
    assert.equal(matcher.matches("a", evaluation), true);
    assert.equal(compiled(evaluation), "a||a0|a");
  });
});
