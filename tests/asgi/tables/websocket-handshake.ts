// From a WebSocket's handshake to its acceptance or refusal (RFC 6455 §4; ASGI, "WebSocket Connection Scope").
import { setTimeout as sleepMs } from "node:timers/promises";
import { requestText } from "../../support/connection.ts";
import { type Behaviour, bytes, deed, get, noted, notes, outcome, step } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { type Opening, WebSocketClient, frame, opcodes } from "../websocket-client.ts";
import { farewellBecause } from "./reasons.ts";
import { open, talk, ws } from "./websocket-talk.ts";

const { accept, text, close, deny, denial } = ws;
const { receive, receiveFor, send, start } = step;

const closed = { client: ["close 1000", "FIN"] };
/** The answer to a handshake: its status, and the version that it asks for. */
function handshake(opening: Opening) {
  return async (server: AsgiServer): Promise<unknown> => {
    using client = await WebSocketClient.open(server.port, { target: deed("echo").target, ...opening });
    return [client.status, client.fields.get("sec-websocket-version") ?? "no version"];
  };
}

/** What comes of the same handshake when it is an ordinary request. */
function plain(opening: Opening) {
  return async (server: AsgiServer): Promise<unknown> => {
    using client = await WebSocketClient.open(server.port, { target: "/?do=task", ...opening });
    return await outcome(client.connection);
  };
}

/** The first bytes of the answer before and after the application is told to go on. */
function early(steps: Parameters<typeof talk>[0]["steps"], count: number, size: number) {
  return async (server: AsgiServer): Promise<unknown> => {
    const { target, key } = deed("steps", { steps });
    const { connection } = await WebSocketClient.ask(server.port, { target });
    using client = connection;
    let read = "";
    const reading = client.read(size).then((all) => {
      read = all;
    });
    await noted(server, key, count);
    await sleepMs(150);
    const before = read;
    await get(server, `/?do=go&key=${key}`);
    await reading;
    return [before, read];
  };
}

const malformed = [
  ["without a key", { fields: { "Sec-WebSocket-Key": undefined } }],
  ["with a key of three bytes", { fields: { "Sec-WebSocket-Key": "YWJj" } }],
  ["without a version", { fields: { "Sec-WebSocket-Version": undefined } }],
  ["whose version is no number", { fields: { "Sec-WebSocket-Version": "abc" } }],
  ["with extensions beyond the grammar", { fields: { "Sec-WebSocket-Extensions": "a;;b=" } }],
  ["with a subprotocol that is no token", { fields: { "Sec-WebSocket-Protocol": "a b" } }],
] as const;

