// What an application may send (ASGI, "HTTP Connection Scope", "Response Start" and "Response Body").
import { requestText } from "../../support/connection.ts";
import { type Behaviour, type Step, bytes, deed, get, notes, outcome, run, short, step } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";

const { start, body, part, send, mustSend } = step;
const nonsense = send({ type: "http.response.nonsense" });
const status = (value: unknown): object => ({ type: "http.response.start", status: value });
/** Steps that fail where they are told to, as most applications do, which leave it to their server. */
const failing = (steps: readonly Step[]): readonly Step[] => steps.map(([, message]) => mustSend(message as object));

/** Lets the application send; tells the response, and some of its fields. */
function fields(names: readonly string[], steps: readonly Step[], request: Parameters<typeof get>[2] = {}) {
  return async (server: AsgiServer): Promise<unknown> => {
    const response = await get(server, deed("steps", { steps }).target, request);
    return [short(response), ...names.map((name) => response.fields.get(name) ?? `no ${name}`)];
  };
}

/** Lets the application fail; tells the response, and whether the connection goes on. */
function refused(steps: readonly Step[]) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    connection.send(requestText({ target: deed("steps", { steps: failing(steps) }).target }));
    const client = await outcome(connection);
    return [client, await connection.get("/?do=task").then(() => "kept", () => "closed")];
  };
}

/** A response whose status or method allows no body, although the application sends "ok". */
function bodyless(method: string, code: number, length?: string) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const headers = length === undefined ? [] : [[bytes("content-length"), bytes(length)]];
    const { target, key } = deed("steps", { steps: [send({ ...status(code), headers }), body("ok")] });
    connection.send(requestText({ method, target }));
    const response = await connection.response({ method });
    const next = await connection.get("/?do=task").then(() => "kept", () => "closed");
    return [short(response), response.fields.get("content-length") ?? "no length", next, await notes(server, key, 2)];
  };
}

const whole = ["sent", "sent"];
const pageBecause = "An error before anything has left is a whole response, 500, and the connection goes on; uvicorn "
  + "has written the head by then, or counts it as sent, and can only close.";
const connectionBecause = "Connection, Keep-Alive and Upgrade are the edge's: the connection that the application "
  + "means is not the client's. Only Connection: close is a wish that is granted.";
const bodylessBecause = "RFC 9110 §6.4.1: the body is dropped and nobody is punished; uvicorn raises h11's error in "
  + "send() and closes.";

