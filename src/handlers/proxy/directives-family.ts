/** proxy_*, grpc_*, uwsgi_* and fastcgi_*: what tells them apart. */
import type { NextUpstream } from "../../upstream/index.ts";

/** One of them. */
export interface Family {
  readonly prefix: "proxy" | "grpc" | "uwsgi" | "fastcgi";
  readonly module: string;
  /** For sentences: "the uWSGI server". */
  readonly peer: string;
  /** What proxy_next_upstream takes. */
  readonly nextUpstream: readonly NextUpstream[];
  /** Fields that do not reach the client by default, besides those that speak to Tricorn; in lower case. */
  readonly hidden: readonly string[];
}

export const everywhere = ["http", "server", "location"] as const;
