/** What do a WebSocket's bytes mean? (RFC 6455 and 7692, both roles; pure: no input or output, no clock, no chance) */
export { WsReader } from "./reader.ts";
export type { CloseEvent, MessageEvent, PingEvent, PongEvent, WsEvent, WsSettings, WsViolation } from "./events.ts";
export { WsSender } from "./sender.ts";
export { OutgoingMessage } from "./outgoing-message.ts";
export { OPCODE, closeFrame, frameHead, pingFrame, pongFrame } from "./frames.ts";
export { isCloseCode } from "./close-code.ts";
export { acceptKey, asksForWebSocket, readHandshake } from "./handshake.ts";
export type { Handshake, HandshakeRefusal } from "./handshake.ts";
export { checkHandshakeResponse, formatHandshake } from "./client-handshake.ts";
export type { ClientAgreement, ClientHandshake, ClientRefusal } from "./client-handshake.ts";
export { negotiateDeflate } from "./negotiate-deflate.ts";
export type { DeflateOffer } from "./negotiate-deflate.ts";
export type { DeflateCodec, WsDeflate } from "./deflate.ts";
export type { Extension } from "./extensions.ts";
