/**
 * The budget for files that are kept in memory, of one thread, whatever location they belong to. It counts; the caches
 * hold the bytes.
 */

/** Bytes of a thread in all; its other memory is some 20 MB. */
export const MEMORY_SIZE_MAX = 33_554_432;
/** A file that is larger is sent from the descriptor: sendfile(2) takes less time than a copy from memory. */
export const MEMORY_FILE_SIZE_MAX = 131_072;
export const MEMORY_COUNT_MAX = 4096;
/** What an entry costs beside the file: its head, its paths, its objects. */
const ENTRY_SIZE = 2048;

export interface MemoryBudget {
  readonly sizeMax: number;
  readonly fileSizeMax: number;
  readonly countMax: number;
}

export const DEFAULT_BUDGET: MemoryBudget = {
  sizeMax: MEMORY_SIZE_MAX, fileSizeMax: MEMORY_FILE_SIZE_MAX, countMax: MEMORY_COUNT_MAX,
};

export class FileMemory {
  readonly #budget: MemoryBudget;
  #size = 0;
  #count = 0;

  constructor(budget: MemoryBudget = DEFAULT_BUDGET) {
    this.#budget = budget;
  }

  /** Bytes that are counted now. */
  get size(): number {
    return this.#size;
  }

  /** Could a file of this size lie in memory at all? */
  isSmall(size: number): boolean {
    return size <= this.#budget.fileSizeMax;
  }

  hasRoom(size: number): boolean {
    return this.#count < this.#budget.countMax && this.#size + costOf(size) <= this.#budget.sizeMax;
  }

  take(size: number): void {
    this.#count++;
    this.#size += costOf(size);
  }

  give(size: number): void {
    this.#count--;
    this.#size -= costOf(size);
  }
}

/** A file lies there twice, as bytes and in the text of a whole response. */
function costOf(size: number): number {
  return size * 2 + ENTRY_SIZE;
}
