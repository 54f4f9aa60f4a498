/** What changes on the way out? */
export { filterHeaders } from "./headers.ts";
export type { FilteredFields, HeaderSettings } from "./headers.ts";
export { deflateCodec } from "./deflate.ts";
