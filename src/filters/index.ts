/** What changes on the way out? */
export { filterHeaders, filterTrailers } from "./headers.ts";
export type { FilteredFields, HeaderSettings } from "./headers.ts";
export { deflateCodec } from "./deflate.ts";