export const sendBehaviours: readonly Behaviour[] = [
  {
    name: "a second http.response.start is a RuntimeError where it is sent",
    play: run([start(), start(), body("ok")]),
    expected: { client: "200 ok", application: ["sent", "RuntimeError", "sent"] },
  },
  {
    name: "http.response.body before the start is a RuntimeError where it is sent",
    play: run([body("early"), start(), body("ok")]),
    expected: { client: "200 ok", application: ["RuntimeError", "sent", "sent"] },
  },
  {
    name: "an unknown message is a RuntimeError where it is sent",
    play: run([nonsense, start(), nonsense, body("ok")]),
    expected: { client: "200 ok", application: ["RuntimeError", "sent", "RuntimeError", "sent"] },
  },
  {
    name: "a message of a WebSocket is a RuntimeError",
    play: run([send({ type: "websocket.accept" }), start(), body("ok")]),
    expected: { client: "200 ok", application: ["RuntimeError", "sent", "sent"] },
  },
  {
    name: "any message after the last body is a RuntimeError",
    play: run([start(), body("ok"), body("more"), start()]),
    expected: { client: "200 ok", application: ["sent", "sent", "RuntimeError", "RuntimeError"] },
  },
  {
    name: "a message without a type is a KeyError where it is sent",
    play: run([send({}), start(), body("ok")]),
    expected: { client: "200 ok", application: ["KeyError", "sent", "sent"] },
  },
  {
    name: "a head leaves when the application waits after it",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [start([["content-length", "2"]]), ["await-go"], body("ok")] });
      connection.send(requestText({ target }));
      const line = await connection.read(15);
      await get(server, `/?do=go&key=${key}`);
      connection.unread(line);
      return short(await connection.response());
    },
    expected: "200 ok",
  },
  {
    name: "body and more_body may be left out",
    play: run([start(), send({ type: "http.response.body" })]),
    expected: { client: "200", application: whole },
  },
  { name: "headers may be left out", play: run([send(status(200)), body("ok")]),
    expected: { client: "200 ok", application: whole } },
  {
    name: "headers may be an iterator of lists",
    play: fields(["x-a"], [send({ ...status(200), headers: { generator: [[bytes("x-a"), bytes("1")]] } }), body("ok")]),
    expected: ["200 ok", "1"],
  },
  {
    name: "names and values of headers may be bytearrays",
    play: fields(["x-a"], [
      send({ ...status(200), headers: [{ tuple: [{ bytearray: "x-a" }, { bytearray: "1" }] }] }), body("ok"),
    ]),
    expected: ["200 ok", "1"],
  },
  {
    name: "headers of str are a TypeError",
    play: run([send({ ...status(200), headers: [["x-a", "1"]] }), start(), body("ok")]),
    expected: { client: "200 ok", application: ["TypeError", "sent", "sent"] },
    uvicorn: {
      expected: { client: "200 ok", application: ["sent", "RuntimeError", "sent"] },
      because: "The specification says byte strings; which encoding is meant is the application's to say. h11 takes "
        + "ASCII text, httptools does not.",
    },
  },
  {
    name: "the status may be an IntEnum",
    play: run([send(status({ status: 404 })), body("ok")]),
    expected: { client: "404 ok", application: whole },
  },
  {
    name: "a status of no standard is sent",
    play: run([send(status(299)), body("ok")]),
    expected: { client: "299 ok", application: whole },
  },
  {
    name: "a status above 599 is sent",
    play: run([send(status(799)), body("ok")]),
    expected: { client: "799 ok", application: whole },
    uvicorn: {
      expected: { client: "nothing", application: ["KeyError", "LocalProtocolError"] },
      because: "RFC 9110 §15: three digits are a status, and a client treats an unknown one as its class's; uvicorn's "
        + "table of reasons ends at 599.",
    },
  },
  ...([1000, 101] as const).map((code): Behaviour => ({
    name: `a status of ${code} is a RuntimeError, and 500`,
    play: refused([send(status(code)), body("ok")]),
    expected: ["500", "kept"],
    uvicorn: { expected: ["nothing", "closed"], because: pageBecause },
  })),
  ...(["bytearray", "memoryview"] as const).map((kind): Behaviour => ({
    name: `a body may be a ${kind}`,
    play: run([start(), send({ type: "http.response.body", body: { [kind]: "ok" } })]),
    expected: { client: "200 ok", application: whole },
  })),
  {
    name: "a body of str is a TypeError",
    play: run([start(), send({ type: "http.response.body", body: "ok" }), body("ok")]),
    expected: { client: "200 ok", application: ["sent", "TypeError", "sent"] },
  },
  {
    name: "a body of None is a TypeError",
    play: run([start(), send({ type: "http.response.body", body: null }), body("ok")]),
    expected: { client: "200 ok", application: ["sent", "TypeError", "sent"] },
    uvicorn: {
      expected: { client: "200", application: ["sent", "sent", "RuntimeError"] },
      because: "The specification says byte strings; None is a mistake that would hide as an empty response.",
    },
  },
  ...([["a line break", "1\r\nx-b: 2"], ["NUL", "1\0"]] as const).map(([name, value]): Behaviour => ({
    name: `${name} in a header is an error, and 500`,
    play: refused([start([["x-a", value]]), body("ok")]),
    expected: ["500", "kept"],
    uvicorn: { expected: ["nothing", "closed"], because: pageBecause },
  })),
  {
    name: "a control character in a header is an error, and 500",
    play: refused([start([["x-a", "1\x01"]]), body("ok")]),
    expected: ["500", "kept"],
    uvicorn: {
      expected: ["200 ok", "kept"],
      because: "RFC 9110 §5.5: control characters have no place in a value, and proxies refuse such a response.",
    },
  },
  {
    name: "a space in a header's name is an error, and 500",
    play: refused([start([["x a", "1"]]), body("ok")]),
    expected: ["500", "kept"],
    uvicorn: { expected: ["nothing", "closed"], because: pageBecause },
  },
  {
    name: "names of fields keep their case and their order; repeated ones stay apart",
    play: async (server) => {
      using connection = await server.connect();
      const steps = [start([["X-Bee", "1"], ["x-aye", "2"], ["Set-Cookie", "a=1"], ["Set-Cookie", "b=2"]]), body("ok")];
      connection.send(requestText({ target: deed("steps", { steps }).target, fields: { Connection: "close" } }));
      return (await connection.rest()).split("\r\n").filter((line) => /^(?:x-|set-cookie)/i.test(line));
    },
    expected: ["X-Bee: 1", "x-aye: 2", "Set-Cookie: a=1", "Set-Cookie: b=2"],
  },
  {
    name: "Date and Server of the application replace the server's",
    play: async (server) => {
      const steps = [start([["Date", "yesterday"], ["server", "mine"]]), body("ok")];
      const response = await get(server, deed("steps", { steps }).target);
      const count = (name: string): number => response.fields.get(name)?.split(", ").length ?? 0;
      return [response.fields.get("server"), count("date")];
    },
    expected: ["mine", 1],
    uvicorn: { expected: ["uvicorn, mine", 3], because: "RFC 9110 §5.3: a field that is no list is sent once." },
  },
  {
    name: "Transfer-Encoding of the application is ignored",
    play: fields(["transfer-encoding"], [start([["Transfer-Encoding", "chunked"]]), part("a"), body("b")]),
    expected: ["200 ab", "chunked"],
  },
  {
    name: "Transfer-Encoding: gzip of the application is ignored",
    play: refused([start([["Transfer-Encoding", "gzip"]]), part("a"), body("b")]),
    expected: ["200 ab", "kept"],
    uvicorn: {
      expected: ["nothing", "closed"],
      because: "The specification: Transfer-Encoding must be ignored. uvicorn hands it to h11, which raises.",
    },
  },
  {
    name: "Transfer-Encoding beside Content-Length is ignored",
    play: fields(["transfer-encoding", "content-length"], [
      start([["Transfer-Encoding", "chunked"], ["Content-Length", "2"]]), part("a"), body("b"),
    ]),
    expected: ["200 ab", "no transfer-encoding", "2"],
    uvicorn: {
      expected: ["200 ab", "chunked", "no content-length"],
      because: "The specification: Transfer-Encoding must be ignored. uvicorn drops the Content-Length instead.",
    },
  },
  {
    name: "Connection: close of the application closes",
    play: refused([start([["Connection", "close"], ["content-length", "2"]]), body("ok")]),
    expected: ["200 ok", "closed"],
  },
  ...([["Connection", "upgrade"], ["Upgrade", "h2c"], ["Keep-Alive", "timeout=9"]] as const).map(
    ([name, value]): Behaviour => ({
      name: `${name}: ${value} of the application is not sent`,
      play: fields([name.toLowerCase()], [start([[name, value], ["content-length", "2"]]), body("ok")]),
      expected: ["200 ok", `no ${name.toLowerCase()}`],
      uvicorn: { expected: ["200 ok", value], because: connectionBecause },
    })),
  {
    name: "a body in one message gets a Content-Length",
    play: fields(["content-length", "transfer-encoding"], [start(), body("ok")]),
    expected: ["200 ok", "2", "no transfer-encoding"],
    uvicorn: {
      expected: ["200 ok", "no content-length", "chunked"],
      because: "The head waits for the first body message of the same turn of the loop, so the length is known.",
    },
  },
  {
    name: "a body in several messages is chunked",
    play: fields(["content-length", "transfer-encoding"], [start(), part("o"), body("k")]),
    expected: ["200 ok", "no content-length", "chunked"],
  },
  {
    name: "the body for an HTTP/1.0 client ends with the connection",
    play: fields(["transfer-encoding", "content-length"], [start(), part("a"), body("b")], { version: "1.0" }),
    expected: ["200 ab", "no transfer-encoding", "no content-length"],
  },
  {
    name: "more bytes than Content-Length are an error, and the response is cut",
    play: refused([start([["content-length", "3"]]), part("ab"), part("cd"), body("")]),
    expected: ["200 ab cut", "closed"],
  },
  {
    name: "more bytes than Content-Length in one message are an error, and 500",
    play: refused([start([["content-length", "3"]]), body("abcd")]),
    expected: ["500", "kept"],
    uvicorn: { expected: ["200 cut", "closed"], because: pageBecause },
  },
  {
    name: "fewer bytes than Content-Length are an error, and the response is cut",
    play: refused([start([["content-length", "5"]]), part("ab"), body("")]),
    expected: ["200 ab cut", "closed"],
  },
  ...([["many", "a Content-Length that is no number"], ["2", "two different Content-Lengths"]] as const).map(
    ([value, name]): Behaviour => ({
      name: `${name}: an error, and 500`,
      play: refused([start([["content-length", value], ["content-length", "3"]]), body("ok")]),
      expected: ["500", "kept"],
      uvicorn: { expected: ["nothing", "closed"], because: pageBecause },
    })),
  {
    name: "the same Content-Length twice is sent once",
    play: fields(["content-length"], [start([["content-length", "2"], ["content-length", "2"]]), body("ok")]),
    expected: ["200 ok", "2"],
  },
  { name: "HEAD: the body is dropped, and no length made from it", play: bodyless("HEAD", 200),
    expected: ["200", "no length", "kept", whole] },
  { name: "HEAD: Content-Length is kept, and compared with nothing", play: bodyless("HEAD", 200, "5"),
    expected: ["200", "5", "kept", whole] },
  { name: "HEAD and 304: Content-Length is kept", play: bodyless("HEAD", 304, "5"),
    expected: ["304", "5", "kept", whole] },
  {
    name: "304: Content-Length is kept, the body dropped",
    play: bodyless("GET", 304, "5"),
    expected: ["304", "5", "kept", whole],
    uvicorn: { expected: ["304", "5", "closed", ["sent", "LocalProtocolError"]], because: bodylessBecause },
  },
  {
    name: "204: the body is dropped",
    play: bodyless("GET", 204),
    expected: ["204", "no length", "kept", whole],
    uvicorn: { expected: ["204", "no length", "closed", ["sent", "LocalProtocolError"]], because: bodylessBecause },
  },
  {
    name: "204 has no Content-Length",
    play: bodyless("HEAD", 204, "2"),
    expected: ["204", "no length", "kept", whole],
    uvicorn: {
      expected: ["204", "2", "kept", whole],
      because: "RFC 9110 §8.6: a server MUST NOT send Content-Length with 204.",
    },
  },
  {
    name: "a client that does not read stops send(); what was given up is not missing in the body",
    play: async (server) => {
      using connection = await server.connect();
      const size = 200_000;
      const { target, key } = deed("cancelled-send", { size: String(size) });
      connection.send(requestText({ target }));
      const [count = "0"] = await notes(server, key, 1);
      const { body: { length }, complete } = await connection.response();
      return [length === Number(count) * size + "the end".length ? "all" : "a hole", complete];
    },
    expected: ["all", true],
    uvicorn: {
      expected: ["a hole", true],
      because: "Whoever gives up waiting must not leave a hole in the body: its rest goes before what is sent next.",
    },
  },
];
