import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { usualTypes } from "../src/handlers/static/index.ts";
import { formatMimeTypes } from "./gen-mime-types.ts";

test("the table of media types is what mime-db says", () => {
  const path = new URL("../src/handlers/static/mime-types.ts", import.meta.url);
  assert.equal(readFileSync(path, "utf8"), formatMimeTypes(), "run node tools/gen-mime-types.ts");
});

test("everybody's files have the types that browsers want", () => {
  const types = usualTypes();
  for (const [extension, type] of Object.entries({
    html: "text/html", css: "text/css", js: "text/javascript", mjs: "text/javascript", json: "application/json",
    svg: "image/svg+xml", png: "image/png", ico: "image/x-icon", webp: "image/webp", avif: "image/avif",
    woff2: "font/woff2", wasm: "application/wasm", mp4: "video/mp4", pdf: "application/pdf", txt: "text/plain",
    xml: "text/xml", gz: "application/gzip", zip: "application/zip",
  })) assert.equal(types[extension], type, extension);
});
