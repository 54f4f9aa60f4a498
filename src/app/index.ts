/** How do we run an application? (The edge's side; `supervisor` starts the interpreters.) */
export type { AppBody, AppRequest, AppWebSocket, Peer } from "./app-request.ts";
export { LoadZone, WORKERS_MAX } from "./load-zone.ts";
export { Pool } from "./pool.ts";
export type { PoolOwner, PoolSettings } from "./pool.ts";
export type { EncoderSettings } from "./request-encoder.ts";
export type { LinkedWorker } from "./worker-link.ts";
