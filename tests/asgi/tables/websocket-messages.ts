// Messages of an accepted WebSocket, in both directions (RFC 6455 §5 to §8; ASGI, "WebSocket", "Receive" and "Send").
import { setTimeout as sleepMs } from "node:timers/promises";
import { type Behaviour, bytes, deed, notes, step } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { WebSocketClient, closePayload, frame, opcodes } from "../websocket-client.ts";
import { open, talk, ws } from "./websocket-talk.ts";

const { accept, text, binary, close } = ws;
const { receive, send } = step;
const mebi = 1024 * 1024;
/** RFC 7692 §7.1.1: so that the client needs to remember nothing. */
const offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const message = (content: object): ReturnType<typeof send> => send({ type: "websocket.send", ...content });

/** What a client must not send. @returns the code that it hears, and the one that the application hears */
function violation(act: (client: WebSocketClient) => void) {
  return async (server: AsgiServer): Promise<unknown> => {
    const { target, key } = deed("steps", { steps: [receive, accept(), receive] });
    using client = await WebSocketClient.open(server.port, { target });
    act(client);
    const heard = await Promise.race([client.hear(), sleepMs(2000, "nothing")]);
    const [, , application = "nothing"] = await notes(server, key, heard === "nothing" ? 2 : 3);
    return [heard, application].map((each) => each.split(" ", 2).join(" "));
  };
}

const violations: readonly (readonly [name: string, code: number, act: (client: WebSocketClient) => void])[] = [
  ["a frame that is not masked", 1002, (client) => client.frame(opcodes.text, "a", { masked: false })],
  ["RSV1 without an extension", 1002, (client) => client.frame(opcodes.text, "a", { rsv: 0x40 })],
  ["RSV2", 1002, (client) => client.frame(opcodes.text, "a", { rsv: 0x20 })],
  ["a reserved opcode", 1002, (client) => client.frame(3, "a")],
  ["a reserved control opcode", 1002, (client) => client.frame(11, "a")],
  ["a Ping of 126 bytes", 1002, (client) => client.frame(opcodes.ping, "a".repeat(126))],
  ["a Ping in fragments", 1002, (client) => client.frame(opcodes.ping, "a", { fin: false })],
  ["a continuation of nothing", 1002, (client) => client.frame(opcodes.continuation, "a")],
  ["a message within another", 1002, (client) => {
    client.frame(opcodes.text, "a", { fin: false });
    client.frame(opcodes.text, "b");
  }],
  ["a Close of 1005", 1002, (client) => client.close(1005)],
  ["a Close of 999", 1002, (client) => client.close(999)],
  ["a Close of 2000", 1002, (client) => client.close(2000)],
  ["a Close of one byte", 1002, (client) => client.frame(opcodes.close, Buffer.of(3))],
  ["a Close whose reason is no UTF-8", 1007, (client) => client.close(1000, Buffer.of(0xff))],
  ["text that is no UTF-8", 1007, (client) => client.frame(opcodes.text, Buffer.of(0xff))],
  ["text that ends within a character", 1007, (client) => client.frame(opcodes.text, Buffer.of(0xce))],
  ["a frame above 16 MiB, at its head", 1009,
    (client) => client.frame(opcodes.binary, Buffer.alloc(100), { size: 16 * mebi + 1 })],
  ["fragments above 16 MiB, at the head of the last", 1009, (client) => {
    client.frame(opcodes.binary, Buffer.alloc(1000), { fin: false });
    client.frame(opcodes.continuation, Buffer.alloc(100), { size: 16 * mebi });
  }],
];

function echoes(size: number): Behaviour {
  return {
    name: `a binary message and a text of ${size} bytes come back as they were`,
    play: async (server) => {
      using client = (await open(server, "echo")).client;
      const data = Buffer.alloc(size, "0123456789abcdef");
      client.send(data);
      const back = await client.message();
      const characters = "é".repeat(size / 2);
      client.send(characters);
      return [back.equals(data), (await client.message()).toString() === characters];
    },
    expected: [true, true],
  };
}

