// A link and a worker that says what no worker of ours says: the link ends, and nothing else does.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { requestOf } from "../../tests/protocol/encoding.ts";
import { framed } from "../../tests/protocol/frames.ts";
import { type WireValue, askPython } from "../../tests/protocol/python.ts";
import { eventually } from "../../tests/support/wait.ts";
import { makeReadBuffer } from "../net/index.ts";
import { WIRE_VERSION } from "../protocol/wire/index.ts";
import { asBytes } from "../std/bytes.ts";
import type { AppRequest, AppWebSocket } from "./app-request.ts";
import { ResponseDecoder } from "./response-decoder.ts";
import { ScopeEncoder } from "./scope.ts";
import { WorkerLink } from "./worker-link.ts";

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const settings = {
  listeners: [{ kind: "tcp", host: "127.0.0.1", port: 8000 } as const], rootPath: "", underscoresInHeaders: false,
  software: "tricorn",
};

/** A link with two requests: 1 asks for a WebSocket, 2 does not. What happens is noted as text. */
class Scene {
  readonly seen: string[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "tricorn-link-"));
  readonly #server = createServer((socket) => this.#sockets.push(socket));
  readonly #sockets: Socket[] = [];
  link: WorkerLink | undefined;

  async open(): Promise<void> {
    const socketPath = join(this.#directory, "worker.sock");
    this.#server.listen(socketPath);
    await once(this.#server, "listening");
    const note = (text: string) => (): void => void this.seen.push(text);
    const worker = {
      name: "worker-1", app: "app", pid: 1, socketPath, statePath: "", interface: "asgi", threads: 1, slot: 0,
    } as const;
    const memory = { readBuffer: makeReadBuffer(), decoder: new ResponseDecoder() };
    const link = new WorkerLink(worker, 0, new ScopeEncoder(settings), memory, {
      onLinkReady: note("ready"), onOutput: () => undefined, onAnswered: () => undefined, onTakenBack: () => undefined,
      onLinkLost: (_link, requests, fault) => void this.seen.push(`lost ${requests.length}: ${fault ?? ""}`),
      onRefusedHead: note("refused"),
    });
    this.link = link;
    await eventually("both connections are there", 5000, () => this.#sockets.length === 2);
    const hello = { tuple: [0, WIRE_VERSION, 1, "asgi"] };
    for (const socket of this.#sockets) socket.write(frames([hello]));
    await eventually("the link is ready", 5000, () => this.seen.includes("ready"));
    link.send(this.#request(true));
    link.send(this.#request(false));
    link.flush();
  }

  /** Lets the worker say it. The first connection is the one for data: it was opened first. */
  say(...values: readonly WireValue[]): void {
    this.#sockets[0]?.write(frames(values));
  }

  async eventually(text: string): Promise<void> {
    await eventually(`${text} in ${this.seen.join(", ")}`, 5000, () => this.seen.some((each) => each.startsWith(text)));
  }

  close(): void {
    this.link?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#directory, { recursive: true });
  }

  #request(isWebSocket: boolean): AppRequest {
    const webSocket: AppWebSocket = {
      subprotocols: ["chat"],
      onAccept: (subprotocol, fields) => void this.seen.push(`accept ${subprotocol ?? "-"} ${fields.join(",")}`),
      onMessage: ({ bytes, start, end, opcode, shared }) =>
        void this.seen.push(`message ${opcode} ${bytes.utf8Slice(start, end)}${shared ? " shared" : ""}`),
      onPart: (bytes, opcode, fin) => void this.seen.push(`part ${opcode} ${bytes.utf8Slice()} ${String(fin)}`),
      onMark: () => void this.seen.push("mark"),
      onReceived: () => void this.seen.push("received"),
      onApplicationClose: (code, reason) => void this.seen.push(`close ${code} ${reason}`),
      onRetire: (index) => void this.seen.push(`retire ${index}`),
    };
    return {
      ...requestOf(get),
      webSocket: isWebSocket ? webSocket : undefined,
      onFailure: (status) => void this.seen.push(`failure ${status}`),
      onEnd: () => void this.seen.push("end"),
    };
  }
}

function frames(values: readonly WireValue[]): Buffer {
  return Buffer.concat(askPython({ dumps: values }).dumps.map((dump) => framed(dump)));
}

async function inScene(play: (scene: Scene) => Promise<void>): Promise<void> {
  const scene = new Scene();
  try {
    await scene.open();
    await play(scene);
  } finally {
    scene.close();
  }
}

const bytes = (text: string): WireValue => ({ bytes: asBytes(Buffer.from(text)).toString("hex") });

describe("a worker's frames for a WebSocket", () => {
  test("reach the request that they are for, in their order", async () => {
    await inScene(async (scene) => {
      scene.say(
        { tuple: [10, 1, "chat", [{ tuple: [bytes("x"), bytes("y")] }]] },
        { tuple: [11, ["é", [1], bytes("b"), [1, 1], null, [1], "", [7]]] },
        { tuple: [13, 1, bytes("pa"), 1, false] }, { tuple: [13, 1, bytes("rt"), 0, true] },
        { tuple: [12, 1] }, { tuple: [14, 1, 4000, "so long"] }, { tuple: [4, 1, null] },
        { tuple: [11, ["late", [1]]] }, { tuple: [6, 2, false] },
      );
      await scene.eventually("failure");
      assert.deepEqual(scene.seen, [
        "ready", "accept chat x,y", "message 1 é", "message 2 b shared", "message 2 b shared", "mark",
        "part 1 pa false",
        "part 0 rt true", "received", "close 4000 so long", "end", "failure 500",
      ]);
    });
  });

  test("retire it when the worker is to go", async () => {
    await inScene(async (scene) => {
      scene.link?.retire();
      assert.deepEqual(scene.seen, ["ready", "retire 0"]);
    });
  });

  const wrong: readonly (readonly [what: string, frame: WireValue])[] = [
    ["accept what asks for none", { tuple: [10, 2, null, []] }],
    ["a message to what asks for none", { tuple: [11, ["x", [2]]] }],
    ["a mark of what asks for none", { tuple: [12, 2] }],
    ["a part of what asks for none", { tuple: [13, 2, bytes("x"), 1, true] }],
    ["a close of what asks for none", { tuple: [14, 2, 1000, ""] }],
    ["a control frame as a part", { tuple: [13, 1, bytes("x"), 9, true] }],
    ["a part with the opcode 3", { tuple: [13, 1, bytes("x"), 3, true] }],
    ["a code that nobody may send", { tuple: [14, 1, 1005, ""] }],
    ["a negative code", { tuple: [14, 1, -1, ""] }],
    ["a reason of 124 bytes", { tuple: [14, 1, 1000, "é".repeat(62)] }],
    ["a message for nobody", { tuple: [11, ["x"]] }],
    ["a number as a message", { tuple: [11, [1, [1]]] }],
    ["a name as an id", { tuple: [11, ["x", ["1"]]] }],
    ["one id that is no list", { tuple: [11, ["x", 1]] }],
    ["fields that are no pairs", { tuple: [10, 1, null, ["x"]] }],
    ["one element too many", { tuple: [12, 1, 1] }],
    ["a kind that there is not", { tuple: [15, 1] }],
  ];
  for (const [what, frame] of wrong) {
    test(`end the link when they are wrong: ${what}`, async () => {
      await inScene(async (scene) => {
        scene.say(frame);
        await scene.eventually("lost");
        assert.match(scene.seen.at(-1) ?? "", /^lost 2: it sent a frame that the wire does not allow/);
      });
    });
  }
});
