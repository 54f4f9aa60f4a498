// Extensions (ASGI, "Extensions"): what goes beyond start and body.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { requestText } from "../../support/connection.ts";
import { type Behaviour, bytes, deed, notes, outcome, run, step } from "../behaviour.ts";
import { appsDirectory } from "../servers.ts";

const { start, body, send } = step;
const hint = send({ type: "http.response.early_hint", links: [bytes("</a.css>; rel=preload")] });
const inform = send({
  type: "http.response.informational", status: 103, headers: [[bytes("link"), bytes("</a.css>; rel=preload")]],
});
const trailer = send({ type: "http.response.trailers", headers: [[bytes("x-sum"), bytes("6")]] });
const trailing = start([["trailer", "x-sum"]], { trailers: true });

const source = readFileSync(join(appsDirectory, "http_app.py"), "latin1");
const absentBecause = "uvicorn has the extension not at all, or for HTTP/2 only.";

/** The application's own source, by name or descriptor. */
function file(by: string): Behaviour["play"] {
  return async (server) => {
    using connection = await server.connect();
    connection.send(requestText({ target: deed("file", { by }).target }));
    return (await outcome(connection)).replace(source, "all of it");
  };
}

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
    name: "trailers, to a client that takes them",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [trailing, body("ok"), trailer] });
      const response = await connection.ask({ target, fields: { TE: "trailers", Connection: "TE" } });
      return [response.text, [...response.trailers], await notes(server, key)];
    },
    expected: ["ok", [["x-sum", "6"]], ["sent", "sent", "sent"]],
    uvicorn: { expected: ["ok", [], ["sent", "sent", "RuntimeError"]], because: absentBecause },
  },
  {
    name: "trailers, to a client that has not asked for them",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [trailing, body("ok"), trailer] });
      const response = await connection.ask({ target });
      return [response.text, [...response.trailers], await notes(server, key)];
    },
    expected: ["ok", [], ["sent", "sent", "sent"]],
    uvicorn: { expected: ["ok", [], ["sent", "sent", "RuntimeError"]], because: absentBecause },
  },
  ...["pathsend", "zerocopysend"].map((by): Behaviour => ({
    name: `a file by http.response.${by}`,
    play: file(by),
    expected: "200 all of it",
    uvicorn: { expected: "200 cut", because: absentBecause },
  })),
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
