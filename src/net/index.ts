/** Where do bytes come from and go? */
export { SendStall } from "./send-stall.ts";
export { ByteStream, makeReadBuffer } from "./byte-stream.ts";
export type { SocketHandle, StreamReceiver } from "./byte-stream.ts";
export { Clock } from "./clock.ts";
export { CopySlab } from "./copy-slab.ts";
export type { Ticked } from "./clock.ts";
export { Listener } from "./listener.ts";
export { FileSource } from "./file-source.ts";
export { Spool } from "./spool.ts";
