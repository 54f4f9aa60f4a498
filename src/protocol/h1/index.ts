/** What do HTTP/1.1's bytes mean? (RFC 9112; pure: no input or output, no clock) */
export { RequestReader } from "./request-reader.ts";
export type { DataEvent, EndEvent, RequestEvent } from "./request-reader.ts";
export { ReceivedHead } from "./received-head.ts";
export { ResponseMemory } from "./response-memory.ts";
export { ResponseReader } from "./response-reader.ts";
export type { InformationalEvent, ResponseEndEvent, ResponseEvent, UpstreamReader } from "./upstream-reader.ts";
export { SectionMemory } from "./section-memory.ts";
export type { HeadLimits } from "./limits.ts";
export { violation } from "./violation.ts";
export type { Violation, ViolationReason } from "./violation.ts";
export {
  CONTINUE, LAST_CHUNK, chooseFraming, formatChunkSize, formatHeadLines, formatInformational, formatTrailers,
} from "./response-writer.ts";
export type { BodyFraming } from "./response-writer.ts";
export { Unread } from "./unread.ts";
export { READY_SIZE_MAX, ReadyText } from "./ready-text.ts";
export { FieldParser } from "./field-parser.ts";
