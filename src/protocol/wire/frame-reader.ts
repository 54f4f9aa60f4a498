/**
 * Cuts a byte stream into frames: a 4-byte little-endian length, then so many bytes.
 * What is given to `receive` is only looked at until `next` says that there is no further frame; a cut frame is copied.
 */
import { NO_BYTES, allocate } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";
import { FRAME_SIZE_MAX } from "./frames.ts";
import { MalformedFrame } from "./marshal-reader.ts";

export class FrameReader {
  #bytes: Bytes = NO_BYTES;
  #at = 0;
  #end = 0;
  /** A frame that is longer than what has arrived is gathered here, so that its bytes are copied once. */
  #gathered: Bytes | undefined = undefined;
  #gatheredSize = 0;
  /** After `next() === true`: the frame is `bytes[start, end)`. */
  bytes: Bytes = NO_BYTES;
  start = 0;
  end = 0;

  receive(bytes: Bytes): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#end = bytes.length;
  }

  /** Is there a whole frame? Throws MalformedFrame when its length is beyond the bound. */
  next(): boolean {
    if (this.#gathered !== undefined) return this.#gather();
    const left = this.#end - this.#at;
    if (left < 4) return this.#keep(left);
    const size = this.#bytes.readUInt32LE(this.#at);
    if (size > FRAME_SIZE_MAX) throw new MalformedFrame(`frame of ${size} bytes`);
    if (left - 4 < size) return this.#keep(left);
    this.bytes = this.#bytes;
    this.start = this.#at + 4;
    this.end = this.#at = this.start + size;
    return true;
  }

  /** Starts to gather a frame that is not all there. */
  #keep(left: number): false {
    if (left > 0) {
      const size = left >= 4 ? 4 + this.#bytes.readUInt32LE(this.#at) : 4;
      this.#gathered = allocate(size);
      this.#gathered.set(this.#bytes.subarray(this.#at, this.#end));
      this.#gatheredSize = left;
      this.#at = this.#end;
    }
    return false;
  }

  #gather(): boolean {
    let gathered = this.#gathered ?? NO_BYTES;
    for (;;) {
      const take = Math.min(gathered.length - this.#gatheredSize, this.#end - this.#at);
      gathered.set(this.#bytes.subarray(this.#at, this.#at + take), this.#gatheredSize);
      this.#gatheredSize += take;
      this.#at += take;
      if (this.#gatheredSize < gathered.length) return false;
      const size = gathered.readUInt32LE(0);
      if (size > FRAME_SIZE_MAX) throw new MalformedFrame(`frame of ${size} bytes`);
      if (gathered.length === size + 4) break;
      const longer = allocate(size + 4);
      longer.set(gathered);
      this.#gathered = gathered = longer;
    }
    this.bytes = gathered;
    this.start = 4;
    this.end = gathered.length;
    this.#gathered = undefined;
    return true;
  }
}
