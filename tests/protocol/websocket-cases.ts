// Reads the cases of tests/cases/websocket: frames in, events out, in a notation that is one line a case.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { WsSettings } from "../../src/protocol/ws/index.ts";
import { OPCODE } from "../../src/protocol/ws/index.ts";
import { client, encode, server } from "./websocket.ts";

export interface FrameCase {
  readonly name: string;
  /** Whose reader it is; the server's when absent. */
  readonly role?: "server" | "client";
  /** Largest message, bytes. */
  readonly sizeMax?: number;
  /**
   * Frames, each `[N x ]opcode[-] [rsv=N] [masked|unmasked] payload`: `-` is "not the last", N a repetition; the
   * payload is hexadecimal, then `=` and text, or `*` and a number of asterisks. `raw` is no frame but bytes.
   */
  readonly in: readonly string[];
  /** Events as tests/protocol/websocket.ts words them; `*N` at the end are N asterisks. */
  readonly out: readonly string[];
}

export function readCases<T>(file: string): readonly T[] {
  const path = join(import.meta.dirname, "../cases/websocket", `${file}.json`);
  return (JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly T[] }).cases;
}

export function settingsOf({ role = "server", sizeMax }: FrameCase): WsSettings {
  const settings = role === "server" ? server : client;
  return sizeMax === undefined ? settings : { ...settings, messageSizeMax: sizeMax };
}

/** The bytes of a case. */
export function bytesIn({ in: frames, role = "server" }: FrameCase): Buffer {
  return Buffer.concat(frames.flatMap((text) => {
    const [, count = "1", frame = ""] = /^(?:(\d+) x )?(.*)$/s.exec(text) ?? [];
    const bytes = frameBytes(frame, role === "server" ? "client" : "server");
    return Array.from({ length: Number(count) }, () => bytes);
  }));
}

const opcodes: Readonly<Record<string, number>> = { ...OPCODE, cont: OPCODE.continuation };
const framePattern =
  /^(raw|op\d+|[a-z]+)(-?)(?: rsv=(\d))?(?: (masked|unmasked))?((?: ?[0-9a-f]{2})*)(?: ?=(.*)| ?\*(\d+))?$/s;

function frameBytes(text: string, role: "server" | "client"): Buffer {
  const match = framePattern.exec(text);
  if (match === null) throw new Error(`no frame: ${text}`);
  const [, word = "", notLast, rsv = "0", mask, hex = "", literal = "", count = "0"] = match;
  const payload = Buffer.concat([
    Buffer.from(hex.replaceAll(" ", ""), "hex"), Buffer.from(literal), Buffer.alloc(Number(count), "*"),
  ]);
  if (word === "raw") return payload;
  const opcode = opcodes[word] ?? Number(word.replace("op", ""));
  const frame = { opcode, payload, fin: notLast === "", rsv: Number(rsv) };
  return encode(mask === undefined ? frame : { ...frame, masked: mask === "masked" }, role);
}

/** The events of a case. */
export function eventsOut({ out }: FrameCase): readonly string[] {
  return out.flatMap((text) => {
    const [, count = "1", event = ""] = /^(?:(\d+) x )?(.*)$/s.exec(text) ?? [];
    return Array.from({ length: Number(count) }, () => event.replace(/\*(\d+)$/, (_, size: string) => {
      const asterisks = "*".repeat(Number(size));
      return /^(?:binary|ping|pong) /.test(event) ? Buffer.from(asterisks).toString("hex") : asterisks;
    }));
  });
}
