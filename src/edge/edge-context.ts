/** What all connections of one edge thread share: compiled once from the configuration. */
import type { TrustedProxies } from "../access/index.ts";
import type { LoadZone, Pool } from "../app/index.ts";
import type { HttpSettings, WebSocketSettings } from "../config/model.ts";
import type { HeaderSettings } from "../filters/index.ts";
import type { AppHandlerSettings } from "../handlers/index.ts";
import type { Clock, CopySlab } from "../net/index.ts";
import type { AccessLog } from "../observe/index.ts";
import type { HeadLimits, SectionMemory } from "../protocol/h1/index.ts";

export interface EdgeContext {
  readonly http: HttpSettings;
  readonly webSocket: WebSocketSettings;
  readonly limits: HeadLimits;
  readonly sections: SectionMemory;
  readonly clock: Clock;
  /** For parts of responses that are being written. */
  readonly copies: CopySlab;
  readonly pool: Pool;
  readonly zone: LoadZone;
  readonly headers: HeaderSettings;
  readonly appHandler: AppHandlerSettings;
  /** Undefined when forwarding fields are to be ignored. */
  readonly trusted: TrustedProxies | undefined;
  readonly accessLog: AccessLog | undefined;
  /** Requests in progress at once, over all threads; 0 for no limit. */
  readonly limitConcurrency: number;
  /** The WebSockets of a worker that is replaced are told within this time, one after the other. */
  readonly retireSpreadMs: number;
  readonly spoolPath: (prefix: "body" | "response") => string;
  readonly onNotice: (level: "error" | "warning" | "info" | "debug", text: string) => void;
}
