/**
 * The options of WebSockets. Names and defaults are uvicorn's.
 */
import { choice, count, duration, onOff, size } from "../config/arguments.ts";
import type { AnyRow, Argument, DefaultedRow } from "../config/directive.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues } from "../config/option-values.ts";
import { directive, onOffWord, sizeWord, timeWord } from "../config/statements.ts";

const wsRow: DefaultedRow<boolean> = {
  name: "ws",
  argument: implementation(),
  default: "auto",
  group: "WebSocket",
  doc: "none: an ASGI application gets requests for a WebSocket as plain ones. Names of uvicorn's implementations " +
    "mean auto.",
  example: "tricorn chat:app --ws none",
};

const wsMaxSizeRow: DefaultedRow<number> = {
  name: "ws-max-size",
  argument: size({ min: 125, max: 1_073_741_824 }),
  default: "16m",
  group: "WebSocket",
  doc: "Bytes of a client's message, after decompression; a larger one closes the WebSocket with 1009.",
  example: "tricorn chat:app --ws-max-size 64k",
};

const wsMaxQueueRow: DefaultedRow<number> = {
  name: "ws-max-queue",
  argument: count({ min: 1, max: 65_536 }),
  default: "32",
  group: "WebSocket",
  doc: "Messages of one client that may wait for the application before the client is slowed down.",
  example: "tricorn chat:app --ws-max-queue 4",
};

const wsPingIntervalRow: DefaultedRow<number> = {
  name: "ws-ping-interval",
  argument: duration({ minMs: 0 }),
  default: "20s",
  group: "WebSocket",
  doc: "A client that has been silent for so long is sent a ping; 0: never.",
  example: "tricorn chat:app --ws-ping-interval 45s",
};

const wsPingTimeoutRow: DefaultedRow<number> = {
  name: "ws-ping-timeout",
  argument: duration({ minMs: 1 }),
  default: "20s",
  group: "WebSocket",
  doc: "A client that is still silent so long after a ping is gone: 1011.",
  example: "tricorn chat:app --ws-ping-timeout 5s",
};

const wsPerMessageDeflateRow: DefaultedRow<boolean> = {
  name: "ws-per-message-deflate",
  argument: { ...onOff(), kind: "value", label: "on|off" },
  default: "on",
  group: "WebSocket",
  doc: "Compress messages for clients that offer it (RFC 7692).",
  example: "tricorn chat:app --ws-per-message-deflate off",
};

export const webSocketOptionRows: readonly AnyRow[] = [
  wsRow,
  wsMaxSizeRow,
  wsMaxQueueRow,
  wsPingIntervalRow,
  wsPingTimeoutRow,
  wsPerMessageDeflateRow,
];

/** What stands in `http` about WebSockets. */
export function webSocketStatements(values: OptionValues): readonly Statement[] {
  return [
    directive("ws", onOffWord(values.one(wsRow))),
    directive("ws_max_size", sizeWord(values.one(wsMaxSizeRow), true)),
    directive("ws_max_queue", values.one(wsMaxQueueRow)),
    directive("ws_ping_interval", timeWord(values.one(wsPingIntervalRow))),
    directive("ws_ping_timeout", timeWord(values.one(wsPingTimeoutRow))),
    directive("ws_per_message_deflate", onOffWord(values.one(wsPerMessageDeflateRow))),
  ];
}

/** Uvicorn's `--ws`: everything but none is what we have. */
function implementation(): Argument<boolean> {
  const words = choice(["auto", "none", "websockets", "websockets-sansio", "wsproto"]);
  return {
    ...words,
    label: "auto|none",
    parse: (given) => {
      const word = words.parse(given);
      return word.ok ? { ok: true, value: word.value !== "none" } : word;
    },
  };
}
