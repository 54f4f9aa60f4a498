/** The directives of proxying: by HTTP, by gRPC, to uWSGI, to FastCGI, and mirror. */
import type { AnyDirectiveRow } from "../../config/nginx/directive-row.ts";
import { fastcgiDirectives } from "./directives-of-fastcgi.ts";
import { grpcDirectives } from "./directives-of-grpc.ts";
import { mirrorRows } from "./directives-of-mirror.ts";
import { proxyDirectives } from "./directives-of-proxy.ts";
import { uwsgiDirectives } from "./directives-of-uwsgi.ts";

export { fastcgiPassRow, fastcgiRows, fastcgiSettings } from "./directives-of-fastcgi.ts";
export { grpcPassRow, grpcRows, grpcSettings } from "./directives-of-grpc.ts";
export { mirrorRows, mirrorSettings } from "./directives-of-mirror.ts";
export { type PassPlaces, proxyPassRow, proxyRows, proxySettings } from "./directives-of-proxy.ts";
export { passMistakes, passPatterns } from "./directives-together.ts";
export { uwsgiPassRow, uwsgiRows, uwsgiSettings } from "./directives-of-uwsgi.ts";
export { parseGrpcTarget, parseProxyTarget } from "./target.ts";

export const passDirectives: readonly AnyDirectiveRow[] = [
  ...proxyDirectives, ...grpcDirectives, ...uwsgiDirectives, ...fastcgiDirectives, ...mirrorRows,
];
