// docs/asgi.md lists every difference from uvicorn that the tables know, with the same reason, and no other.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../../tools/venv.ts";
import { extensionBehaviours } from "./tables/extensions.ts";
import { asgi2Behaviours, djangoBehaviours, starletteBehaviours } from "./tables/frameworks.ts";
import { lives } from "./tables/lifespan.ts";
import { receiveBehaviours } from "./tables/receive.ts";
import { rootPathBehaviours, scopeBehaviours, unixSocketBehaviours } from "./tables/scope.ts";
import { sendBehaviours } from "./tables/send.ts";
import { patientBehaviours, taskBehaviours } from "./tables/tasks.ts";
import { closeBehaviours } from "./tables/websocket-close.ts";
import { handshakeBehaviours } from "./tables/websocket-handshake.ts";
import { messageBehaviours } from "./tables/websocket-messages.ts";

interface Row {
  readonly name: string;
  readonly expected: unknown;
  readonly uvicorn?: { readonly expected: unknown; readonly because: string };
}

const rows: readonly Row[] = [
  scopeBehaviours, rootPathBehaviours, unixSocketBehaviours, receiveBehaviours, sendBehaviours, extensionBehaviours,
  taskBehaviours, patientBehaviours, starletteBehaviours, djangoBehaviours, asgi2Behaviours, lives,
  handshakeBehaviours, messageBehaviours, closeBehaviours,
].flat();

test("docs/asgi.md gives every difference from uvicorn its reason", () => {
  const [, section = ""] = readFileSync(join(root, "docs/asgi.md"), "utf8").split("\n## Differences from uvicorn\n");
  const lines = section.split("\n").filter((line) => /^\| (?!---|what Tricorn does )/.test(line));
  const reasons = lines.map((line) => line.split(" | ").at(-1)?.replace(/ \|$/, "") ?? "");
  const known = new Set(rows.flatMap(({ uvicorn }) => (uvicorn === undefined ? [] : [uvicorn.because])));
  assert.ok(known.size > 0);
  assert.deepEqual([...known].filter((because) => !reasons.includes(because)), [], "these are missing");
  assert.deepEqual(reasons.filter((because) => !known.has(because)), [], "these are nobody's");
});

test("what is said to be different is", () => {
  for (const { name, expected, uvicorn } of rows) {
    if (uvicorn !== undefined) assert.notDeepEqual(uvicorn.expected, expected, name);
  }
});

test("no behaviour is listed twice", () => {
  const names = rows.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
});
