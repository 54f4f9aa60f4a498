/** What all connections of one edge thread share: compiled once from the configuration. */
import type { LoadZone, Pool } from "../app/index.ts";
import type { ErrorLogSettings } from "../config/model.ts";
import type { Clock, CopySlab, ReadBuffers, Sendfile } from "../net/index.ts";
import type { ResponseMemory, SectionMemory } from "../protocol/h1/index.ts";
import type { ConnectionPool, H2Sessions } from "../upstream/index.ts";
import type { Challenges } from "./challenges.ts";
import type { CompiledSite } from "./compiled-site.ts";
import type { ConnectionCounts } from "./connection-counts.ts";
import type { WantedNames } from "./wanted-names.ts";
import type { H2Shared } from "./h2-shared.ts";

export type NoticeLevel = "error" | "warning" | "info" | "debug";

export interface EdgeContext {
  readonly site: CompiledSite;
  readonly sections: SectionMemory;
  /** Heads that upstreams have sent. */
  readonly responses: ResponseMemory;
  readonly connections: ConnectionPool;
  /** Those of them that speak HTTP/2. */
  readonly sessions: H2Sessions;
  readonly clock: Clock;
  /** For parts of responses that are being written. */
  readonly copies: CopySlab;
  /** For files that are being sent. */
  readonly buffers: ReadBuffers;
  readonly sendfile: Sendfile | undefined;
  readonly zone: LoadZone;
  /** What connections of HTTP/2 share. */
  readonly h2: H2Shared;
  readonly counts: ConnectionCounts;
  readonly challenges: Challenges;
  readonly wantedNames: WantedNames;
  /** An issuer has seen a challenge's answer. */
  readonly onChallengeAnswered: (id: string, client: string) => void;
  /** Requests in progress at once, over all threads; 0 for no limit. */
  readonly limitConcurrency: number;
  /** The WebSockets of a worker that is replaced are told within this time, one after the other. */
  readonly retireSpreadMs: number;
  /** Does a log or a variable ask when a request began? */
  readonly needsTime: boolean;
  /** Fresh names in the run directory; bodies lie where the workers of their pool may read them. */
  readonly bodyPath: (pool: Pool) => string;
  readonly requestPath: () => string;
  readonly responsePath: () => string;
  /** A line of the error log. @param logs where to, instead of the program's own */
  readonly onNotice: (level: NoticeLevel, text: string, logs?: readonly ErrorLogSettings[]) => void;
  readonly onError: (text: string) => void;
}
