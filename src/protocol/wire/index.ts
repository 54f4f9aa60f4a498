/** What do the bytes between the edge and a Python worker mean? (docs/wire.md; pure) */
export { MarshalWriter, encodeBlock } from "./marshal-writer.ts";
export { MarshalReader, MalformedFrame } from "./marshal-reader.ts";
export { FrameReader } from "./frame-reader.ts";
export {
  BODY_CHUNK_SIZE_MAX, BODY_CREDIT, FRAME_COUNTS, FRAME_SIZE_MAX, FROM_WORKER, ID_MAX, PART_SIZE_MAX,
  BASES_MAX, SECTIONS_MAX, TO_WORKER, WIRE_VERSION,
} from "./frames.ts";
