// What a message of a WebSocket costs in the engine: `node bench/micro/websocket.ts`, without sockets.
import { OutgoingMessage, WsReader, WsSender } from "../../src/protocol/ws/index.ts";
import { allocate, concatBytes, fromLatin1, fromUtf8 } from "../../src/std/bytes.ts";
import type { Bytes } from "../../src/std/bytes.ts";
import { measure } from "./stopwatch.ts";

const readSize = 65_536;
const settings = { role: "server", messageSizeMax: 16_777_216, deflate: undefined } as const;
const ascii = fromLatin1("a message of thirty-two bytes...");
const wide = fromUtf8("ein Gruß von dreißig Bytes, über");

/** A client's frame of a text. */
function masked(payload: Bytes): Bytes {
  const frame = new WsSender(undefined, () => 0x11223344).frame(messageOf(new OutgoingMessage(), payload, false));
  return typeof frame === "string" ? fromLatin1(frame) : frame;
}

function messageOf(message: OutgoingMessage, payload: Bytes, shared: boolean): OutgoingMessage {
  message.reset(payload, 0, payload.length, true, shared);
  return message;
}

/** Messages that come `count` in one read; the copy that masks them anew is part of it. */
function reading(payload: Bytes, count: number): (times: number) => number {
  const frames = concatBytes(Array.from({ length: count }, () => masked(payload)));
  const reader = new WsReader(settings);
  const buffer = allocate(readSize);
  return (times) => {
    let sum = 0;
    for (let done = 0; done < times; done += count) {
      frames.copy(buffer, 0);
      reader.receive(buffer.subarray(0, frames.length));
      for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
        if (event.kind === "message") sum += event.end - event.start;
      }
      reader.keepRest();
    }
    return sum;
  };
}

/** One payload for `count` WebSockets, again and again. */
function sending(payload: Bytes, count: number): (times: number) => number {
  const senders = Array.from({ length: count }, () => new WsSender(undefined));
  const message = new OutgoingMessage();
  return (times) => {
    let sum = 0;
    for (let done = 0; done < times; done += count) {
      messageOf(message, payload, count > 1);
      for (const sender of senders) sum += sender.frame(message).length;
    }
    return sum;
  };
}

measure("a message of 32 bytes", [
  { name: "read, one a read", run: reading(ascii, 1) },
  { name: "read, eight a read", run: reading(ascii, 8) },
  { name: "read, eight a read, not ASCII", run: reading(wide, 8) },
  { name: "written to one", run: sending(ascii, 1) },
  { name: "written to a thousand, each", run: sending(ascii, 1000) },
]);
