// CPython's own marshal, as the other end of the wire: what it makes of our bytes, and what it writes.
import { spawnSync } from "node:child_process";

/** Values of the wire as JSON, with the wrappers of tests/cases/wire/README.md. */
export type WireValue =
  | null | boolean | number | string | readonly WireValue[]
  | { readonly bytes: string }
  | { readonly tuple: readonly WireValue[] }
  | { readonly dict: readonly (readonly [string, WireValue])[] };

const program = `
import io, json, marshal, sys

def wrap(value):
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, tuple):
        return {"tuple": [wrap(item) for item in value]}
    if isinstance(value, list):
        return [wrap(item) for item in value]
    if isinstance(value, dict):
        return {"dict": [[key, wrap(item)] for key, item in value.items()]}
    assert value is None or type(value) in (bool, int, str), type(value)
    return value

def unwrap(value):
    if isinstance(value, list):
        return [unwrap(item) for item in value]
    if isinstance(value, dict):
        if "bytes" in value:
            return bytes.fromhex(value["bytes"])
        if "tuple" in value:
            return tuple(unwrap(item) for item in value["tuple"])
        return {key: unwrap(item) for key, item in value["dict"]}
    return value

task = json.load(sys.stdin)
result = {"loads": [], "dumps": [marshal.dumps(unwrap(value), 2).hex() for value in task["dumps"]]}
for text in task["loads"]:
    stream = io.BytesIO(bytes.fromhex(text))
    value = marshal.load(stream)
    assert stream.tell() == len(text) // 2, "bytes behind the object"
    result["loads"].append(wrap(value))
json.dump(result, sys.stdout)
`;

interface Task {
  /** Marshal bytes, one object each. */
  readonly loads?: readonly Uint8Array[];
  readonly dumps?: readonly WireValue[];
}

interface Answer {
  readonly loads: readonly WireValue[];
  readonly dumps: readonly Buffer[];
}

/** Lets `python3` load and dump; throws with Python's words when it refuses. */
export function askPython({ loads = [], dumps = [] }: Task): Answer {
  const input = JSON.stringify({ loads: loads.map((bytes) => Buffer.from(bytes).toString("hex")), dumps });
  const options = { input, encoding: "utf8", maxBuffer: 256 * 1024 * 1024, timeout: 50_000 } as const;
  const { status, stdout, stderr, error } = spawnSync("python3", ["-c", program], options);
  if (status !== 0) throw new Error(`python3 ended with ${String(status)}: ${error?.message ?? stderr}`);
  const answer = JSON.parse(stdout) as { readonly loads: readonly WireValue[]; readonly dumps: readonly string[] };
  return { loads: answer.loads, dumps: answer.dumps.map((text) => Buffer.from(text, "hex")) };
}
