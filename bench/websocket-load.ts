// The load of WebSockets: raw sockets of a process of its own, so that the clients cost as little as possible.
//   node bench/websocket-load.ts echo|broadcast PORT CLIENTS SECONDS
// echo: each client sends a text of 32 bytes, waits for it, sends it again. broadcast: the first client sends a text of
// 100 bytes to a room, the next one once all clients have it. Prints one line of JSON: messages that arrived, seconds.
import { once } from "node:events";
import { type Socket, connect } from "node:net";

const [kind = "", portText = "", clientsText = "", secondsText = ""] = process.argv.slice(2);
const text = "a message".padEnd(kind === "echo" ? 32 : 100, ".");
const mask = [0x11, 0x22, 0x33, 0x44];
/** RFC 6455 §5.2: a masked text frame of less than 126 bytes. */
const head = Buffer.from([0x81, 0x80 | text.length, ...mask]);
const frame = Buffer.concat([head, Buffer.from(text).map((byte, index) => byte ^ (mask[index & 3] ?? 0))]);
/** What comes back is not masked. */
const receivedSize = 2 + text.length;

const clients = await Promise.all(Array.from({ length: Number(clientsText) }, () => open(Number(portText))));
let received = 0;
const started = performance.now();
const deadline = started + Number(secondsText) * 1000;
if (kind === "echo") await echo();
else await broadcast();
process.stdout.write(`${JSON.stringify({ received, seconds: (performance.now() - started) / 1000 })}\n`);
process.exit(0);

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  let head = "";
  while (!head.endsWith("\r\n\r\n")) head += String((await once(socket, "data"))[0]);
  if (!head.startsWith("HTTP/1.1 101")) throw new Error(`no WebSocket: ${head.split("\r\n")[0] ?? ""}`);
  socket.on("close", () => {
    if (performance.now() < deadline) throw new Error("the server closed a WebSocket");
  });
  return socket;
}

/** Calls `onMessages` with how many whole messages have come. */
function count(socket: Socket, onMessages: (messages: number) => void): void {
  let partial = 0;
  socket.on("data", (bytes: Buffer) => {
    const size = partial + bytes.length;
    partial = size % receivedSize;
    onMessages(Math.floor(size / receivedSize));
  });
}

async function echo(): Promise<void> {
  for (const socket of clients) {
    count(socket, (messages) => {
      received += messages;
      if (performance.now() < deadline) for (let n = 0; n < messages; n++) socket.write(frame);
    });
    socket.write(frame);
  }
  await new Promise((resolve) => setTimeout(resolve, deadline - performance.now()));
}

async function broadcast(): Promise<void> {
  let everybody: (() => void) | undefined;
  let due = 0;
  for (const socket of clients) {
    count(socket, (messages) => {
      received += messages;
      due -= messages;
      if (due === 0) everybody?.();
    });
  }
  while (performance.now() < deadline) {
    due = clients.length;
    const all = new Promise<void>((resolve) => (everybody = resolve));
    clients[0]?.write(frame);
    await all;
  }
}
