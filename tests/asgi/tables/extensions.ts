// Extensions (ASGI, "Extensions"): what goes beyond start and body.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { requestText } from "../../support/connection.ts";
import { type Behaviour, type Step, bytes, deed, notes, outcome, run, step } from "../behaviour.ts";
import { appsDirectory } from "../servers.ts";
import { absentBecause } from "./reasons.ts";

const { start, body, part, send } = step;
const hint = send({ type: "http.response.early_hint", links: [bytes("</a.css>; rel=preload")] });
const inform = send({
  type: "http.response.informational", status: 103, headers: [[bytes("link"), bytes("</a.css>; rel=preload")]],
});
const trailing = start([["trailer", "x-a, x-b"]], { trailers: true });

function trailer(name: string, more: boolean): Step {
  return send({ type: "http.response.trailers", headers: [[bytes(name), bytes("1")]], more_trailers: more });
}

const source = readFileSync(join(appsDirectory, "http_app.py"), "latin1");
/** The application's own source, sent by name or descriptor. */
function file(by: string, query: object = {}, method = "GET"): Behaviour["play"] {
  return async (server) => {
    using connection = await server.connect();
    connection.send(requestText({ method, target: deed("file", { by, ...query }).target }));
    return (await outcome(connection, method)).replace(source, "all of it");
  };
}

/** Trailers that are sent in two messages, and what the client sees of body and trailers. */
function trailers(fields: Readonly<Record<string, string>>, start: Step): Behaviour["play"] {
  return async (server) => {
    using connection = await server.connect();
    const { target, key } = deed("steps", { steps: [start, body("ok"), trailer("x-a", true), trailer("x-b", false)] });
    const response = await connection.ask({ target, fields });
    return [response.text, [...response.trailers], await notes(server, key, 4)];
  };
}

const takesTrailers = { TE: "trailers", Connection: "TE" };
const sent = (count: number): readonly string[] => Array<string>(count).fill("sent");
const withoutTrailers = ["ok", [], ["sent", "sent", "RuntimeError", "RuntimeError"]];

export const extensionBehaviours: readonly Behaviour[] = [
  {
    name: "an early hint before the start is a 103",
    play: run([hint, start(), body("ok")]),
    expected: { client: "103 200 ok", application: ["sent", "sent", "sent"] },
    uvicorn: { expected: { client: "200 ok", application: ["RuntimeError", "sent", "sent"] }, because: absentBecause },
  },
  {
    name: "an early hint after the start is a 103",
    play: run([start(), hint, body("ok")]),
    expected: { client: "103 200 ok", application: ["sent", "sent", "sent"] },
    uvicorn: { expected: { client: "200 ok", application: ["sent", "RuntimeError", "sent"] }, because: absentBecause },
  },
  {
    name: "an early hint to HTTP/1.0 is not sent",
    play: run([hint, start(), body("ok")], { version: "1.0" }),
    expected: { client: "200 ok", application: ["sent", "sent", "sent"] },
    uvicorn: { expected: { client: "200 ok", application: ["RuntimeError", "sent", "sent"] }, because: absentBecause },
  },
  {
    name: "http.response.informational",
    play: run([inform, start(), body("ok")]),
    expected: { client: "103 200 ok", application: ["sent", "sent", "sent"] },
    uvicorn: { expected: { client: "200 ok", application: ["RuntimeError", "sent", "sent"] }, because: absentBecause },
  },
  {
    name: "an early hint behind the first bytes is a RuntimeError",
    play: run([start(), part("o"), hint, body("k")]),
    expected: { client: "200 ok", application: ["sent", "sent", "RuntimeError", "sent"] },
  },
  {
    name: "trailers, to a client that takes them",
    play: trailers(takesTrailers, trailing),
    expected: ["ok", [["x-a", "1"], ["x-b", "1"]], sent(4)],
    uvicorn: { expected: withoutTrailers, because: absentBecause },
  },
  {
    name: "trailers are left out for a client that has not asked for them",
    play: trailers({}, trailing),
    expected: ["ok", [], sent(4)],
    uvicorn: { expected: withoutTrailers, because: absentBecause },
  },
  {
    name: "trailers behind a body with a Content-Length are left out",
    play: trailers(takesTrailers, start([["content-length", "2"]], { trailers: true })),
    expected: ["ok", [], sent(4)],
    uvicorn: { expected: withoutTrailers, because: absentBecause },
  },
  ...["pathsend", "zerocopysend", "several messages"].flatMap((by): Behaviour[] => [
    {
      name: `a file by ${by}, with a Content-Length`,
      play: file(by, { length: "1" }),
      expected: "200 all of it",
      uvicorn: { expected: "200 cut", because: absentBecause },
    },
    {
      name: `a file by ${by}, without a Content-Length`,
      play: file(by),
      expected: "200 all of it",
      uvicorn: { expected: "200 cut", because: absentBecause },
    },
  ]),
  {
    name: "a file that is not there is an error, and 500",
    play: file("a path that is not there"),
    expected: "500",
    uvicorn: { expected: "200 cut", because: absentBecause },
  },
  {
    name: "HEAD of a file",
    play: file("pathsend", { length: "1" }, "HEAD"),
    expected: "200",
  },
  {
    name: "a push is taken and ignored",
    play: run([start(), send({ type: "http.response.push", path: "/a.css", headers: [] }), body("ok")]),
    expected: { client: "200 ok", application: ["sent", "sent", "sent"] },
    uvicorn: { expected: { client: "200 ok", application: ["sent", "RuntimeError", "sent"] }, because: absentBecause },
  },
  {
    name: "http.response.debug is refused",
    play: run([send({ type: "http.response.debug", info: {} }), start(), body("ok")]),
    expected: { client: "200 ok", application: ["RuntimeError", "sent", "sent"] },
  },
];
