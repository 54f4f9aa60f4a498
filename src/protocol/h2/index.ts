/** What do HTTP/2's bytes mean? (RFC 9113, RFC 7541; pure: no input or output, no clock) */
export { H2Engine } from "./engine.ts";
export type { EngineEvent, EngineSettings, RefusedEvent, RequestEvent } from "./events.ts";
export { ErrorCode, FRAME_HEADER_SIZE, PREFACE, STREAM_ID_MAX } from "./frame.ts";
export { encodeBlock } from "./hpack-encoder.ts";
export type { StreamOwner } from "./sender.ts";
export { H2ClientEngine } from "./client-engine.ts";
export type { ClientEvent, ClientOwner, ClientSettings } from "./client-events.ts";
export type { FrameMemory } from "./frame-writer.ts";
