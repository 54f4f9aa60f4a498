/** What the peer says in SETTINGS (RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1). */
import type { Bytes } from "../../std/bytes.ts";
import type { Fault } from "./events.ts";
import {
  ENABLE_CONNECT_PROTOCOL, ENABLE_PUSH, ErrorCode, FRAME_SIZE_MAX, INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS,
  MAX_FRAME_SIZE, NO_RFC7540_PRIORITIES, WINDOW_MAX, readUint32,
} from "./frame.ts";

/** RFC 9113 §4.2 */
const PEER_FRAME_SIZE_MAX = 16_777_215;

/** Whom the settings concern: the rest is about what we never do. */
interface Windows {
  /** @returns false when a window becomes larger than may be */
  setInitialWindow(size: number): boolean;
  /** Of a server only: so many streams may be open at once. */
  setStreamsMax?(count: number): void;
}

/** Takes the pairs of `bytes[start, end)`. We need no larger frames, no table of the peer's, and push nothing. */
export function takeSettings(bytes: Bytes, start: number, end: number, windows: Windows): Fault | undefined {
  for (let at = start; at < end; at += 6) {
    const identifier = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const value = readUint32(bytes, at + 2);
    switch (identifier) {
      case ENABLE_PUSH:
        // RFC 9113 §6.5.2: a server MUST NOT set it to 1.
        if (value > (windows.setStreamsMax === undefined ? 1 : 0)) {
          return { code: ErrorCode.PROTOCOL_ERROR, reason: `SETTINGS_ENABLE_PUSH of ${value}` };
        }
        break;
      case MAX_CONCURRENT_STREAMS:
        windows.setStreamsMax?.(value);
        break;
      case ENABLE_CONNECT_PROTOCOL: case NO_RFC7540_PRIORITIES:
        if (value > 1) return { code: ErrorCode.PROTOCOL_ERROR, reason: `SETTINGS ${identifier} of ${value}` };
        break;
      case INITIAL_WINDOW_SIZE:
        if (value > WINDOW_MAX || !windows.setInitialWindow(value)) {
          return { code: ErrorCode.FLOW_CONTROL_ERROR, reason: "SETTINGS_INITIAL_WINDOW_SIZE" };
        }
        break;
      case MAX_FRAME_SIZE:
        if (value < FRAME_SIZE_MAX || value > PEER_FRAME_SIZE_MAX) {
          return { code: ErrorCode.PROTOCOL_ERROR, reason: "SETTINGS_MAX_FRAME_SIZE" };
        }
        break;
    }
  }
  return undefined;
}
