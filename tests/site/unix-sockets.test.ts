// Clients that come through a Unix socket.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { requestText } from "../support/connection.ts";
import { interfaces, startSite } from "./site.ts";

for (const kind of interfaces) {
  test(`a response of the ${kind} application that is cut disturbs nobody else`, async () => {
    await using program = await startSite({
      server: `listen unix:%FOLDER%/site.sock; location / { app_pass ${kind}; }`,
    });
    using witness = await program.connect();
    assert.equal((await witness.get("/")).status, 200);
    const said = { parts: ["abc"], headers: [["Content-Length", "10"]] };
    const client = connect(join(program.folder, "site.sock"));
    client.write(requestText({ target: "/", fields: { "X-Say": JSON.stringify(said) } }));
    const response = await text(client);
    assert.match(response, /^HTTP\/1\.1 200 [^]*\r\n\r\n(?:abc)?$/);
    assert.equal((await witness.get("/")).status, 200, "the edge is still the same");
  });
}
