// A request for the tests of src/route: everything has a value, and a test says what differs.
import {
  Evaluation, type RequestFacts, Variables, builtinPrefixes, builtinVariables,
} from "../../src/route/index.ts";
import { parseRequestUri } from "../../src/route/uri.ts";
import { type ComplexValue, parseComplexValue } from "../../src/config/nginx/complex-value.ts";
import type { Result } from "../../src/std/result.ts";

/** What a test says about its request. */
export interface Said extends Partial<Omit<RequestFacts, "field">> {
  readonly fields?: Readonly<Record<string, string>>;
  /** Takes what is reported. */
  readonly log?: string[];
}

const client = { address: "192.0.2.7", port: 40_000 };

export function requestFacts({ fields = {}, log = [], ...said }: Said = {}): RequestFacts {
  const target = said.target ?? "/";
  return {
    requestLine: `GET ${target} HTTP/1.1`,
    method: "GET",
    target,
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "shop.example",
    requestPort: "",
    refusal: () => undefined,
    enterLocation: () => undefined,
    field: (name) => fields[name],
    remote: client,
    peer: client,
    local: { address: "127.0.0.1", port: 8000 },
    proxied: undefined,
    connection: { number: 5, requests: () => 2, startMs: 1000 },
    serverName: () => "first.example",
    documentRoot: () => "/srv/www",
    filename: () => "/srv/www/a",
    realDocumentRoot: () => "/data/www",
    nowMs: () => 3500,
    startMs: 2000,
    requestSize: () => 120,
    requestId: () => "0123456789abcdef0123456789abcdef",
    body: () => undefined,
    bodyFile: () => undefined,
    pipelined: false,
    limitRate: () => 0,
    setLimitRate: () => undefined,
    status: () => 200,
    bytesSent: () => 300,
    bodyBytesSent: () => 100,
    framingSent: () => 0,
    completed: () => true,
    responseField: () => undefined,
    responseTrailer: () => undefined,
    upstreams: () => [],
    upstreamField: () => undefined,
    upstreamTrailer: () => undefined,
    upstreamCookies: () => [],
    provided: () => undefined,
    process: { pid: 77, hostname: "machine", version: "0.1.0" },
    report: (level, message) => {
      log.push(`${level}: ${message}`);
    },
    ...said,
  };
}

/** A request for that target, its URI read. */
export function request(target: string = "/", said: Said = {}): Evaluation {
  const evaluation = new Evaluation(requestFacts({ target, ...said }));
  const uri = parseRequestUri(target, true);
  if (uri !== undefined) evaluation.setUri(uri);
  return evaluation;
}

/** All variables of the program. */
export function programVariables(): Variables {
  return new Variables(builtinVariables, builtinPrefixes);
}

/** The value of a success; anything else fails the test. */
export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.value;
}

export function text(value: string): ComplexValue {
  return must(parseComplexValue(value));
}
