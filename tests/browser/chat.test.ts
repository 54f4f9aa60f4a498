// The chat of the FastAPI demo: two people talk, one leaves, and a page finds its way back when the server is renewed.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { skip, visit } from "./visit.ts";

test("two people chat, each sees who is there, and one leaves", { skip }, async () => {
  await visit("fastapi", async ({ page: ada, troubles }) => {
    await enter(ada, "Ada");
    const bob = await ada.context().newPage();
    await enter(bob, "Bob");
    await members(ada, ["Ada (you)", "Bob"]);
    await members(bob, ["Ada", "Bob (you)"]);

    await say(ada, "Three corners, please. 🎩");
    await say(bob, "<b>Coming</b> & going");
    for (const page of [ada, bob]) {
      await hears(page, "Three corners, please. 🎩");
      await hears(page, "<b>Coming</b> & going");
    }
    assert.equal(await bob.locator("#messages .mine").count(), 1);

    const late = await ada.context().newPage();
    await enter(late, "Ada");
    await hears(late, "Three corners, please. 🎩");
    await members(late, ["Ada", "Bob", "Ada 2 (you)"]);
    await late.getByRole("link", { name: "Quiet corner" }).click();
    await members(late, ["Ada (you)"]);
    await members(ada, ["Ada (you)", "Bob"]);
    await late.close();

    await bob.close();
    await hears(ada, "Bob has left");
    await members(ada, ["Ada (you)"]);
    assert.deepEqual(troubles, []);
  });
});

test("a page of the chat comes back when the server replaces its worker, and goes on", { skip }, async () => {
  await visit("fastapi", async ({ page: ada, site, troubles }) => {
    await enter(ada, "Ada");
    const bob = await ada.context().newPage();
    await enter(bob, "Bob");
    await say(bob, "before");
    await hears(ada, "before");
    const before = await worker(ada);

    site.signal("SIGHUP");
    await ada.locator(`#state.live:not([data-worker="${before}"])`).waitFor();
    await members(ada, ["Ada (you)", "Bob"]);
    await say(bob, "after");
    await hears(ada, "after");
    assert.equal(await ada.locator("#messages li", { hasText: "before" }).count(), 1, "what was said is still shown");
    assert.deepEqual(troubles, []);
    // A worker that is replaced bids its WebSockets farewell within half of this time.
  }, ["--graceful-timeout", "2s"]);
});

async function enter(page: Page, name: string): Promise<void> {
  await page.goto("/chat");
  await page.getByLabel("Your name").fill(name);
  await page.getByRole("button", { name: "Change" }).click();
  await hears(page, new RegExp(`^you are here as ${name}`));
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.getByRole("button", { name: "Send" }).click();
}

async function hears(page: Page, text: string | RegExp): Promise<void> {
  await page.locator("#messages li", { hasText: text }).first().waitFor();
}

/** Waits until these are there, in whatever order they came. */
async function members(page: Page, names: readonly string[]): Promise<void> {
  const wanted = JSON.stringify([...names].sort());
  await page.waitForFunction(`
    JSON.stringify([...document.querySelectorAll("#members li")].map((row) => row.textContent).sort()) === \`${wanted}\`
  `);
}

async function worker(page: Page): Promise<string> {
  return String(await page.locator("#state").getAttribute("data-worker"));
}