export const messageBehaviours: readonly Behaviour[] = [
  {
    name: "a message has one key, text or bytes; empty ones too",
    play: async (server) => {
      using client = (await open(server, "keys")).client;
      for (const each of ["a", Buffer.of(1), "", Buffer.alloc(0)]) client.send(each);
      return [await client.hear(), await client.hear(), await client.hear(), await client.hear()];
    },
    expected: ["text text,type", "text bytes,type", "text text,type", "text bytes,type"],
  },
  {
    name: "bytes win over text, None counts as absent, empty messages are messages",
    play: talk({
      steps: [
        receive, accept(), text("t"), binary("b"), message({ text: null, bytes: bytes("b2") }),
        message({ text: "t2", bytes: null }), message({ text: "t3", bytes: bytes("b3") }), text(""), binary(""),
        close(),
      ],
    }),
    expected: {
      client: ["text t", "bytes b", "bytes b2", "text t2", "bytes b3", "text ", "bytes ", "close 1000", "FIN"],
      application: ["connect", ...Array<string>(9).fill("sent")],
    },
  },
  {
    name: "bytes may be a bytearray or a memoryview",
    play: talk({
      steps: [
        receive, accept(), message({ bytes: { bytearray: "ba" } }), message({ bytes: { memoryview: "mv" } }), close(),
      ],
    }),
    expected: {
      client: ["bytes ba", "bytes mv", "close 1000", "FIN"], application: ["connect", "sent", "sent", "sent", "sent"],
    },
  },
  {
    name: "neither text nor bytes is a RuntimeError",
    play: talk({ steps: [receive, accept(), message({}), message({ text: null, bytes: null }), close()] }),
    expected: {
      client: ["close 1000", "FIN"], application: ["connect", "sent", "RuntimeError", "RuntimeError", "sent"],
    },
    uvicorn: {
      expected: { client: ["close 1000", "FIN"], application: ["connect", "sent", "sent", "sent", "sent"] },
      because: "The specification: one of them must be there. uvicorn sends nothing and says nothing.",
    },
  },
  {
    name: "text under bytes, and bytes under text, are a TypeError",
    play: talk({ steps: [receive, accept(), message({ bytes: "x" }), message({ text: bytes("x") }), close()] }),
    expected: { client: ["close 1000", "FIN"], application: ["connect", "sent", "TypeError", "TypeError", "sent"] },
    uvicorn: {
      expected: {
        client: ["close 1000", "FIN"], application: ["connect", "sent", "TypeError", "AttributeError", "sent"],
      },
      because: "A TypeError that names the key, for both.",
    },
  },
  {
    name: "text with a lone surrogate is an error, and the next message is sent",
    play: talk({ steps: [receive, accept(), text("\ud800"), text("after"), close()] }),
    expected: {
      client: ["text after", "close 1000", "FIN"],
      application: ["connect", "sent", "UnicodeEncodeError", "sent", "sent"],
    },
  },
  {
    name: "accepting twice, or a message of no kind, is a RuntimeError",
    play: talk({ steps: [receive, accept(), accept(), send({ type: "websocket.nonsense" }), close()] }),
    expected: {
      client: ["close 1000", "FIN"], application: ["connect", "sent", "RuntimeError", "RuntimeError", "sent"],
    },
  },
  {
    name: "fragments are one message, and control frames may come between them",
    play: async (server) => {
      using client = (await open(server, "echo")).client;
      client.frame(opcodes.text, "a", { fin: false });
      client.frame(opcodes.ping, "now?");
      client.frame(opcodes.continuation, Buffer.of(0xc3), { fin: false });
      client.frame(opcodes.pong, "unasked");
      client.frame(opcodes.continuation, Buffer.of(0xa9));
      return [await client.hear(), await client.hear()];
    },
    expected: ["pong now?", "text aé"],
  },
  {
    name: "10,000 tiny messages in one burst arrive in order, and the Close behind them",
    play: async (server) => {
      const { client, key } = await open(server, "count");
      using _ = client;
      const burst = Array.from({ length: 10_000 }, (_, n) => frame(opcodes.text, String(n)));
      client.connection.send(Buffer.concat([...burst, frame(opcodes.close, closePayload(1000))]));
      return [await client.hear(), await notes(server, key, 1)];
    },
    expected: ["close 1000", ["10000"]],
  },
  ...[1000, 70_000, 300_000, 16 * mebi].map(echoes),
  ...violations.map(([name, code, act]): Behaviour => ({
    name: `${name} closes with ${code}, for the application too`,
    play: violation(act),
    expected: [`close ${code}`, `disconnect ${code}`],
  })),
  {
    name: "text that is no UTF-8 closes with 1007 before the message is whole",
    play: violation((client) => client.frame(opcodes.text, Buffer.of(0xce, 0xff), { fin: false })),
    expected: ["close 1007", "disconnect 1007"],
    uvicorn: {
      expected: ["nothing", "nothing"],
      because: "RFC 6455 §8.1: it fails as soon as it cannot become text any more; uvicorn looks at whole messages.",
    },
  },
  {
    name: "what is said to a room arrives at all in order, between what is said to one",
    play: async (server) => {
      const clients: WebSocketClient[] = [];
      try {
        for (let n = 0; n < 20; n++) {
          const { client } = await open(server, "room");
          clients.push(client);
          await client.hear();
        }
        clients[0]?.send("hello");
        clients[0]?.send("again");
        return await Promise.all([0, 1, 18, 19].map(async (n) => {
          const heard: string[] = [];
          for (let count = n % 2 === 0 ? 4 : 2; count > 0; count--) heard.push((await clients[n]?.hear()) ?? "");
          return heard.join(", ");
        }));
      } finally {
        for (const client of clients) client[Symbol.dispose]();
      }
    },
    expected: [
      "text hello, text for 1 only, text again, text for 1 only", "text hello, text again",
      "text hello, text for 19 only, text again, text for 19 only", "text hello, text again",
    ],
  },
  {
    name: "a receive() that is cancelled again and again loses nothing, while another task sends",
    play: async (server) => {
      const { client, key } = await open(server, "race", { query: { count: "200" } });
      using _ = client;
      for (let n = 0; n < 200; n++) {
        client.send(String(n));
        if (n % 20 === 0) await sleepMs(3);
      }
      return await notes(server, key, 1);
    },
    expected: ["in order"],
  },
  {
    name: "a context variable does not reach another WebSocket",
    play: async (server) => {
      const found: string[] = [];
      for (let n = 0; n < 2; n++) {
        using client = (await open(server, "variable")).client;
        found.push(await client.hear());
      }
      return found;
    },
    expected: ["text clean", "text clean"],
  },
  {
    name: "messages are compressed for a client that offers it",
    play: async (server) => {
      const opening = { fields: { "Sec-WebSocket-Extensions": offer } };
      using client = (await open(server, "echo", { opening })).client;
      const back: boolean[] = [];
      for (const each of ["é".repeat(1000), "short", "é".repeat(1000)]) {
        client.send(each);
        back.push((await client.message()).toString() === each);
      }
      return [client.fields.get("sec-websocket-extensions")?.split("; ").sort(), back];
    },
    expected: [
      ["client_no_context_takeover", "permessage-deflate", "server_max_window_bits=12", "server_no_context_takeover"],
      [true, true, true],
    ],
  },
];
