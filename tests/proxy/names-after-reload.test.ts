// What names of upstreams were found to be outlives the edge that has found it, as with nginx's zones.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { describe, test } from "node:test";
import { NameServer } from "../support/name-server.ts";
import { isAlive } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const waitMs = 10_000;

describe("while name servers are silent", () => {
  test("a reload, and an edge that was killed, lose no member of an upstream", async () => {
    await using names = await NameServer.listen();
    names.say("app.test", [{ type: "A", address: "127.0.0.1", ttl: 1 }]);
    const app = createServer((_request, response) => response.end("here")).listen(0, "127.0.0.1");
    await once(app, "listening");
    const { port } = app.address() as { readonly port: number };
    const file = (word: string): string => `daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info;
      worker_processes 2; events { }
      http {
        upstream app { server app.test:${port} resolve; resolver ${names.address} ipv6=off; }
        server {
          listen 127.0.0.1:%PORT%;
          location = /health { return 200 ${word}; }
          location / { proxy_pass http://app; }
        }
      }`;
    const ask = async (path: string): Promise<string> => (await fetch(`http://127.0.0.1:${proxy.port}${path}`)).text();
    await using proxy = await Program.start({ file: file("first") });
    try {
      assert.equal(await ask("/"), "here");
      const queries = names.queries.length;
      await eventually("the name is followed", waitMs, () => names.queries.length > queries);
      names.say("app.test", { silent: true });
      const { edgePid } = proxy;
      await proxy.configure(file("second"));
      proxy.signal("SIGHUP");
      await eventually("the new file holds", waitMs, async () => await ask("/health") === "second");
      await eventually("the old edge is gone", waitMs, () => !isAlive(edgePid));
      assert.equal(await ask("/"), "here");
      process.kill(proxy.edgePid, "SIGKILL");
      const text = await eventually("another edge", waitMs, () => ask("/").catch(() => undefined));
      assert.equal(text, "here");
    } finally {
      app.close();
      app.closeAllConnections();
    }
  });
});
