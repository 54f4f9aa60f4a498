// The FastAPI demo as a person sees it: events and lines that come one by one, and uploads.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { skip, visit } from "./visit.ts";

const eventCount = 4;
// An event leaves every 500 ms. Events that were held back and let go together would be a few milliseconds apart.
const gapMsMin = 150;
const lineNames = Array.from({ length: 8 }, (_, index) => `line ${index + 1} of 8`);
const uploadSize = 2 * 1024 * 1024;

test("a browser sees the events of a stream one by one, and the application sees it leave", { skip }, async () => {
  await visit("fastapi", async ({ page, troubles }) => {
    await page.goto("/");
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator(`#events li[data-id="${eventCount}"]`).waitFor();

    const arrivals = await page.evaluate<{ id: string; ms: number }[]>(`
      [...document.querySelectorAll("#events li")]
        .map((row) => ({ id: row.dataset.id, ms: Number(row.dataset.arrivedAt) })).reverse()
    `);
    assert.deepEqual(arrivals.map((arrival) => arrival.id), arrivals.map((_, index) => String(index + 1)));
    for (const [index, arrival] of arrivals.entries()) {
      const before = arrivals[index - 1];
      if (before !== undefined) assert.ok(arrival.ms - before.ms > gapMsMin, JSON.stringify(arrivals));
    }

    await watchers(page, 1);
    const other = await page.context().newPage();
    await other.goto("/");
    await watchers(page, 2);
    await other.close();
    await watchers(page, 1);
    assert.deepEqual(troubles, []);
  });
});

test("a browser uploads two files beside a running event stream", { skip }, async () => {
  await visit("fastapi", async ({ page, troubles }) => {
    await page.goto("/");
    const large = randomBytes(uploadSize);
    await page.getByLabel("Files").setInputFiles([
      { name: "large.bin", mimeType: "application/octet-stream", buffer: large },
      { name: "hütchen.txt", mimeType: "text/plain", buffer: Buffer.from("hat") },
    ]);
    await page.getByRole("button", { name: "Upload" }).click();
    await page.locator("#uploaded li").nth(1).waitFor();
    assert.deepEqual(await page.locator("#uploaded li").allTextContents(), [
      `large.bin: ${uploadSize} bytes, SHA-256 ${createHash("sha256").update(large).digest("hex")}`,
      `hütchen.txt: 3 bytes, SHA-256 ${createHash("sha256").update("hat").digest("hex")}`,
    ]);
    assert.deepEqual(troubles, []);
  });
});

test("a browser reads a streamed response line by line", { skip }, async () => {
  await visit("fastapi", async ({ page, troubles }) => {
    await page.goto("/");
    await page.getByRole("button", { name: "Read the log" }).click();
    await page.locator("#log[data-ended]").waitFor();
    const lines = String(await page.locator("#log").textContent()).split("\n");
    assert.deepEqual(lines.map((line) => line.split(",")[0]), [...lineNames, ""]);
    // Two lines may share a chunk on a busy machine; all in one would mean that somebody held them back.
    const chunkCount = Number(await page.locator("#log").getAttribute("data-chunks"));
    assert.ok(chunkCount >= 4, `${chunkCount} chunks`);
    assert.deepEqual(troubles, []);
  });
});

async function watchers(page: Page, count: number): Promise<void> {
  await page.locator("#watchers", { hasText: new RegExp(`^${count}$`) }).waitFor();
}
