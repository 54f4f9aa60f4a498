// What an application finds in its scope (ASGI, "HTTP Connection Scope").
import { request } from "node:http";
import { text } from "node:stream/consumers";
import { type RequestText, requestText } from "../../support/connection.ts";
import { type Behaviour, getJson } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { absentBecause, cookieBecause } from "./reasons.ts";

type Scope = Readonly<Record<string, unknown>>;

/** Asks for any target; tells some keys of the scope, written as Python writes them, or the status of a refusal. */
function scope(keys: readonly string[], asked: RequestText = {}) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    connection.send(requestText(asked));
    const response = await connection.response();
    if (response.status !== 200) return response.status;
    const told = JSON.parse(response.text) as Scope;
    return Object.fromEntries(keys.map((key) => [key, told[key]]));
  };
}

/** What comes of a path. */
function path(name: string, target: string, decoded: string, raw: string = target): Behaviour {
  return {
    name: `a path with ${name}`,
    play: scope(["path", "raw_path"], { target }),
    expected: { path: decoded, raw_path: `b'${raw}'` },
  };
}

/** Sends lines of fields as they are; tells the scope's headers, or the status of a refusal. */
function headers(lines: string) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    connection.send(`GET / HTTP/1.1\r\n${lines}\r\n\r\n`);
    const response = await connection.response();
    return response.status === 200 ? (JSON.parse(response.text) as Scope)["headers"] : response.status;
  };
}

/** Lets the application spoil its scope, again and again on one connection. */
async function spoil(server: AsgiServer): Promise<unknown> {
  using connection = await server.connect();
  for (let n = 0; n < 3; n++) await connection.get("/?do=mutate");
  const told = JSON.parse((await connection.get("/?do=mutate")).text) as Record<string, unknown>;
  return { ...told, extensions: JSON.stringify(told["extensions"]).includes("spoiled") ? "spoiled" : "clean" };
}

/** GET over the server's Unix socket. @returns the addresses in the scope */
async function overUnixSocket({ socketPath }: AsgiServer): Promise<Scope> {
  const told = await new Promise<string>((resolve, reject) => {
    request({ socketPath, path: "/", agent: false }, (response) => resolve(text(response))).on("error", reject).end();
  });
  const { client, server } = JSON.parse(told) as Scope;
  return { client, server: String(server).replace(socketPath, "its path") };
}

const hostOnly = "[(b'host', b'tricorn.test')]";
const asciiBecause = "RFC 9112 §3.2: a request-target is what its grammar says; the byte is refused before anything "
  + "downstream can read it otherwise.";
const originBecause = "RFC 9112 §3.2.2: the absolute form names the same resource as its path with Host, so the "
  + "application sees the path, and the target's authority as Host.";
const underscoreBecause = "X_A and X-A would be one key in every WSGI application behind; nginx drops such fields too "
  + "(--underscores-in-headers passes them on).";

