/**
 * sendfile(2), where this Node can call it (node:ffi): the kernel moves a file into a socket, and no byte of it is
 * copied through our memory. It takes less than half the processor time of reads and writes (bench/HOT.md).
 *
 * It never waits for the socket, which node:net has made non-blocking; it may wait for the disk, as nginx's does.
 * Nobody looks at errno: whoever gets less than was asked for goes on with an ordinary read and write, which say what
 * is wrong in their own words (EIO, EPIPE), or wait until the socket takes more.
 */
import { createRequire } from "node:module";
import { allocate } from "../std/bytes.ts";
import type { Bytes } from "../std/bytes.ts";

/** Which bytes of which file go where. */
export interface SendfileRequest {
  /** Descriptor of a connected socket. */
  readonly socket: number;
  readonly file: number;
  readonly position: number;
  readonly size: number;
}

/** @returns bytes that the socket took; 0 when it takes none now, or never will */
export type Sendfile = (request: SendfileRequest) => number;

/** What we use of node:ffi, which older Nodes do not have. */
interface Ffi {
  dlopen(path: null, definitions: object): { readonly functions: { readonly sendfile: NativeSendfile } };
  getRawPointer(bytes: Bytes): bigint;
}
type NativeSendfile = (socket: number, file: number, position: bigint, size: bigint) => bigint;

const OFFSET_SIZE = 8;

/** Looks for the function. @returns undefined where it cannot be called: another system, or a Node without node:ffi */
export function loadSendfile(): Sendfile | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const ffi = createRequire(import.meta.url)("node:ffi") as Ffi;
    const { functions } = ffi.dlopen(null, {
      sendfile: { return: "i64", arguments: ["i32", "i32", "pointer", "u64"] },
    });
    return callerOf(functions.sendfile, ffi);
  } catch {
    // Not in this Node, or forbidden (--permission): plain reads and writes do the same.
    return undefined;
  }
}

function callerOf(sendfile: NativeSendfile, ffi: Ffi): Sendfile {
  // The kernel reads and writes the position there, during the call; memory of its own never moves.
  const offset = allocate(OFFSET_SIZE);
  const pointer = ffi.getRawPointer(offset);
  return ({ socket, file, position, size }) => {
    offset.writeBigUInt64LE(BigInt(position));
    return Math.max(0, Number(sendfile(socket, file, pointer, BigInt(size))));
  };
}
