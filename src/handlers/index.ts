/** Who makes the response? */
export { handleApp, submit } from "./app.ts";
export type { AppExchange } from "./app.ts";
export { GatheredBody } from "./gathered-body.ts";
export type { BodyReceiver } from "./gathered-body.ts";
export { emptyGif } from "./empty-gif.ts";
export { FileCache, FileMemory, StaticHandler, compileIndex, compileRate, redirectLocation } from "./static/index.ts";
export type {
  FileAnswer, FileCacheOptions, Rate, StaticAnswer, StaticRequest, StaticSettings,
} from "./static/index.ts";
export { PassedHead, passHead } from "./pass-head.ts";
export { ProxyResponseHeads } from "./proxy/response-head.ts";
export type { PassRequest } from "./proxy/response-head.ts";
export { Chooser } from "./proxy/chooser.ts";
export { FastCgiPaths } from "./proxy/fastcgi-path.ts";
export { HttpUpstream } from "./proxy/http-upstream.ts";
export { FastCgiUpstream, UwsgiUpstream } from "./proxy/script-upstream.ts";
export type { KeptFields } from "./proxy/request-head.ts";
export type { ProxyTarget } from "./proxy/target.ts";
export type { PassedRequest, UpstreamProtocol } from "./proxy/upstream-protocol.ts";
export type {
  CookieFlags, FastCgiSettings, MirrorSettings, ParamSettings, ProxySettings, Replacement, Searched, SetHeader,
  UpstreamTlsSettings, UwsgiSettings,
} from "./proxy/settings.ts";
export { overloadFields, statusResponse, textResponse } from "./status.ts";
export type { FixedResponse } from "./status.ts";
export { stubStatusResponse } from "./stub-status.ts";
export type { ConnectionCounters } from "./stub-status.ts";