export const scopeBehaviours: readonly Behaviour[] = [
  {
    name: "an ordinary scope is complete, and of the right types",
    play: scope(["type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path",
      "headers", "state"], { target: "/shop/b%20c?x=1&x=%20", fields: { "X-Name": "value" } }),
    expected: {
      type: "'http'", asgi: { version: "'3.0'", spec_version: "'2.3'" }, http_version: "'1.1'", method: "'GET'",
      scheme: "'http'", path: "'/shop/b c'", raw_path: "b'/shop/b%20c'", query_string: "b'x=1&x=%20'", root_path: "''",
      headers: "[(b'host', b'tricorn.test'), (b'x-name', b'value')]", state: { shared: "[]" },
    },
  },
  {
    name: "a scope has extensions",
    play: async (server) => Object.keys(((await getJson(server, "/")) as Scope)["extensions"] ?? {}).sort(),
    expected: [
      "http.response.early_hint", "http.response.pathsend", "http.response.trailers", "http.response.zerocopysend",
    ],
    uvicorn: { expected: [], because: absentBecause },
  },
  {
    name: "HTTP/1.0, without a Host",
    play: scope(["http_version", "headers"], { version: "1.0" }),
    expected: { http_version: "'1.0'", headers: "[]" },
  },
  { name: "a method of no standard", play: scope(["method"], { method: "PURGE" }), expected: { method: "'PURGE'" } },
  {
    name: "a method in lower case",
    play: scope(["method"], { method: "get" }),
    expected: 400,
    uvicorn: {
      expected: { method: "'get'" },
      because: "Methods are case-sensitive and all that are registered are upper case (RFC 9110 §9.1); what compares "
        + "with \"GET\" to decide about rights must not be got around. gunicorn refuses it too.",
    },
  },
  path("UTF-8 in percent-encoding", "/caf%C3%A9/%e2%82%ac", "'/café/€'"),
  path("percent-encoding that is no UTF-8 is decoded with U+FFFD", "/%ff%C3", "'/\ufffd\ufffd'"),
  path("percent-encoded surrogates", "/%ed%a0%80", "'/\ufffd\ufffd\ufffd'"),
  path("an encoded slash", "/a%2Fb", "'/a/b'"),
  path("a percent sign that encodes nothing", "/100%/%zz%4", "'/100%/%zz%4'"),
  path("an encoded NUL", "/a%00b", "'/a\\x00b'"),
  path("a plus sign, which is no space", "/a+b", "'/a+b'"),
  path("doubled slashes and dot segments, which stay", "//a//../b/./c/", "'//a//../b/./c/'"),
  path("parameters", "/a;b=c/d", "'/a;b=c/d'"),
  path("characters that should be encoded", "/a|b{c}[e]<f>^`", "'/a|b{c}[e]<f>^`'"),
  path("a URL inside", "/http://x/y", "'/http://x/y'"),
  {
    name: "the target * of OPTIONS",
    play: scope(["path", "raw_path"], { method: "OPTIONS", target: "*" }),
    expected: { path: "'*'", raw_path: "b'*'" },
  },
  {
    name: "a target in absolute form",
    play: scope(["path", "raw_path", "query_string", "headers"], { target: "http://other.test/a%20b?c" }),
    expected: {
      path: "'/a b'", raw_path: "b'/a%20b'", query_string: "b'c'", headers: "[(b'host', b'other.test')]",
    },
    uvicorn: {
      expected: {
        path: "'http://other.test/a b'", raw_path: "b'http://other.test/a%20b'", query_string: "b'c'",
        headers: hostOnly,
      },
      because: originBecause,
    },
  },
  {
    name: "a target with a fragment",
    play: scope(["path"], { target: "/a#b" }),
    expected: 400,
    uvicorn: { expected: { path: "'/a#b'" }, because: asciiBecause },
  },
  { name: "a target with bytes above ASCII", play: scope(["path"], { target: "/caf\xe9" }), expected: 400 },
  ...([
    ["none", "/", ""], ["an empty one", "/?", ""], ["a second question mark", "/?a?b", "a?b"],
    ["percent-encoding", "/?a=%C3%A9&b=%ff+x", "a=%C3%A9&b=%ff+x"],
  ] as const).map(([name, target, query]): Behaviour => ({
    name: `a query string: ${name}`,
    play: scope(["query_string"], { target }),
    expected: { query_string: `b'${query}'` },
  })),
  {
    name: "fields keep their order, repeated ones stay apart",
    play: headers("Host: a\r\nX-B: 2\r\nX-A: 1\r\nx-b: 3\r\nX-B:\r\nx-C:  \t padded \t "),
    expected: "[(b'host', b'a'), (b'x-b', b'2'), (b'x-a', b'1'), (b'x-b', b'3'), (b'x-b', b''), (b'x-c', b'padded')]",
  },
  {
    name: "bytes above ASCII in a value",
    play: headers("Host: a\r\nX-A: caf\xe9"),
    expected: "[(b'host', b'a'), (b'x-a', b'caf\\xe9')]",
  },
  {
    name: "cookies of several fields are one",
    play: headers("Host: a\r\nCookie: a=1\r\nX-A: 1\r\nCookie: b=2"),
    expected: "[(b'host', b'a'), (b'cookie', b'a=1; b=2'), (b'x-a', b'1')]",
    uvicorn: {
      expected: "[(b'host', b'a'), (b'cookie', b'a=1'), (b'x-a', b'1'), (b'cookie', b'b=2')]",
      because: cookieBecause,
    },
  },
  {
    name: "a name with an underscore",
    play: headers("Host: a\r\nX_Admin: 1"),
    expected: "[(b'host', b'a')]",
    uvicorn: { expected: "[(b'host', b'a'), (b'x_admin', b'1')]", because: underscoreBecause },
  },
  {
    name: "the field Proxy",
    play: headers("Host: a\r\nProxy: http://evil.test"),
    expected: "[(b'host', b'a')]",
    uvicorn: {
      expected: "[(b'host', b'a'), (b'proxy', b'http://evil.test')]",
      because: "It has no meaning in HTTP, and as HTTP_PROXY it redirects what a program asks of others (httpoxy).",
    },
  },
  {
    name: "fields of the connection are there",
    play: headers("Host: a\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nTE: trailers"),
    expected: "[(b'host', b'a'), (b'connection', b'keep-alive'), (b'keep-alive', b'5'), (b'te', b'trailers')]",
  },
  {
    name: "Upgrade to something unknown is a plain request",
    play: headers("Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c"),
    expected: "[(b'host', b'a'), (b'connection', b'Upgrade'), (b'upgrade', b'h2c')]",
  },
  { name: "no Host is refused", play: headers("X-A: 1"), expected: 400 },
  { name: "two Hosts are refused", play: headers("Host: a\r\nHost: b"), expected: 400 },
  {
    name: "a folded field",
    play: headers("Host: a\r\nX-A: 1\r\n 2"),
    expected: 400,
    uvicorn: {
      expected: "[(b'host', b'a'), (b'x-a', b'1 2')]",
      because: "RFC 9112 §5.2: refused or replaced; what proxies in front do with it differs, which is how requests "
        + "are smuggled.",
    },
  },
  {
    name: "what the application changes in its scope is not seen by the next request, only what is in the state",
    play: spoil,
    expected: {
      asgi: { version: "'3.0'", spec_version: "'2.3'" }, headers: hostOnly, path: "'/'",
      state: { shared: "[1, 1, 1]" }, extensions: "clean",
    },
  },
  {
    name: "client and server are addresses and ports",
    play: async (server) => {
      using connection = await server.connect();
      const told = JSON.parse((await connection.get("/")).text) as Scope;
      return {
        client: String(told["client"]).replace(String(connection.localPort), "its port"),
        server: String(told["server"]).replace(String(server.port), "its port"),
      };
    },
    expected: { client: "('127.0.0.1', its port)", server: "('127.0.0.1', its port)" },
  },
  {
    name: "a peer that is trusted tells the client and the scheme",
    play: scope(["client", "scheme"], {
      fields: { "X-Forwarded-For": "192.0.2.1, 192.0.2.7, 127.0.0.1", "X-Forwarded-Proto": "https" },
    }),
    expected: { client: "('192.0.2.7', 0)", scheme: "'https'" },
  },
];

