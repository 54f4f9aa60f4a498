// What an application receives (ASGI, "HTTP Connection Scope", "Request" and "Disconnect").
import { setTimeout as sleepMs } from "node:timers/promises";
import { chunk, requestText } from "../../support/connection.ts";
import {
  type Behaviour, type Step, deed, getJson, noted, notes, noting, outcome, run, short, step,
} from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";

const { start, body, receive, receiveFor, sleep } = step;
const answer: readonly Step[] = [start(), body("ok")];
const answered = ["sent", "sent"];
const post = { method: "POST" } as const;
/** Longer than Tricorn waits for a client that has ended its half of the connection. */
const goneS = 1.2;

/** Sends the head of an upload, its pieces with a pause before each, and tells what the application noted. */
function upload(steps: readonly Step[], fields: Readonly<Record<string, string>>, pieces: readonly string[]) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const { target, key } = deed("steps", { steps });
    connection.send(requestText({ ...post, target, fields }));
    for (const [index, piece] of pieces.entries()) {
      // The piece before has been received, so that this one is a message of its own.
      if (index > 0) await noted(server, key, index);
      else await sleepMs(60);
      connection.send(piece);
    }
    return { client: await outcome(connection, "POST"), application: await notes(server, key, noting(steps)) };
  };
}

/** Leaves once the application has noted something; tells all its notes. */
function leave(how: "close" | "reset" | "end", name: string, count: number, query: Record<string, unknown> = {}) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const { target, key } = deed(name, query);
    connection.send(requestText({ target }));
    await noted(server, key, 1);
    connection[how]();
    return await notes(server, key, count);
  };
}

export const receiveBehaviours: readonly Behaviour[] = [
  {
    name: "a request without a body is one message, empty and the last",
    play: run([receive, ...answer]),
    expected: { client: "200 ok", application: ["request ", ...answered] },
  },
  {
    name: "a small body is one message",
    play: run([receive, ...answer], { ...post, body: "abc" }),
    expected: { client: "200 ok", application: ["request abc", ...answered] },
  },
  {
    name: "pieces of a body are received as they come, and its end once",
    play: upload([receive, receive, ["receive-all"], receiveFor(0.1), ...answer], { "Content-Length": "6" },
      ["ab", "cd", "ef"]),
    expected: { client: "200 ok", application: ["request ab …", "request cd …", "the end", "waits", ...answered] },
  },
  {
    name: "chunks are received as they come, without their framing",
    play: upload([receive, receive, receive, ...answer], { "Transfer-Encoding": "chunked" },
      [chunk("ab"), chunk("cd"), chunk("")]),
    expected: { client: "200 ok", application: ["request ab …", "request cd …", "request ", ...answered] },
  },
  {
    name: "trailers of a request are not seen",
    play: upload([receive, receive, ...answer], { "Transfer-Encoding": "chunked" },
      [chunk("ab"), "0\r\nX-Sum: 1\r\n\r\n"]),
    expected: { client: "200 ok", application: ["request ab …", "request ", ...answered] },
  },
  {
    name: "all messages of a large body have both keys, and bytes",
    play: (server) => getJson(server, "/?do=body", { ...post, body: "x".repeat(300_000) }),
    expected: { size: 300_000, messages: ["body,more_body,type bytes"] },
  },
  {
    name: "after the body receive() waits, and is cancelled without harm",
    play: run([receive, receiveFor(0.05), receiveFor(0.05), ...answer]),
    expected: { client: "200 ok", application: ["request ", "waits", "waits", ...answered] },
  },
  {
    name: "a cancelled receive() raises CancelledError, and loses nothing",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("cancelled-receive");
      connection.send(requestText({ ...post, target, fields: { "Content-Length": "3" } }));
      await noted(server, key, 1);
      connection.send("abc");
      return { client: await outcome(connection), application: await notes(server, key) };
    },
    expected: { client: "200 ok", application: ["cancelling", "CancelledError", "request abc"] },
  },
  {
    name: "receive() after the response is http.disconnect, every time",
    play: run([receive, ...answer, receive, receive]),
    expected: { client: "200 ok", application: ["request ", ...answered, "disconnect", "disconnect"] },
  },
  {
    name: "receive() after the response is http.disconnect also when the body was not received",
    play: run([...answer, receive], { ...post, body: "abc" }),
    expected: { client: "200 ok", application: [...answered, "disconnect"] },
  },
  {
    name: "receive() after the client has left is http.disconnect, every time",
    play: leave("close", "steps", 4, { steps: [receive, receive, receive, receive] }),
    expected: ["request ", "disconnect", "disconnect", "disconnect"],
  },
  {
    name: "a body that is cut short is http.disconnect, not an end",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [receive, receive, receive] });
      connection.send(requestText({ ...post, target, fields: { "Content-Length": "10" } }));
      connection.send("abc");
      await noted(server, key, 1);
      connection.close();
      return await notes(server, key, 3);
    },
    expected: ["request abc …", "disconnect", "disconnect"],
  },
  {
    name: "a body whose chunks are malformed is http.disconnect, and 400",
    play: upload([receive, receive], { "Transfer-Encoding": "chunked" }, [chunk("ab"), "x\r\n"]),
    expected: { client: "400", application: ["request ab …", "disconnect"] },
  },
  {
    name: "two tasks wait in receive(), and both hear that the client has left",
    play: leave("close", "two-receivers", 3),
    expected: ["waiting", "disconnect", "disconnect"],
  },
  {
    name: "receive() returns at once when the client has left before it, by FIN, RST or half",
    play: (server) => Promise.all((["close", "reset", "end"] as const).map(
      (how) => leave(how, "ready-receive", 2, { s: String(goneS) })(server))),
    expected: [["reading", "disconnect"], ["reading", "disconnect"], ["reading", "disconnect"]],
  },
  {
    name: "100 Continue is sent when the application receives",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [["note", "before"], sleep(0.1), ["receive-all"], ...answer] });
      connection.send(requestText({ ...post, target, fields: { "Expect": "100-continue", "Content-Length": "3" } }));
      await noted(server, key, 1);
      const status = await connection.informational();
      connection.send("abc");
      return { status, client: await outcome(connection), application: await notes(server, key) };
    },
    expected: { status: 100, client: "200 ok", application: ["before", "the end", ...answered] },
  },
  {
    name: "100 Continue is not sent when the application answers without receiving",
    play: async (server) => {
      using connection = await server.connect();
      const { target } = deed("steps", { steps: answer });
      connection.send(requestText({ ...post, target, fields: { "Expect": "100-continue", "Content-Length": "3" } }));
      return short(await connection.response());
    },
    expected: "200 ok",
  },
  {
    name: "a body that the application does not receive stops its client",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [["note", "begun"], sleep(0.5), ["receive-all"], ...answer] });
      const size = 20_000_000;
      connection.send(requestText({ ...post, target, fields: { "Content-Length": String(size) } }));
      connection.send(new Uint8Array(size));
      await noted(server, key, 1);
      await sleepMs(250);
      const stopped = connection.unsentSize > 0;
      return { stopped, client: await outcome(connection), application: await notes(server, key) };
    },
    expected: { stopped: true, client: "200 ok", application: ["begun", "the end", ...answered] },
  },
];
