// How long the application's coroutine lives, and in what surroundings.
import { requestText } from "../../support/connection.ts";
import { eventually } from "../../support/wait.ts";
import { type Behaviour, deed, get, getJson, noted, notes, outcome, short, step } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { contextBecause } from "./reasons.ts";

const { start, body, part, receive, sleep } = step;

/** How often a text has been printed since, once it is there at least as often as wanted or half a second is over. */
async function printed(server: AsgiServer, from: number, text: string, wanted: number): Promise<number> {
  const count = (): number => server.output.slice(from).split(text).length - 1;
  await eventually("the log", 500, () => count() >= wanted).catch(() => undefined);
  return count();
}

/** Makes the application fail; tells the response, whether the connection goes on, and what was logged. */
function failure(target: () => string, texts: readonly string[]) {
  return async (server: AsgiServer): Promise<unknown> => {
    const from = server.output.length;
    using connection = await server.connect();
    connection.send(requestText({ target: target() }));
    const client = await outcome(connection);
    const next = await connection.get("/?do=task").then(() => "kept", () => "closed");
    const logged = [];
    for (const text of texts) logged.push(await printed(server, from, text, 1));
    return { client, next, logged };
  };
}

const steps = (...list: readonly (readonly unknown[])[]) => () => deed("steps", { steps: list }).target;
const variable = (set: string, more: Record<string, string> = {}): string => deed("variable", { set, ...more }).target;

/** Sends for some time to a client that has left. */
function sending(seconds: number) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const { target, key } = deed("sender", { s: String(seconds) });
    connection.send(requestText({ target }));
    await noted(server, key, 1);
    connection.close();
    return await notes(server, key, 2);
  };
}