const below = (name: string, target: string, told: string, uvicorn: string): Behaviour => ({
  name: `--root-path /shop: ${name}`,
  play: async (server) => {
    const { path: decoded, raw_path: raw, root_path: root } = (await getJson(server, target)) as Scope;
    return [decoded, raw, root];
  },
  expected: [`'${told}'`, `b'${told}'`, "'/shop'"],
  ...(uvicorn === told ? {} : {
    uvicorn: {
      expected: [`'${uvicorn}'`, `b'${uvicorn}'`, "'/shop'"],
      because: "path is the path of the client's URL, with root_path in it, as the specification has it. uvicorn "
        + "prefixes it always, and doubles the prefix where the proxy in front passes paths on as they are.",
    },
  }),
});

/** Both with `--root-path /shop`. */
export const rootPathBehaviours: readonly Behaviour[] = [
  below("the path of a proxy that passes it on", "/shop/a", "/shop/a", "/shop/shop/a"),
  below("the path of a proxy that cuts the prefix off", "/a", "/shop/a", "/shop/a"),
  below("a path that only begins like it", "/shopping", "/shop/shopping", "/shop/shopping"),
];

/** Both on a Unix socket. */
export const unixSocketBehaviours: readonly Behaviour[] = [
  {
    name: "server is the socket's path and None, client is not known",
    play: overUnixSocket,
    expected: { client: "None", server: "('its path', None)" },
  },
];
