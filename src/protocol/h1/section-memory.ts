/**
 * Field sections seen lately, for all connections of one thread.
 *
 * A browser, a crawler or a service sends the same fields with most requests of a connection. Reading
 * and encoding them is most of the work on a small request, so a section that was seen twice is kept and found
 * again by its bytes: one comparison, then nothing is parsed, copied or encoded.
 *
 * Bounded: SLOTS sections of at most SECTION_SIZE_MAX bytes; a newcomer takes the place of an old one.
 * A wrong guess costs nothing but time: `find` only proposes, and the reader compares every byte.
 */
import type { Bytes } from "../../std/bytes.ts";
import { bytesEqualAt } from "../../std/bytes.ts";
import type { FieldSection } from "../../http/field-section.ts";

const SLOTS = 512;
const SECTION_SIZE_MAX = 4096;
/** A section is sampled at so many places; the sample only chooses the slot. */
const SAMPLES = 12;

export class SectionMemory {
  readonly #sections: (FieldSection | undefined)[] = new Array<FieldSection | undefined>(SLOTS).fill(undefined);
  /** Sample of the last section that fell into a slot: it is kept only when it comes a second time. */
  readonly #seen: Int32Array = new Int32Array(SLOTS);

  /** The section that probably stands at `bytes[start, start + size)`; the caller compares. */
  find(bytes: Bytes, start: number, size: number): FieldSection | undefined {
    const section = this.#sections[sample(bytes, start, size) & (SLOTS - 1)];
    return section !== undefined && section.bytes.length === size ? section : undefined;
  }

  /**
   * Notes a section that was just read. Only HTTP/1.1 sections are kept: what is missing in one of
   * HTTP/1.0 (Host) must not pass for HTTP/1.1.
   * @returns the section to go on with: the one that is kept if it has the same bytes, because it is encoded already
   */
  remember(section: FieldSection, minorVersion: number): FieldSection {
    const size = section.bytes.length;
    if (size > SECTION_SIZE_MAX || minorVersion === 0) return section;
    const hash = sample(section.bytes, 0, size);
    const slot = hash & (SLOTS - 1);
    const kept = this.#sections[slot];
    if (kept !== undefined && kept.bytes.length === size && bytesEqualAt(section.bytes, 0, kept.bytes)) return kept;
    if (this.#seen[slot] === hash) {
      this.#sections[slot] = section;
      section.remembered = true;
    } else {
      this.#seen[slot] = hash;
    }
    return section;
  }
}

function sample(bytes: Bytes, start: number, size: number): number {
  let hash = size | 0;
  const step = size / SAMPLES;
  for (let i = 0; i < SAMPLES; i++) {
    hash = Math.imul(hash ^ (bytes[start + ((i * step) | 0)] ?? 0), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}
