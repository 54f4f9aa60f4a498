// The end of a WebSocket (RFC 6455 §7; ASGI, "WebSocket", "Disconnect" and "Close").
import { type Behaviour, deed, noted, notes, step } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { WebSocketClient, frame, opcodes } from "../websocket-client.ts";
import { farewellBecause } from "./reasons.ts";
import { open, talk, ws } from "./websocket-talk.ts";

const { accept, text, close } = ws;
const { receive, sleep } = step;
const application = (...more: readonly string[]): readonly string[] => ["connect", "sent", ...more];

/** The client goes without a Close. @returns what the application hears and what becomes of its sends */
function lost(how: "close" | "reset" | "end") {
  return async (server: AsgiServer): Promise<unknown> => {
    const { target, key } = deed("steps", { steps: [receive, accept(), receive, text("x"), close()] });
    using client = await WebSocketClient.open(server.port, { target });
    await noted(server, key, 2);
    client.connection[how]();
    return await notes(server, key, 5);
  };
}

/** The application closes with something; tells what the client hears first. */
function closing(more: object) {
  return talk({ steps: [receive, accept(), close(more), receive] });
}

const lostBecause = "RFC 6455 §7.1.5: without a Close frame the code is 1006; 1005 is a Close frame without a code. A "
  + "close after the client has left is ignored.";
const ignoredBecause = "What closes may be said twice: a close after the client has left is ignored.";
const refusedBecause = "One kind of error for all mistakes of this kind; uvicorn passes on that of its library.";
const endBecause = "A client that is told why knows whether to come again; uvicorn drops the connection.";

