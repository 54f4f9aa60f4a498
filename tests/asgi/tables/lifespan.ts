// The lifespan of an application (ASGI, "Lifespan Protocol"): each row is a whole life of a server.
import { requestText } from "../../support/connection.ts";
import { eventually } from "../../support/wait.ts";
import { type AsgiServer, type ServerName, type ServerSettings, startServer } from "../servers.ts";

const startFailed = /ended with (\d+)/;

export interface Life {
  /** A sentence. */
  readonly name: string;
  /** What tests/asgi/apps/lifespan_app.py does: its LIFESPAN_CASE. */
  readonly lifespan: string;
  readonly settings?: Omit<ServerSettings, "app" | "env">;
  /** What happens between start and TERM: one request, if left out. @returns what the client saw */
  readonly play?: (server: AsgiServer) => Promise<string>;
  /** Does `play` send TERM itself? */
  readonly playEnds?: true;
  /** What the application printed, what the client saw, the exit status, and whether a traceback was logged. */
  readonly expected: Outcome;
  readonly uvicorn?: { readonly expected: Outcome; readonly because: string };
}

export interface Outcome {
  readonly application: readonly string[];
  readonly client?: string;
  readonly status?: number | string;
  readonly traceback?: boolean;
}

/** Starts a server, plays, ends it with TERM. @returns what it was like; what is as usual is left out */
export async function live(name: ServerName, life: Life): Promise<Outcome> {
  const { lifespan, settings, play = ask, playEnds, expected } = life;
  try {
    const env = { LIFESPAN_CASE: lifespan };
    await using server = await startServer(name, { app: "lifespan_app:app", env, ...settings });
    const client = await play(server);
    if (playEnds !== true) server.signal("SIGTERM");
    await eventually("the server ends", 15_000, () => server.exitStatus !== undefined);
    // What it printed last may arrive after the news of its end.
    const wanted = expected.application.length;
    await eventually("all lines", 500, () => lines(server.output).length >= wanted).catch(() => undefined);
    return outcome(server.output, client, server.exitStatus ?? "");
  } catch (error) {
    if (!(error instanceof Error && error.cause instanceof Error && startFailed.test(error.cause.message))) throw error;
    return outcome(error.message, undefined, Number(startFailed.exec(error.cause.message)?.[1]));
  }
}

/** What the application printed. */
function lines(output: string): string[] {
  return [...output.matchAll(/app: (.*)/g)].map(([, line = ""]) => line);
}

function outcome(output: string, client: string | undefined, status: number | string): Outcome {
  return {
    application: lines(output),
    ...(client === undefined ? {} : { client }),
    // uvicorn ends by the signal that it was sent: to shells and supervisors as good as 0.
    ...(status === 0 || status === "SIGTERM" ? {} : { status }),
    ...(output.includes("Traceback") ? { traceback: true } : {}),
  };
}

async function ask(server: AsgiServer): Promise<string> {
  using connection = await server.connect();
  return (await connection.get("/")).text;
}

async function askTwice(server: AsgiServer): Promise<string> {
  return [await ask(server), await ask(server)].join(" ");
}

/** Sends TERM while a request runs; tells its response, and whether that was cut. */
function during(target: string, begun: string) {
  return async (server: AsgiServer): Promise<string> => {
    using connection = await server.connect();
    connection.send(requestText({ target }));
    await eventually(begun, 5000, () => server.output.includes(begun));
    server.signal("SIGTERM");
    const { text, complete } = await connection.response();
    return complete ? text : `${text} cut`;
  };
}

const begins = ["lifespan asgi,state,type 2.0", "lifespan.startup"];
const stateOf = (shared: string): string =>
  `lifespan.shutdown, variable of startup, same task True, state [('number', 1), ('shared', ${shared})]`;
const ends = [stateOf("[1]"), "end of lifespan"];
const first = "[('number', 1), ('shared', [])]";
const unsupported = { client: "[]" };
const grace = { tricorn: ["--graceful-timeout", "2"], uvicorn: ["--timeout-graceful-shutdown", "2"] };
const waitedBecause = "What the application does behind shutdown.complete is waited for: context managers may close "
  + "there.";
const leaveBecause = "The application asks to end; uvicorn takes it for an application without lifespan and serves.";
const hiddenBecause = "What was broken is logged with its traceback, and not taken for a lack of lifespan.";
const kindBecause = "As for all messages out of order; an assertion is a mistake of the server's own.";

