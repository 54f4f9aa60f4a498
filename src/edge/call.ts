/** Whoever was asked to answer a request: an application, an upstream. */
import type { AppBody } from "../app/index.ts";
import type { BodyReceiver } from "../handlers/index.ts";
import type { UpstreamFacts } from "../route/index.ts";
import type { CurrentRequest } from "./current-request.ts";

/** Whoever notes how asking went. */
export interface AttemptLog {
  noteAttempt(attempt: UpstreamFacts): void;
}

export interface Call {
  /** As it was gathered for it. */
  readonly body: AppBody;
  /** Who it is, for the log of errors: "http://192.0.2.1:80/uri". */
  readonly asked: string | undefined;
  /** `$proxy_host` and `$proxy_port` */
  readonly target: CurrentRequest["target"];
  /**
   * @param known the body, where another call had it before @param keeps may another one want it afterwards?
   * @returns who takes the body
   */
  start(known: AppBody | undefined, keeps: boolean): BodyReceiver | undefined;
  /** Nobody waits for the answer any more. */
  leave(): void;
  /** The client has probably left: it has ended its half. Said again and again. */
  hintGone(): void;
  /** The server ends. */
  drain(): void;
}
