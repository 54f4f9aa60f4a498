/** Which location answers? */
export { byteText } from "./byte-text.ts";
export { builtinPrefixes, builtinVariables, providedVariables } from "./builtin-variables.ts";
export { type Condition, parseCondition } from "./condition.ts";
export { type ErrorPage, type ErrorPageOutcome, ErrorPages, parseErrorPage } from "./error-page.ts";
export { type Text, compileParts, compileText, isSteadyValue } from "./evaluate.ts";
export { Evaluation, URI_CHANGES_MAX, VARIABLE_DEPTH_MAX, type Variable } from "./evaluation.ts";
export type { FileFinder, FileKind } from "./files.ts";
export { type GeoBlock, type GeoNetwork, type GeoRange, GeoRangeList, compileGeo, parseRange } from "./geo.ts";
export { type ListenerServers, type ServerName, VirtualHosts, normalizeHost, parseServerName } from "./hosts.ts";
export { isAbsoluteText, locationField } from "./location-field.ts";
export { type Found, type LocationMatch, type LocationNode, Locations, checkLocations } from "./locations.ts";
export { type MapBlock, type MapKey, checkMap, compileMap, parseMapKey } from "./map.ts";
export { NameTable, type WildcardName, parseWildcardName } from "./name-table.ts";
export { type Pattern, REGEX_NODE_FLAGS, Regex, patternWarnings, readPattern, translatePattern } from "./regex.ts";
export type { PeerFacts, ProxiedFacts, RequestFacts, UpstreamFacts } from "./request-facts.ts";
export {
  type Return, type Rewrite, type RewriteDirective, conditionalLocations, parseReturn, parseRewrite,
} from "./rewrite-directive.ts";
export { type RewriteOutcome, RewriteScript } from "./rewrite.ts";
export { type LimitExcept, type Route, type RouteStart, type ServerRoutes, findRoute } from "./routing.ts";
export {
  type SplitClientsBlock, type SplitShare, checkShares, compileSplitClients, parseShare,
} from "./split-clients.ts";
export { seconds, timeIso8601, timeLocal } from "./time-text.ts";
export { type TryFiles, type TryFilesOutcome, TryFilesList, parseTryFiles } from "./try-files.ts";
export {
  type EscapeKind, type RequestUri, escapeUri, normalizePath, parseInternalUri, parseRequestUri,
} from "./uri.ts";
export { Matcher, type PrefixDefinition, type VariableDefinition, Variables } from "./variables.ts";
