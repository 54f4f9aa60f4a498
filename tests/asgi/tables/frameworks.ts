// What Starlette and Django rely on.
import { setTimeout as sleepMs } from "node:timers/promises";
import { requestText } from "../../support/connection.ts";
import { eventually } from "../../support/wait.ts";
import { type Behaviour, get, outcome, short } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { contextBecause, cookieBecause } from "./reasons.ts";

let keys = 0;
/** Generous, for a machine under load: tests/asgi/streams.test.ts measures. */
const leaveMsMax = 2500;

/** A path with a key of its own for what is noted. */
function keyed(path: string): { readonly target: string; readonly key: string } {
  keys += 1;
  return { target: `${path}${path.includes("?") ? "&" : "?"}key=f${keys}`, key: `f${keys}` };
}

async function notes(server: AsgiServer, key: string, count = 0): Promise<string[]> {
  return JSON.parse((await get(server, `/notes?key=${key}&wait=${count}`)).text) as string[];
}

async function noted(server: AsgiServer, key: string, count: number): Promise<void> {
  await eventually(`${count} notes`, 5000, async () => Number((await get(server, `/peek?key=${key}`)).text) >= count);
}

interface Leaving {
  readonly path: string;
  /** Notes before the client leaves, and all of them. */
  readonly before: number;
  readonly all: number;
  readonly how?: "close" | "reset" | "end";
}

/** Leaves in the middle; tells how the application ended, and whether that was soon. */
function leave({ path, before, all, how = "close" }: Leaving) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const { target, key } = keyed(path);
    const from = server.output.length;
    connection.send(requestText({ target }));
    await noted(server, key, before);
    const startMs = performance.now();
    connection[how]();
    const last = (await notes(server, key, all)).at(-1);
    const quick = performance.now() - startMs < leaveMsMax;
    // What comes after the notes, such as a traceback.
    await sleepMs(50);
    return [last, quick, server.output.slice(from).includes("Traceback") ? "a traceback" : "no traceback"];
  };
}

const body = (path: string) => async (server: AsgiServer): Promise<string> => short(await get(server, path));

/** An answer behind an exception: whose traceback is there, so that none after it is taken for it. */
const failure = (path: string) => async (server: AsgiServer): Promise<string> => {
  const from = server.output.length;
  const answer = short(await get(server, path));
  await eventually("the traceback is told", 5000, () => server.output.slice(from).includes("Traceback"));
  return answer;
};

/** Reads a stream whose blocks are made one by one, each when the one before has arrived. */
function streamed(path: string) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const { target, key } = keyed(`${path}?gate=1`);
    connection.send(requestText({ target }));
    let text = "";
    for (let n = 0; n < 3; n++) {
      while (!text.includes(`block ${n}\n`)) text += await connection.read(1);
      await get(server, `/go?key=${key}`);
    }
    return "each at once";
  };
}

/** A response with work behind it and another request behind that; tells what was done when both had been answered. */
function background(path: string, next: string) {
  return async (server: AsgiServer): Promise<unknown> => {
    using connection = await server.connect();
    const { target, key } = keyed(path);
    connection.send(requestText({ target }) + requestText({ target: next }));
    const statuses = [(await connection.response()).status, (await connection.response()).status];
    return [statuses, await notes(server, key), await notes(server, key, 1)];
  };
}

const spec = "with spec_version 2.4 nobody listens while a stream is silent, which is why HTTP is announced as 2.3";

