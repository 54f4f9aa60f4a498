/** Where do bytes come from and go? */
export { SendStall } from "./send-stall.ts";
export { ByteStream, makeReadBuffer } from "./byte-stream.ts";
export type { ConnectOptions, SocketHandle, StreamReceiver, TlsConnectOptions } from "./byte-stream.ts";
export { Clock } from "./clock.ts";
export { CopySlab } from "./copy-slab.ts";
export type { Ticked } from "./clock.ts";
export { Listener } from "./listener.ts";
export { FileSource } from "./file-source.ts";
export { Spool, removeFile, secondName } from "./spool.ts";
export { FileBody } from "./file-body.ts";
export type { BodyOutcome, BodyPart, BodySink } from "./file-body.ts";
export { OPEN_FLAGS, OpenFile, closeDescriptor, identityOf, isSameFile, openDescriptor } from "./open-file.ts";
export type { FileIdentity } from "./open-file.ts";
export { RateLimit } from "./rate-limit.ts";
export type { RateSettings } from "./rate-limit.ts";
export { ReadBuffers } from "./read-buffers.ts";
export { loadSendfile } from "./sendfile.ts";
export type { Sendfile } from "./sendfile.ts";
