// A configuration as large as a hoster's. What is measured is time on the processor, which a busy machine does not
// change much; on an idle one reading takes 0.2 s and checking 0.3 s.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import { ok } from "../../src/std/result.ts";
import { testRows } from "./rows.ts";

const SERVER_COUNT = 2000;
const LOCATION_COUNT = 20;
const CPU_SECONDS_MAX = 2;

function serverText(server: number): string {
  let text = `    server {\n        listen 127.0.0.1:8080;\n        server_name host${server}.example.org;\n`;
  for (let location = 0; location < LOCATION_COUNT; location++) {
    text += `        location /part${location}/ {\n            root /srv/host${server}/part${location};\n` +
      `            add_header X-Part "part ${location} of $host";\n            include common.conf;\n        }\n`;
  }
  return `${text}    }\n`;
}

test(`${SERVER_COUNT} servers with ${LOCATION_COUNT} locations each are read and checked quickly`, (context) => {
  const servers = Array.from({ length: SERVER_COUNT }, (_, index) => serverText(index));
  const text = `events { }\nhttp {\n${servers.join("")}}\n`;
  const common = "expires 30d;\ngzip on;\n";
  const files = { readText: (path: string) => ok(path === "/common.conf" ? common : text), glob: () => [] };
  const before = process.cpuUsage();
  const { mistakes, block } = readConfiguration({ path: "/nginx.conf", parameter: undefined, files }, testRows);
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  context.diagnostic(`${text.length} characters in ${seconds.toFixed(2)} s`);
  assert.deepEqual(mistakes, []);
  const http = block.directives.at(-1)?.block;
  assert.equal(http?.directives.length, SERVER_COUNT);
  assert.equal(http?.directives.at(-1)?.block?.directives.at(-1)?.block?.directives.length, 4);
  assert.ok(seconds < CPU_SECONDS_MAX, `${seconds} s`);
});