export const starletteBehaviours: readonly Behaviour[] = [
  { name: "StreamingResponse: blocks arrive as they are made", play: streamed("/stream"), expected: "each at once" },
  {
    name: "StreamingResponse: a silent stream ends when its client leaves",
    play: leave({ path: "/stream?idle=3", before: 3, all: 4 }),
    expected: ["CancelledError", true, "no traceback"],
  },
  {
    name: `StreamingResponse: ${spec}`,
    play: leave({ path: "/2.4/stream?idle=3", before: 3, all: 4 }),
    expected: ["finished", false, "no traceback"],
  },
  {
    name: "request.is_disconnected() sees that the client has left",
    play: leave({ path: "/poll", before: 1, all: 2 }),
    expected: ["left", true, "no traceback"],
  },
  {
    name: "request.is_disconnected() sees that the client has reset the connection",
    play: leave({ path: "/poll", before: 1, all: 2, how: "reset" }),
    expected: ["left", true, "no traceback"],
  },
  {
    name: "a background task delays neither the end of its response nor the next request",
    play: background("/background", "/variable"),
    expected: [[200, 200], [], ["worked"]],
  },
  {
    name: "an upload that is cut short is ClientDisconnect",
    play: async (server) => {
      using connection = await server.connect();
      const { target, key } = keyed("/upload");
      connection.send(requestText({ method: "POST", target, fields: { "Content-Length": "10" } }));
      connection.send("abc");
      await noted(server, key, 1);
      connection.close();
      return await notes(server, key, 2);
    },
    expected: ["begun", "ClientDisconnect"],
  },
  { name: "an exception is 500", play: failure("/fail"), expected: "500" },
  { name: "routes below a mount", play: body("/sub/url/x%2Fy"), expected: "200 /sub/url/x/y /url {'name': 'x/y'}" },
  {
    name: "BaseHTTPMiddleware: blocks arrive as they are made",
    play: streamed("/middleware/stream"),
    expected: "each at once",
  },
  {
    name: "BaseHTTPMiddleware: a silent stream ends when its client leaves",
    play: leave({ path: "/middleware/stream?idle=3", before: 3, all: 4 }),
    expected: ["CancelledError", true, "no traceback"],
  },
  {
    name: "BaseHTTPMiddleware: an endpoint whose client leaves before the response",
    play: leave({ path: "/middleware/listen", before: 1, all: 2 }),
    expected: ["left", true, "no traceback"],
  },
  {
    name: "BaseHTTPMiddleware: a background task delays neither the end of its response nor the next request",
    play: background("/middleware/background", "/variable"),
    expected: [[200, 200], [], ["worked"]],
  },
  {
    name: "BaseHTTPMiddleware: its context variables reach the endpoint, and no other request",
    play: async (server) => {
      using connection = await server.connect();
      const targets = ["/middleware/variable", "/variable", "/variable"];
      connection.send(targets.map((target) => requestText({ target })).join(""));
      const found = [];
      for (let n = 0; n < 3; n++) found.push((await connection.response()).text);
      return found;
    },
    expected: ["of the middleware", "clean", "clean"],
    uvicorn: {
      expected: ["of the middleware", "of the middleware", "of the middleware"],
      because: contextBecause,
    },
  },
];

export const djangoBehaviours: readonly Behaviour[] = [
  {
    name: "an async view runs on the loop's thread",
    play: body("/async_view"),
    expected: "200 async on the loop's thread: True",
  },
  {
    name: "a sync view runs in a thread of its own",
    play: body("/sync_view"),
    expected: "200 sync on the loop's thread: False",
  },
  {
    name: "sync_to_async keeps one thread for a request, async_to_sync comes back to the loop",
    play: body("/to_thread"),
    expected: "200 [true, false, true]",
  },
  {
    name: "an async view is cancelled when its client leaves",
    play: leave({ path: "/slow", before: 1, all: 2 }),
    expected: ["cancelled", true, "no traceback"],
  },
  { name: "a stream's blocks arrive as they are made", play: streamed("/stream"), expected: "each at once" },
  {
    name: "a silent stream ends when its client leaves",
    play: leave({ path: "/stream?idle=3", before: 3, all: 4 }),
    expected: ["cancelled", true, "no traceback"],
  },
  {
    name: "a silent stream ends with spec_version 2.4, too: Django always listens",
    play: leave({ path: "/2.4/stream?idle=3", before: 3, all: 4 }),
    expected: ["cancelled", true, "no traceback"],
  },
  {
    name: "request_finished is sent for each request, also when the client has left",
    play: async (server) => {
      await notes(server, "finished", 0);
      await leave({ path: "/slow", before: 1, all: 2 })(server);
      await eventually("the signal", 2000, async () => (await notes(server, "finished", 1)).length > 0);
      return "sent";
    },
    expected: "sent",
  },
  {
    name: "a large upload is read",
    play: async (server) => {
      using connection = await server.connect();
      connection.send(requestText({ method: "POST", target: "/upload", body: "x".repeat(3_000_000) }));
      return await outcome(connection, "POST");
    },
    expected: "200 3000000 bytes",
  },
  {
    name: "a chunked upload is read",
    play: async (server) => {
      using connection = await server.connect();
      const fields = { "Transfer-Encoding": "chunked" };
      return short(await connection.ask({ method: "POST", target: "/upload", fields, body: "3\r\nabc\r\n0\r\n\r\n" }));
    },
    expected: "200 3 bytes",
  },
  {
    name: "cookies of several fields are all seen",
    play: async (server) => {
      using connection = await server.connect();
      connection.send("GET /cookies HTTP/1.1\r\nHost: a\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n");
      return (await connection.response()).text;
    },
    expected: '{"a": "1", "b": "2"}',
    uvicorn: {
      expected: '{"a": "1,b=2"}',
      because: cookieBecause,
    },
  },
];

export const asgi2Behaviours: readonly Behaviour[] = [
  { name: "an application of ASGI 2 is recognised and run", play: body("/"), expected: "200 ASGI 2.0" },
];