export const handshakeBehaviours: readonly Behaviour[] = [
  {
    name: "the scope of a WebSocket",
    play: async (server) => {
      const fields = { "Sec-WebSocket-Protocol": "a,  b,c", "Origin": "http://evil.test" };
      using client = await WebSocketClient.open(server.port, { target: "/a%20b?do=scope&x=%20", fields });
      const { headers, client: address, server: own, ...rest } = JSON.parse(
        (await client.message()).toString()) as Record<string, unknown>;
      const at = [address, own].map((each) => String(each).replace(/\d+\)/, "port)"));
      return { ...rest, at, origin: String(headers).includes("(b'origin', b'http://evil.test')") };
    },
    expected: {
      type: "'websocket'", asgi: { version: "'3.0'", spec_version: "'2.5'" }, http_version: "'1.1'", scheme: "'ws'",
      path: "'/a b'", raw_path: "b'/a%20b'", query_string: "b'do=scope&x=%20'", root_path: "''",
      subprotocols: "['a', 'b', 'c']", state: { shared: "[]" }, extensions: { "websocket.http.response": {} },
      at: ["('127.0.0.1', port)", "('127.0.0.1', port)"], origin: true,
    },
    uvicorn: {
      expected: {
        type: "'websocket'", asgi: { version: "'3.0'", spec_version: "'2.4'" }, http_version: "'1.1'", scheme: "'ws'",
        path: "'/a b'", raw_path: "b'/a%20b'", query_string: "b'do=scope&x=%20'", root_path: "''",
        subprotocols: "['a', 'b', 'c']", state: { shared: "[]" }, extensions: { "websocket.http.response": {} },
        at: ["('127.0.0.1', port)", "('127.0.0.1', port)"], origin: true,
      },
      because: "2.5 adds the reason to websocket.disconnect, which is always there.",
    },
  },
  {
    name: "subprotocols of several fields are one list",
    play: async (server) => {
      const fields = { "Sec-WebSocket-Protocol": "a", "sec-websocket-protocol": "b" };
      using client = (await open(server, "scope", { opening: { fields } })).client;
      return (JSON.parse((await client.message()).toString()) as Record<string, unknown>)["subprotocols"];
    },
    expected: "['a', 'b']",
  },
  ...malformed.map(([name, opening]): Behaviour => ({
    name: `a handshake ${name} is 400`,
    play: handshake(opening),
    expected: [400, "no version"],
  })),
  {
    name: "a handshake of another version is 426, with the version that is known",
    play: handshake({ fields: { "Sec-WebSocket-Version": "8" } }),
    expected: [426, "13"],
    uvicorn: { expected: [400, "no version"], because: "RFC 6455 §4.2.2 and §4.4: the client learns what to try." },
  },
  {
    name: "a handshake with POST is 400",
    play: handshake({ method: "POST" }),
    expected: [400, "no version"],
    uvicorn: { expected: [405, "no version"], because: "RFC 6455 §4.2.1: a malformed handshake is 400." },
  },
  {
    name: "unknown extensions are declined",
    play: handshake({ fields: { "Sec-WebSocket-Extensions": "x-unknown; a=1" } }),
    expected: [101, "no version"],
  },
  {
    name: "names in Upgrade and Connection are of any case",
    play: handshake({ fields: { Upgrade: "WebSocket", Connection: "keep-alive, UPGRADE" } }),
    expected: [101, "no version"],
  },
  {
    name: "websocket may be one of several in Upgrade",
    play: handshake({ fields: { Upgrade: "h2c, websocket" } }),
    expected: [101, "no version"],
    uvicorn: {
      expected: [500, "no version"],
      because: "RFC 9110 §7.8: Upgrade is a list. To uvicorn it is a plain request, which the echo does not answer.",
    },
  },
  {
    name: "Upgrade without Connection is a plain request",
    play: plain({ fields: { Connection: undefined } }),
    expected: "200 [true, true, true]",
  },
  {
    name: "HTTP/1.0 has no Upgrade: a plain request",
    play: plain({ version: "1.0" }),
    expected: "200 [true, true, true]",
    uvicorn: { expected: "500", because: "RFC 9110 §7.8: Upgrade in an HTTP/1.0 request is ignored." },
  },
  {
    name: "a handshake is answered on a connection that was used before",
    play: async (server) => {
      using connection = await server.connect();
      await connection.get("/?do=task");
      connection.send(requestText({
        target: deed("echo").target,
        fields: {
          "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
          "Sec-WebSocket-Version": "13",
        },
      }));
      return await connection.read(12);
    },
    expected: "HTTP/1.1 101",
  },
  {
    name: "messages that come with the handshake are heard",
    play: async (server) => {
      const ahead = Buffer.concat([frame(opcodes.text, "a"), frame(opcodes.text, "b")]);
      using client = (await open(server, "echo", { opening: { ahead } })).client;
      const first = await Promise.race([client.hear(), sleepMs(1500, "nothing")]);
      return first === "nothing" ? [first] : [first, await client.hear()];
    },
    expected: ["text a", "text b"],
    uvicorn: {
      expected: ["nothing"],
      because: "A client should wait for the 101; one that does not loses nothing. uvicorn drops what came early.",
    },
  },
  {
    name: "the 101 waits until the application accepts",
    play: early([receive, ["await-go"], accept(), close()], 1, 12),
    expected: ["", "HTTP/1.1 101"],
  },
  {
    name: "accepting without having received websocket.connect",
    play: talk({ steps: [accept(), text("x"), receive, close()] }),
    expected: { client: ["text x", "close 1000", "FIN"], application: ["sent", "sent", "connect", "sent"] },
  },
  {
    name: "a subprotocol that the client has offered is echoed",
    play: talk({
      steps: [receive, accept({ subprotocol: "b" }), close()], fields: ["sec-websocket-protocol"],
      opening: { fields: { "Sec-WebSocket-Protocol": "a, b" } },
    }),
    expected: { fields: ["b"], ...closed, application: ["connect", "sent", "sent"] },
  },
  {
    name: "a subprotocol that the client has not offered is left out",
    play: talk({
      steps: [receive, accept({ subprotocol: "c" }), close()], fields: ["sec-websocket-protocol"],
      opening: { fields: { "Sec-WebSocket-Protocol": "a, b" } },
    }),
    expected: { fields: ["no sec-websocket-protocol"], ...closed, application: ["connect", "sent", "sent"] },
    uvicorn: {
      expected: { fields: ["c"], ...closed, application: ["connect", "sent", "sent"] },
      because: "RFC 6455 §4.1: the client MUST fail such a connection; without it, it goes on, and the log says why.",
    },
  },
  {
    name: "fields of the acceptance are sent, beside Date and Server",
    play: async (server) => {
      const pairs = [["X-A", "1"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=1"]].map((pair) => pair.map(bytes));
      const { target } = deed("steps", { steps: [receive, accept({ headers: pairs }), close()] });
      using client = await WebSocketClient.open(server.port, { target });
      const has = (name: string): boolean => client.fields.has(name);
      return [client.fields.get("x-a"), client.fields.get("set-cookie"), has("date"), has("server")];
    },
    expected: ["1", "a=1, b=1", true, true],
  },
  {
    name: "Sec-WebSocket-Protocol among the fields of the acceptance is a RuntimeError",
    play: talk({
      steps: [receive, accept({ headers: [[bytes("Sec-WebSocket-Protocol"), bytes("a")]] }), accept(), close()],
      fields: ["sec-websocket-protocol"], opening: { fields: { "Sec-WebSocket-Protocol": "a" } },
    }),
    expected: {
      fields: ["no sec-websocket-protocol"], ...closed, application: ["connect", "RuntimeError", "sent", "sent"],
    },
    uvicorn: {
      expected: { fields: ["a"], ...closed, application: ["connect", "sent", "RuntimeError", "sent"] },
      because: "The specification: it is not allowed there, subprotocol is the place for it.",
    },
  },
  {
    name: "a line break in the fields of the acceptance is an error",
    play: async (server) => {
      const headers = [[bytes("x-a"), bytes("a\r\nb: 1")]];
      const { target, key } = deed("steps", { steps: [receive, accept({ headers }), close()] });
      using client = await WebSocketClient.open(server.port, { target });
      return [client.status, (await notes(server, key, 3))[1] === "sent" ? "sent" : "an error"];
    },
    expected: [403, "an error"],
  },
  {
    name: "anything else before the acceptance is a RuntimeError",
    play: talk({ steps: [receive, text("early"), start(), accept(), close()] }),
    expected: { ...closed, application: ["connect", "RuntimeError", "RuntimeError", "sent", "sent"] },
  },
  {
    name: "closing instead of accepting is 403, and disconnect 1006",
    play: talk({ steps: [receive, close({ code: 4000 }), receive] }),
    expected: { client: "403", application: ["connect", "sent", "disconnect 1006"] },
  },
  {
    name: "the connection goes on after a 403",
    play: async (server) => {
      const { target } = deed("steps", { steps: [receive, close()] });
      using client = await WebSocketClient.open(server.port, { target });
      const { framing, body } = await client.connection.response();
      return [framing, body.length, await client.connection.get("/?do=task").then(() => "kept", () => "closed")];
    },
    expected: ["length", 0, "kept"],
    uvicorn: { expected: ["length", 0, "closed"], because: "A refusal is an ordinary response." },
  },
  {
    name: "a denial response is the application's",
    play: talk({
      steps: [receive, deny(401, [["x-a", "1"]]), denial("who ", true), denial("are you?"), receive], fields: ["x-a"],
    }),
    expected: {
      fields: ["1"], client: "401 who are you?", application: ["connect", "sent", "sent", "sent", "disconnect 1006"],
    },
  },
  {
    name: "a denial response is streamed",
    play: early([receive, deny(401, [["content-length", "4"]]), denial("ab", true), ["await-go"], denial("cd")], 3, 12),
    expected: ["HTTP/1.1 401", "HTTP/1.1 401"],
    uvicorn: {
      expected: ["", "HTTP/1.1 401"],
      because: "The extension has a body in messages so that it can be streamed; uvicorn gathers all of it.",
    },
  },
  {
    name: "a denial response without a body is sent when the application ends",
    play: async (server) => {
      const { connection } = await WebSocketClient.ask(server.port, {
        target: deed("steps", { steps: [receive, deny(418)] }).target,
      });
      using client = connection;
      return await outcome(client);
    },
    expected: "418",
    uvicorn: { expected: "nothing", because: "The application has said what it wants to be answered." },
  },
  {
    name: "accepting after the start of a denial response is a RuntimeError",
    play: talk({ steps: [receive, deny(418), accept(), denial("x"), accept()] }),
    expected: { client: "418 x", application: ["connect", "sent", "RuntimeError", "sent", "RuntimeError"] },
  },
  {
    name: "returning without an answer is 500",
    play: talk({ steps: [receive] }),
    expected: { client: "500", application: ["connect"] },
  },
  {
    name: "an exception before the acceptance is 500",
    play: talk({ steps: [receive, ["raise", "RuntimeError", "before accept"]] }),
    expected: { client: "500", application: ["connect"] },
  },
  {
    name: "a client that leaves before the acceptance is disconnect 1006, and accepting raises OSError",
    play: async (server) => {
      const { target, key } = deed("steps", { steps: [receive, receive, accept(), receiveFor(0.2)] });
      const { connection } = await WebSocketClient.ask(server.port, { target });
      await noted(server, key, 1);
      connection.close();
      return notes(server, key, 4);
    },
    expected: ["connect", "disconnect 1006", "ClientDisconnected", "disconnect 1006"],
    uvicorn: {
      expected: ["connect", "disconnect 1006", "ClientDisconnected", "waits"], because: farewellBecause,
    },
  },
  {
    name: "an HTTP message to a WebSocket is a RuntimeError",
    play: talk({ steps: [receive, send({ type: "http.response.start", status: 200 }), accept(), close()] }),
    expected: { ...closed, application: ["connect", "RuntimeError", "sent", "sent"] },
  },
];
