/**
 * The directives of WebSocket. Names and defaults are those of uvicorn's options.
 */
import type { WebSocketSettings } from "../config/model.ts";
import { number, onOff, time } from "../config/nginx/argument-types.ts";
import type { Block } from "../config/nginx/block.ts";
import { type AnyDirectiveRow, type DefaultedDirectiveRow, one } from "../config/nginx/directive-row.ts";
import { offsetWithin, timeAboveZero } from "../config/nginx/bounded-arguments.ts";

const common = { module: "tricorn", contexts: ["http", "server", "location"], merge: "nearest" } as const;

const wsRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  name: "ws",
  arguments: one(onOff()),
  default: "on",
  doc: "Off: an ASGI application gets requests for a WebSocket as plain ones.",
  example: "ws off;",
};

const maxSizeRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "ws_max_size",
  // As much as a control frame carries (RFC 6455 §5.5), and more than any message that is gathered in memory should be.
  arguments: one(offsetWithin({ min: 125, max: 1_073_741_824 })),
  default: "16m",
  doc: "Bytes of a client's message, after decompression; a larger one closes the WebSocket with 1009.",
  example: "ws_max_size 64k;",
};

const maxQueueRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "ws_max_queue",
  arguments: one(number({ min: 1, max: 65_536 })),
  default: "32",
  doc: "Messages of one client that may wait for the application before the client is slowed down.",
  example: "ws_max_queue 4;",
};

const pingIntervalRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "ws_ping_interval",
  arguments: one(time()),
  default: "20s",
  doc: "A client that has been silent for so long is sent a ping; 0: never.",
  example: "ws_ping_interval 45s;",
};

const pingTimeoutRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "ws_ping_timeout",
  arguments: one(timeAboveZero()),
  default: "20s",
  doc: "A client that is still silent so long after a ping is gone: 1011.",
  example: "ws_ping_timeout 5s;",
};

const perMessageDeflateRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  name: "ws_per_message_deflate",
  arguments: one(onOff()),
  default: "on",
  doc: "Compress messages for clients that offer it (RFC 7692).",
  example: "ws_per_message_deflate off;",
};

/** All directives of WebSocket, which webSocketSettings() depends on. */
export const webSocketRows: readonly AnyDirectiveRow[] = [
  wsRow, maxSizeRow, maxQueueRow, pingIntervalRow, pingTimeoutRow, perMessageDeflateRow,
];

/** What is in force in a block. */
export function webSocketSettings(block: Block): WebSocketSettings {
  return {
    enabled: block.one(wsRow),
    messageSizeMax: block.one(maxSizeRow),
    queueMax: block.one(maxQueueRow),
    pingIntervalMs: block.one(pingIntervalRow),
    pingTimeoutMs: block.one(pingTimeoutRow),
    perMessageDeflate: block.one(perMessageDeflateRow),
  };
}
