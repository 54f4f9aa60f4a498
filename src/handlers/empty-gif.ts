/** The picture of `empty_gif`: one transparent pixel. */
import { type ModifiedSinceMode, conditionsOf, evaluateConditions } from "../http/conditional.ts";
import { formatHttpDate } from "../http/date.ts";
import type { FieldSection } from "../http/field-section.ts";
import { ResponseHead } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";
import { asBytes, type Bytes, NO_BYTES } from "../std/bytes.ts";
import type { FixedResponse } from "./status.ts";

/** As nginx dates its picture: 28 September 1970, 6:00. */
const LAST_MODIFIED_S = 23_349_600;

/** GIF89a, in the blocks of its specification (§17 to §27). */
const PICTURE: Bytes = asBytes(Uint8Array.of(
  // Header: "GIF89a".
  0x47, 0x49, 0x46, 0x38, 0x39, 0x61,
  // Logical screen: 1 × 1, a global table of two colours with one bit each, background 1, no aspect ratio.
  0x01, 0x00, 0x01, 0x00, 0x80, 0x01, 0x00,
  // The colours: black and white.
  0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
  // Graphic control extension: colour 1 is transparent, no delay.
  0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x01, 0x00,
  // Image: at 0, 0, of 1 × 1, no table of its own.
  0x2c, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00,
  // LZW, codes of 2 bits and more: clear, colour 1, end.
  0x02, 0x02, 0x4c, 0x01, 0x00,
  // Trailer.
  0x3b,
));

const picture = response(200, [
  ["Content-Type", "image/gif"], ["Content-Length", String(PICTURE.length)],
], PICTURE);
const notModified = response(304, [], NO_BYTES);
const failed = 412;

function response(status: number, fields: readonly (readonly [string, string])[], body: Bytes): FixedResponse {
  const lastModified = ["Last-Modified", formatHttpDate(LAST_MODIFIED_S)] as const;
  return { head: new ResponseHead(status, reasonPhrase(status), [...fields, lastModified]), body };
}

/** The answer to GET and HEAD (other methods get 405): the picture, 304, or a status. */
export function emptyGif(fields: FieldSection, mode: ModifiedSinceMode): FixedResponse | number {
  const conditions = conditionsOf(fields);
  if (conditions === undefined) return picture;
  switch (evaluateConditions(conditions, { etag: undefined, lastModifiedS: LAST_MODIFIED_S }, mode)) {
    case "proceed": return picture;
    case "not-modified": return notModified;
    case "failed": return failed;
  }
}
