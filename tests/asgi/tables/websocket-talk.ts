// What the behaviours of WebSockets have in common: a client that opens one and tells what both ends hear.
import { type Step, bytes, deed, notes, noting, outcome, step } from "../behaviour.ts";
import type { AsgiServer } from "../servers.ts";
import { type Opening, WebSocketClient } from "../websocket-client.ts";

const { send } = step;

/** Steps of an application with a WebSocket. */
export const ws = {
  accept: (more: object = {}): Step => send({ type: "websocket.accept", ...more }),
  text: (text: string): Step => send({ type: "websocket.send", text }),
  binary: (text: string): Step => send({ type: "websocket.send", bytes: bytes(text) }),
  close: (more: object = {}): Step => send({ type: "websocket.close", ...more }),
  deny: (status: number, fields: readonly (readonly [string, string])[] = []): Step =>
    send({ type: "websocket.http.response.start", status, headers: fields.map((pair) => pair.map(bytes)) }),
  denial: (text: string, more = false): Step =>
    send({ type: "websocket.http.response.body", body: bytes(text), more_body: more }),
} as const;

export interface Talk {
  readonly steps: readonly Step[];
  /** What the client does once its handshake is answered. */
  readonly client?: (client: WebSocketClient) => void | Promise<void>;
  readonly opening?: Opening;
  /** Fields of the answer to tell, with a status. */
  readonly fields?: readonly string[];
}

/** Opens a WebSocket; tells all that client and application have heard, or the response that it was refused with. */
export function talk({ steps, client: act, opening = {}, fields }: Talk) {
  return async (server: AsgiServer): Promise<unknown> => {
    const { target, key } = deed("steps", { steps });
    using client = await WebSocketClient.open(server.port, { target, ...opening });
    const told = fields?.map((name) => client.fields.get(name) ?? `no ${name}`);
    if (client.status === 101) await act?.(client);
    const heard = client.status === 101 ? await client.hearAll() : await outcome(client.connection);
    const application = await notes(server, key, noting(steps));
    return { ...(told === undefined ? {} : { fields: told }), client: heard, application };
  };
}

/** Opens a WebSocket of something that tests/asgi/apps/websocket_app.py does. */
export async function open(
  server: AsgiServer, name: string, { query = {}, opening = {} }: { query?: object; opening?: Opening } = {},
): Promise<{ readonly client: WebSocketClient; readonly key: string }> {
  const { target, key } = deed(name, { ...query });
  return { client: await WebSocketClient.open(server.port, { target, ...opening }), key };
}
