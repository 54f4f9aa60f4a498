// Chromium, with all that a page may want at once: one connection of HTTP/2 carries it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, test } from "node:test";
import { venvPython } from "../../tools/venv.ts";
import { type Visit, browse, skip } from "../browser/visit.ts";
import type { Site } from "../browser/site.ts";
import { linesOf, startSite } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Certificates, pairOf } from "../tls/site.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());

/** Files, answers of an application, and answers of another server, in turn. */
const resourceCount = 300;
const kinds = ["/files/", "/app/", "/passed/"] as const;
const largeSize = 60_000;

interface Served extends Site {
  readonly program: Program;
}

const resource = (index: number): string => `${kinds[index % kinds.length]}${index}.js`;

function page(): string {
  const scripts = Array.from({ length: resourceCount }, (_, index) =>
    `<script src="${resource(index)}" async></script>`);
  return `<!doctype html><title>Many</title><link rel="icon" href="data:,">
    <script>performance.setResourceTimingBufferSize(1000);</script>${scripts.join("\n")}`;
}

async function start(): Promise<Served> {
  const script = (index: number): string =>
    `window.loaded = (window.loaded ?? 0) + 1; // ${"x".repeat(index % 10 === 0 ? largeSize : index)}`;
  const files = Object.fromEntries(Array.from({ length: resourceCount }, (_, index) => [
    `files/${index}.js`, script(index),
  ]));
  const common = `chdir ${join(import.meta.dirname, "apps")}; python ${venvPython};`;
  const apps = `app page { module page:app; lifespan off; ${common} }
    app files { module page:files; env FILES=%FOLDER%/www; ${common} }`;
  const program = await startSite({
    apps, isTls: true, files: { ...files, "index.html": page() },
    http: "log_format one '$connection $server_protocol $uri';",
    server: `
      ${pairOf(certificates.sign("localhost"))} http2 on; client_max_body_size 16m;
      types { text/html html; text/javascript js; } access_log %FOLDER%/access.log one;
      location /app/ { app_pass files; }
      location /passed/ { proxy_pass https://127.0.0.1:%PORT%/files/; }
      location /page/ { app_pass page; }`,
  });
  return {
    program, origin: `https://localhost:${program.port}`,
    output: () => program.output, signal: (signal) => program.signal(signal), close: () => program.stop(),
  };
}

/** Connections of HTTP/2, and paths that came by them. */
async function connections({ program }: Served): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const line of await linesOf(program, "access.log")) {
    const [connection = "", protocol, uri = ""] = line.split(" ");
    if (protocol !== "HTTP/2.0") continue;
    found.set(connection, [...(found.get(connection) ?? []), uri]);
  }
  return found;
}

test("a page with 300 resources, an upload, events and a WebSocket share one connection", { skip }, async () => {
  await browse(start, async (visit: Visit<Served>) => {
    const { page, site, troubles } = visit;
    await page.goto("/");
    await page.waitForFunction(`window.loaded === ${resourceCount}`);
    const hops = await page.evaluate(`performance.getEntriesByType("resource").map((entry) => entry.nextHopProtocol)`);
    assert.deepEqual(hops, Array.from({ length: resourceCount }, () => "h2"));

    // Of the page's own, all of them while the events go on.
    await page.evaluate(`
      window.heard = [];
      window.events = new EventSource("/page/events");
      events.onmessage = ({ data }) => heard.push(data);`);
    await page.waitForFunction("heard.length >= 3");
    assert.deepEqual(await page.evaluate("heard.slice(0, 3)"), ["event 1", "event 2", "event 3"]);

    const file = randomBytes(3_000_000);
    await page.setContent('<input type="file">');
    await page.locator("input").setInputFiles({ name: "file.bin", mimeType: "application/octet-stream", buffer: file });
    const sent = await page.evaluate(`(async () => {
      const [file] = document.querySelector("input").files;
      return await (await fetch("/page/upload", { method: "POST", body: file })).json();
    })()`);
    const sha = createHash("sha256").update(file).digest("hex");
    assert.deepEqual(sent, { version: "2", size: file.length, sha });
    // Browsers stream bodies of requests over HTTP/2 alone.
    const streamed = await page.evaluate(`(async () => {
      const body = document.querySelector("input").files[0].stream();
      return await (await fetch("/page/streamed", { method: "POST", body, duplex: "half" })).json();
    })()`);
    assert.deepEqual(streamed, { version: "2", size: file.length, sha });

    const said = await page.evaluate(`new Promise((resolve, reject) => {
      const socket = new WebSocket("/page/socket");
      socket.onerror = reject;
      socket.onopen = () => socket.send("hello");
      socket.onmessage = ({ data }) => {
        socket.onclose = ({ code }) => resolve([data, code]);
        socket.close(1000);
      };
    })`);
    assert.deepEqual(said, ["hello over HTTP/2", 1000]);

    const heard = Number(await page.evaluate("heard.length"));
    await page.waitForFunction(`heard.length > ${heard}`);
    await page.evaluate("events.close()");
    await eventually("the application is told", 10_000, () => site.program.output.includes("the events are over"));
    const byConnection = await eventually("all is logged", 10_000, async () => {
      const found = await connections(site);
      return [...found.values()].flat().length >= resourceCount + 5 ? found : undefined;
    });
    const uris = [...byConnection.values()].flat().sort();
    const resources = Array.from({ length: resourceCount }, (_, index) => resource(index));
    assert.deepEqual(uris, [...resources, "/index.html", "/page/events", "/page/socket", "/page/streamed",
      "/page/upload"].sort());
    assert.equal(byConnection.size, 1, [...byConnection].map(([name, all]) => `${name}: ${all.join(" ")}`).join("\n"));
    assert.deepEqual(troubles, []);
  });
});
