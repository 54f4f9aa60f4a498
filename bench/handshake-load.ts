// The load of handshakes: clients that connect, ask once and leave, over and over.
//   node bench/handshake-load.ts full|resumed PORT CLIENTS SECONDS
// full: each connection is new to the server. resumed: each client resumes the session of its connection before.
// TLS 1.3 and X25519, as browsers have it. Prints one line of JSON: connections that were answered, seconds.
import { once } from "node:events";
import { type TLSSocket, connect } from "node:tls";

const [kind = "", portText = "", clientsText = "", secondsText = ""] = process.argv.slice(2);
const port = Number(portText);
const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
let received = 0;
const sessions = await Promise.all(Array.from({ length: Number(clientsText) }, () => converse(undefined)));
const started = performance.now();
const deadline = started + Number(secondsText) * 1000;
await Promise.all(sessions.map(async (first) => {
  let session = first;
  while (performance.now() < deadline) {
    session = await converse(kind === "resumed" ? session : undefined);
    received++;
  }
}));
process.stdout.write(`${JSON.stringify({ received, seconds: (performance.now() - started) / 1000 })}\n`);

/** One connection with one request. @returns the session that the next one may resume */
async function converse(session: Buffer | undefined): Promise<Buffer | undefined> {
  let next: Buffer | undefined;
  const socket: TLSSocket = connect({
    port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false, minVersion: "TLSv1.3",
    ecdhCurve: "X25519", ...(session !== undefined && { session }),
  });
  socket.on("session", (given: Buffer) => (next = given));
  await once(socket, "secureConnect");
  if (session !== undefined && !socket.isSessionReused()) throw new Error("the server did not resume a session");
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => (answer += text));
  socket.write(request);
  await once(socket, "close");
  if (!answer.startsWith("HTTP/1.1 200")) throw new Error(`the server answered ${answer.slice(0, 100)}`);
  return next;
}
