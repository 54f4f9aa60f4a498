/**
 * Requests of a connection by the bytes of their header blocks: HPACK makes the same bytes of the same request, as long
 * as its table does not change. Then nothing is decoded; a wrong guess costs a comparison.
 *
 * Bounded: SLOTS blocks of at most BLOCK_SIZE_MAX bytes, made with the first that is worth it.
 */
import { bytesEqualAt, copyBytes } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";

const SLOTS = 8;
/** What a client has taught takes a byte or two a field. */
const BLOCK_SIZE_MAX = 256;
const LOOP_SIZE_MAX = 48;

interface KnownBlock<Value> {
  readonly bytes: Bytes;
  readonly endStream: boolean;
  /** Of the decoder's table, which reading the block has not changed. */
  readonly generation: number;
  readonly value: Value;
}

export class BlockMemory<Value> {
  #slots: (KnownBlock<Value> | undefined)[] | undefined = undefined;

  /** What the block `bytes[start, end)` was, undefined where it is not known. */
  find(bytes: Bytes, start: number, end: number, endStream: boolean, generation: number): Value | undefined {
    const known = this.#slots?.[slotOf(bytes, start, end)];
    if (known === undefined || known.generation !== generation || known.endStream !== endStream) return undefined;
    return known.bytes.length === end - start && isSame(bytes, start, known.bytes) ? known.value : undefined;
  }

  /** Keeps what a block is, one that left the table as it was. */
  remember(
    bytes: Bytes, start: number, end: number, { endStream, generation, value }: Omit<KnownBlock<Value>, "bytes">,
  ): void {
    if (end - start > BLOCK_SIZE_MAX) return;
    this.#slots ??= new Array<KnownBlock<Value> | undefined>(SLOTS).fill(undefined);
    const copy = copyBytes(bytes, start, end);
    this.#slots[slotOf(bytes, start, end)] = { bytes: copy, endStream, generation, value };
  }
}

/** Below a few dozen bytes a loop is faster than a call. */
function isSame(bytes: Bytes, start: number, known: Bytes): boolean {
  const { length } = known;
  if (length > LOOP_SIZE_MAX) return bytesEqualAt(bytes, start, known);
  for (let i = 0; i < length; i++) if (bytes[start + i] !== known[i]) return false;
  return true;
}

/** Paths differ in their length, or somewhere in their middle. */
function slotOf(bytes: Bytes, start: number, end: number): number {
  const middle = (start + end) >> 1;
  return ((end - start) ^ (bytes[middle] ?? 0) ^ ((bytes[middle - 2] ?? 0) << 1) ^ (bytes[end - 1] ?? 0)) & (SLOTS - 1);
}