export const lives: readonly Life[] = [
  {
    name: "startup, shallow copies of the state for requests, shutdown in the same task",
    lifespan: "ordinary",
    play: askTwice,
    expected: {
      application: [...begins, stateOf("[1, 1]"), "end of lifespan"],
      client: `${first} [('number', 1), ('shared', [1])]`,
    },
    uvicorn: {
      expected: {
        application: [...begins, stateOf("[1, 1]")], client: `${first} [('number', 1), ('shared', [1])]`,
      },
      because: waitedBecause,
    },
  },
  {
    name: "an application that raises at once has no lifespan, and is served",
    lifespan: "raises at once",
    expected: { application: begins.slice(0, 1), ...unsupported },
  },
  {
    name: "an application that returns at once has no lifespan, and is served",
    lifespan: "returns at once",
    expected: { application: begins.slice(0, 1), ...unsupported },
  },
  {
    name: "an exception in startup is logged, and the application is served without lifespan",
    lifespan: "raises in startup",
    expected: { application: begins, ...unsupported, traceback: true },
    uvicorn: { expected: { application: begins, ...unsupported }, because: hiddenBecause },
  },
  {
    name: "sys.exit() in startup ends the start with status 3",
    lifespan: "leaves in startup",
    expected: { application: begins, status: 3 },
    uvicorn: { expected: { application: begins, ...unsupported }, because: leaveBecause },
  },
  {
    name: "startup.failed ends the start with status 3",
    lifespan: "says startup failed",
    expected: { application: begins, status: 3 },
  },
  {
    name: "--lifespan on: an exception ends the start with status 3 and its traceback",
    lifespan: "raises at once",
    settings: { options: ["--lifespan", "on"] },
    expected: { application: begins.slice(0, 1), status: 3, traceback: true },
  },
  {
    name: "--lifespan on: returning at once ends the start with status 3",
    lifespan: "returns at once",
    settings: { options: ["--lifespan", "on"] },
    expected: { application: begins.slice(0, 1), status: 3 },
    uvicorn: {
      expected: { application: begins.slice(0, 1), ...unsupported },
      because: "`on` promises that startup was complete before the first request.",
    },
  },
  {
    name: "--lifespan off: it is not called, and the state is empty",
    lifespan: "ordinary",
    settings: { options: ["--lifespan", "off"] },
    expected: { application: [], ...unsupported },
  },
  {
    name: "an unknown message is a RuntimeError, and startup goes on",
    lifespan: "sends nonsense",
    expected: { application: [...begins, "RuntimeError", ...ends], client: first },
    uvicorn: {
      expected: { application: [...begins, "AssertionError", stateOf("[1]")], client: first }, because: kindBecause,
    },
  },
  {
    name: "startup.complete twice is a RuntimeError, and the application is served",
    lifespan: "completes twice",
    expected: { application: [...begins, "RuntimeError", ...ends], client: first },
    uvicorn: {
      expected: { application: [...begins, "AssertionError", stateOf("[1]")], client: first }, because: kindBecause,
    },
  },
  {
    name: "a lifespan that ends after startup is served, and not told of the shutdown",
    lifespan: "ends early",
    expected: { application: begins, client: first },
  },
  {
    name: "a lifespan that fails after startup is logged, and served",
    lifespan: "raises early",
    expected: { application: begins, client: first, traceback: true },
    uvicorn: { expected: { application: begins, client: first }, because: hiddenBecause },
  },
  {
    name: "an exception in shutdown is logged",
    lifespan: "raises in shutdown",
    expected: { application: [...begins, stateOf("[1]")], client: first, traceback: true },
    uvicorn: { expected: { application: [...begins, stateOf("[1]")], client: first }, because: hiddenBecause },
  },
  {
    name: "shutdown.failed is logged",
    lifespan: "says shutdown failed",
    expected: { application: [...begins, stateOf("[1]")], client: first },
  },
  {
    name: "requests and the work behind them come before shutdown",
    lifespan: "ordinary",
    play: during("/slow", "slow request begins"),
    playEnds: true,
    expected: {
      application: [...begins, "slow request begins", "slow request answered", "background work done", ...ends],
      client: first,
    },
    uvicorn: {
      expected: {
        application: [
          ...begins, "slow request begins", "slow request answered", "background work done", stateOf("[1]"),
        ],
        client: first,
      },
      because: waitedBecause,
    },
  },
  {
    name: "an event stream hears http.disconnect in the middle of the grace time, and may say goodbye",
    lifespan: "ordinary",
    settings: grace,
    play: during("/events", "stream begins"),
    playEnds: true,
    expected: {
      application: [...begins, "stream begins", "the stream hears http.disconnect", ...ends], client: "begun, bye",
    },
    uvicorn: {
      expected: { application: [...begins, "stream begins", stateOf("[1]")], client: "begun cut", traceback: true },
      because: "An event stream has no end of its own; uvicorn waits until the time is over and cancels it.",
    },
  },
  {
    name: "another open response is cut at the end of the grace time, and hears http.disconnect",
    lifespan: "ordinary",
    settings: grace,
    play: during("/stream", "stream begins"),
    playEnds: true,
    expected: {
      application: [...begins, "stream begins", "the stream hears http.disconnect", ...ends], client: "begun cut",
    },
    uvicorn: {
      expected: { application: [...begins, "stream begins", stateOf("[1]")], client: "begun cut", traceback: true },
      because: "The client is gone, as on any other day; uvicorn cancels the task.",
    },
  },
];