export const closeBehaviours: readonly Behaviour[] = [
  {
    name: "the client's code and reason are told",
    play: talk({ steps: [receive, accept(), receive], client: (client) => client.close(4001, "bye") }),
    expected: { client: ["close 4001", "FIN"], application: application("disconnect 4001 bye") },
    uvicorn: {
      expected: { client: ["close 4001 bye", "FIN"], application: application("disconnect 4001 bye") },
      because: "RFC 6455 §5.5.1: the answer to a Close echoes the code; the reason is nobody's news.",
    },
  },
  {
    name: "a Close without a code is 1005",
    play: talk({ steps: [receive, accept(), receive], client: (client) => client.close() }),
    expected: { client: ["close", "FIN"], application: application("disconnect 1005") },
  },
  {
    name: "websocket.disconnect has a code and a reason, and comes again and again",
    play: async (server) => {
      const { client, key } = await open(server, "farewells");
      client.close(1001);
      await client.hear();
      client[Symbol.dispose]();
      return notes(server, key, 3);
    },
    expected: Array<string>(3).fill("code,reason,type disconnect 1001"),
    uvicorn: {
      expected: ["code,reason,type disconnect 1001", "code,type disconnect 1005", "waits"],
      because: farewellBecause,
    },
  },
  ...(["close", "reset", "end"] as const).map((how): Behaviour => ({
    name: `a connection that is lost without a Close is 1006 (${how})`,
    play: lost(how),
    expected: application("disconnect 1006", "ClientDisconnected", "sent"),
    uvicorn: {
      expected: application("disconnect 1005", "ClientDisconnected", "ClientDisconnected"),
      because: lostBecause,
    },
  })),
  {
    name: "the application's own code and reason are sent, and told to it",
    play: closing({ code: 4002, reason: "enough" }),
    expected: { client: ["close 4002 enough", "FIN"], application: application("sent", "disconnect 4002 enough") },
  },
  {
    name: "a close without a code is 1000",
    play: closing({}),
    expected: { client: ["close 1000", "FIN"], application: application("sent", "disconnect 1000") },
  },
  {
    name: "a close with None is 1000",
    play: closing({ code: null, reason: null }),
    expected: { client: ["close 1000", "FIN"], application: application("sent", "disconnect 1000") },
    uvicorn: {
      expected: { client: ["close", "FIN"], application: application("sent", "disconnect None") },
      because: "A code is always a number (the specification's default is 1000).",
    },
  },
  {
    name: "a close with True, as Channels has it, is 1000",
    play: closing({ code: true }),
    expected: { client: ["close 1000", "FIN"], application: application("sent", "disconnect 1000") },
    uvicorn: {
      expected: { client: ["FIN"], application: application("ProtocolError", "disconnect True") },
      because: "Channels' close(True) means the default; True is 1 in Python, which is no code.",
    },
  },
  ...[999, 1004, 1005, 1006, 1015, 2999, 5000].map((code): Behaviour => ({
    name: `a close with ${code} is a RuntimeError, and another may follow`,
    play: talk({ steps: [receive, accept(), close({ code }), close()] }),
    expected: { client: ["close 1000", "FIN"], application: application("RuntimeError", "sent") },
    uvicorn: {
      expected: { client: ["close 1000", "FIN"], application: application("ProtocolError", "sent") },
      because: refusedBecause,
    },
  })),
  {
    name: "a reason of more than 123 bytes is cut between characters",
    play: talk({ steps: [receive, accept(), close({ reason: "é".repeat(100) })] }),
    expected: { client: [`close 1000 ${"é".repeat(61)}`, "FIN"], application: application("sent") },
    uvicorn: {
      expected: { client: ["FIN"], application: application("ProtocolError") },
      because: "RFC 6455 §5.5 leaves 123 bytes; a reason is for people, and half of it is better than an exception.",
    },
  },
  {
    name: "a message after the application's own close is a RuntimeError",
    play: talk({ steps: [receive, accept(), close(), text("x"), close(), receive] }),
    expected: {
      client: ["close 1000", "FIN"],
      application: application("sent", "RuntimeError", "RuntimeError", "disconnect 1000"),
    },
  },
  {
    name: "a message after the client's close raises OSError, a close is ignored",
    play: talk({ steps: [receive, accept(), receive, text("x"), close()], client: (client) => client.close(1000) }),
    expected: {
      client: ["close 1000", "FIN"], application: application("disconnect 1000", "ClientDisconnected", "sent"),
    },
  },
  {
    name: "so it is before the application has received the client's close",
    play: talk({
      steps: [receive, accept(), sleep(0.3), text("x"), close(), receive], client: (client) => client.close(1000),
    }),
    expected: {
      client: ["close 1000", "FIN"], application: application("ClientDisconnected", "sent", "disconnect 1000"),
    },
    uvicorn: {
      expected: {
        client: ["close 1000", "FIN"],
        application: application("ClientDisconnected", "ClientDisconnected", "disconnect 1000"),
      },
      because: ignoredBecause,
    },
  },
  {
    name: "messages before the client's close are received before it",
    play: talk({
      steps: [receive, accept(), sleep(0.2), receive, receive, receive],
      client: (client) => {
        client.send("a");
        client.send("b");
        client.close(1000);
      },
    }),
    expected: { client: ["close 1000", "FIN"], application: application("text a", "text b", "disconnect 1000") },
  },
  {
    name: "messages before the connection was lost are received before it",
    play: async (server) => {
      const { target, key } = deed("steps", { steps: [receive, accept(), sleep(0.3), receive, receive, receive] });
      using client = await WebSocketClient.open(server.port, { target });
      client.connection.send(Buffer.concat([frame(opcodes.text, "a"), frame(opcodes.text, "b")]));
      client.connection.end();
      return (await notes(server, key, 5)).map((each) => each.replace(/\d+/, "its code"));
    },
    expected: application("text a", "text b", "disconnect its code"),
  },
  {
    name: "messages that come after the application's close are dropped",
    play: talk({ steps: [receive, accept(), close(), receive], client: (client) => client.send("late") }),
    expected: { client: ["close 1000", "FIN"], application: application("sent", "disconnect 1000") },
  },
  {
    name: "returning closes with 1000",
    play: talk({ steps: [receive, accept(), text("x")] }),
    expected: { client: ["text x", "close 1000", "FIN"], application: application("sent") },
    uvicorn: { expected: { client: ["text x", "FIN"], application: application("sent") }, because: endBecause },
  },
  {
    name: "an exception closes with 1011",
    play: talk({ steps: [receive, accept(), text("x"), ["raise", "RuntimeError", "after accept"]] }),
    expected: { client: ["text x", "close 1011", "FIN"], application: application("sent") },
    uvicorn: { expected: { client: ["text x", "FIN"], application: application("sent") }, because: endBecause },
  },
];