const clean = ['["clean", "a"]', '["clean", "b"]', '["clean", "c"]'];
const logged = "Exception in ASGI application";
const keptBecause = "The client has a whole response; that the application failed says nothing about the connection.";
const headBecause = "The head waits for one turn of the loop, so an application that fails at once still gets its 500.";
export const taskBehaviours: readonly Behaviour[] = [
  {
    name: "an exception before the response is 500, and is logged once with its traceback",
    play: failure(steps(["raise", "RuntimeError", "early"]), [logged, "RuntimeError: early"]),
    expected: { client: "500", next: "kept", logged: [1, 1] },
    uvicorn: { expected: { client: "500", next: "closed", logged: [1, 1] }, because: keptBecause },
  },
  {
    name: "what a client sees of an exception",
    play: async (server) => {
      const response = await get(server, steps(["raise", "RuntimeError", "secret"])());
      return [response.fields.get("content-type"), response.text.includes("secret")];
    },
    expected: ["text/html; charset=utf-8", false],
    uvicorn: {
      expected: ["text/plain; charset=utf-8", false],
      because: "It is the edge's error page, as for every error that the application does not answer itself.",
    },
  },
  {
    name: "an exception after http.response.start alone",
    play: failure(steps(start(), ["raise", "RuntimeError", "started"]), ["RuntimeError: started"]),
    expected: { client: "500", next: "kept", logged: [1] },
    uvicorn: { expected: { client: "200 cut", next: "closed", logged: [1] }, because: headBecause },
  },
  {
    name: "an exception in the middle of a response cuts it",
    play: failure(steps(start(), part("ab"), ["raise", "RuntimeError", "middle"]), ["RuntimeError: middle"]),
    expected: { client: "200 ab cut", next: "closed", logged: [1] },
  },
  {
    name: "an exception after the response is logged, and the client has its response",
    play: failure(steps(start(), body("ab"), ["raise", "RuntimeError", "late"]), ["RuntimeError: late"]),
    expected: { client: "200 ab", next: "kept", logged: [1] },
    uvicorn: { expected: { client: "200 ab", next: "closed", logged: [1] }, because: keptBecause },
  },
  {
    name: "SystemExit of a request is 500, and the worker lives on",
    play: failure(steps(["raise", "SystemExit", "leaving"]), ["SystemExit: leaving"]),
    expected: { client: "500", next: "kept", logged: [1] },
    uvicorn: { expected: { client: "500", next: "closed", logged: [1] }, because: keptBecause },
  },
  {
    name: "returning without a response is 500",
    play: failure(steps(receive), ["returned without starting"]),
    expected: { client: "500", next: "kept", logged: [1] },
    uvicorn: { expected: { client: "500", next: "closed", logged: [1] }, because: keptBecause },
  },
  {
    name: "returning after http.response.start alone",
    play: failure(steps(start()), ["returned without completing"]),
    expected: { client: "500", next: "kept", logged: [1] },
    uvicorn: { expected: { client: "200 cut", next: "closed", logged: [1] }, because: headBecause },
  },
  {
    name: "returning in the middle of a response cuts it",
    play: failure(steps(start(), part("ab")), ["returned without completing"]),
    expected: { client: "200 ab cut", next: "closed", logged: [1] },
  },
  {
    name: "returning something other than None",
    play: failure(steps(start(), body("ab"), ["return", 1]), ["should return None"]),
    expected: { client: "200 ab", next: "kept", logged: [1] },
    uvicorn: { expected: { client: "200 ab", next: "closed", logged: [1] }, because: keptBecause },
  },
  {
    name: "returning without a response after the client has left is not logged",
    play: async (server) => {
      const from = server.output.length;
      using connection = await server.connect();
      const { target, key } = deed("steps", { steps: [receive, receive, ["note", "over"]] });
      connection.send(requestText({ target }));
      await noted(server, key, 1);
      connection.close();
      const all = await notes(server, key, 3);
      return [all, await printed(server, from, "returned without", 1)];
    },
    expected: [["request ", "disconnect", "over"], 0],
  },
  {
    name: "a client that leaves does not cancel the task",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("outlive");
      connection.send(requestText({ target }));
      await noted(server, key, 1);
      connection.close();
      return await notes(server, key, 2);
    },
    expected: ["begun", "worked on"],
  },
  {
    name: "what is sent to a client that has left is dropped in silence",
    play: sending(0.3),
    expected: ["begun", "silence"],
  },
  {
    name: "a client that has ended its half gets its response",
    play: async (server) => {
      using connection = await server.connect();
      connection.send(requestText({ target: deed("steps", { steps: [sleep(0.1), start(), body("ok")] }).target }));
      connection.end();
      return await outcome(connection);
    },
    expected: "200 ok",
    uvicorn: {
      expected: "nothing",
      because: "RFC 9112 §9.6: a client may close its half and wait. It is told to have left half a second later, and "
        + "gets what the application still sends.",
    },
  },
  {
    name: "work after the response does not delay the next request of the connection",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("background", { s: "1" });
      const statuses = [(await connection.get(target)).status, (await connection.get("/?do=task")).status];
      return [statuses, await notes(server, key), await notes(server, key, 1)];
    },
    expected: [[200, 200], [], ["worked"]],
  },
  {
    name: "work after the response does not delay requests that are pipelined behind it",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = deed("background", { s: "1" });
      connection.send([target, "/?do=task", "/?do=task"].map((each) => requestText({ target: each })).join(""));
      const statuses = [];
      for (let n = 0; n < 3; n++) statuses.push((await connection.response()).status);
      return [statuses, await notes(server, key), await notes(server, key, 1)];
    },
    expected: [[200, 200, 200], [], ["worked"]],
  },
  {
    name: "a context variable does not reach the next request of the connection",
    play: async (server) => {
      using connection = await server.connect();
      const found: string[] = [];
      for (const set of ["a", "b", "c"]) found.push((await connection.get(variable(set))).text);
      return found;
    },
    expected: clean,
  },
  {
    name: "a context variable does not reach a pipelined request",
    play: async (server) => {
      using connection = await server.connect();
      connection.send(["a", "b", "c"].map((set) => requestText({ target: variable(set) })).join(""));
      const found: string[] = [];
      for (let n = 0; n < 3; n++) found.push((await connection.response()).text);
      return found;
    },
    expected: clean,
    uvicorn: { expected: ['["clean", "a"]', '["a", "b"]', '["b", "c"]'], because: contextBecause },
  },
  {
    name: "a context variable does not reach a request with a large body",
    play: async (server) => {
      using connection = await server.connect();
      const found: string[] = [];
      for (const set of ["a", "b", "c"]) {
        const target = variable(set, { read: "1" });
        found.push((await connection.ask({ method: "POST", target, body: "x".repeat(300_000) })).text);
      }
      return found;
    },
    expected: clean,
  },
  {
    name: "a context variable does not reach requests that run meanwhile",
    play: (server) => Promise.all(["a", "b", "c"].map(
      async (set) => (await get(server, variable(set, { s: "0.1" }))).text)),
    expected: clean,
  },
  {
    name: "context variables set at import and in lifespan",
    play: (server) => getJson(server, "/?do=outer-variables"),
    expected: ["set at import", "nothing"],
  },
  {
    name: "a request is an ordinary task of the loop",
    play: (server) => getJson(server, "/?do=task"),
    expected: [true, true, true],
  },
  {
    name: "a time limit ends a receive() that waits",
    play: async (server) => short(await get(server, "/?do=timeout")),
    expected: "200 timed out",
  },
  {
    name: "one task of a group answers while another listens; it hears of the end",
    play: async (server) => {
      const { target, key } = deed("group");
      return [short(await get(server, target)), await notes(server, key, 1)];
    },
    expected: ["200 from a group", ["http.disconnect"]],
  },
  {
    name: "an exception group is one 500, and logged once and whole",
    play: failure(() => "/?do=exception-group", [logged, "ValueError: left", "ValueError: right"]),
    expected: { client: "500", next: "kept", logged: [1, 1, 1] },
    uvicorn: { expected: { client: "500", next: "closed", logged: [1, 1, 1] }, because: keptBecause },
  },
  {
    name: "send is called from another thread",
    play: async (server) => short(await get(server, "/?do=from-thread")),
    expected: "200 from a thread",
  },
];

/** What takes its time. */
export const patientBehaviours: readonly Behaviour[] = [
  {
    name: "sending to a client that left ten seconds ago raises OSError",
    play: sending(12),
    expected: ["begun", "ClientDisconnected"],
    uvicorn: {
      expected: ["begun", "silence"],
      because: "ASGI 2.4 wants OSError, which older applications do not expect. After ten seconds of silence it ends a "
        + "loop that only sends, which under uvicorn goes on for ever.",
    },
  },
];
