// Loaded into the edge process before its own code (NODE_OPTIONS=--import): after SIGWINCH it obeys what is written in
// the test's folder, as if its master had said so. That is how members change at runtime until a command does it; and
// garbage is collected, without which nobody could tell what is held from what V8 has not looked at yet.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.argv[1]?.includes("/edge/main.") === true) {
  const path = join(process.env["TEST_FOLDER"] ?? "", "order.json");
  process.on("SIGWINCH", () => {
    const order = JSON.parse(readFileSync(path, "utf8")) as { readonly kind: string };
    if (order.kind === "collect-garbage") collectGarbage();
    else process.emit("message", order, undefined);
    rmSync(path);
  });
}

function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
}
