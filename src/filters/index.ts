/** What changes on the way out? */
export { filterHeaders, filterTrailers } from "./headers.ts";
export type { FilteredFields, HeaderSettings } from "./headers.ts";
export { deflateCodec } from "./deflate.ts";
export type { BodyFilter } from "./body-filter.ts";
export type { Refusal } from "./forced-ranges.ts";
export { ResponseFilters } from "./response-filters.ts";
export type { FilterInput, FilterOutput, Trailers } from "./response-filters.ts";
export type { ResponseSettings } from "./settings.ts";
