// The demo shop as a person uses it: the admin with its own style sheets and scripts, and the shop's upload form.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { skip, visit } from "./visit.ts";

// One pixel. What follows the picture's end is ignored by browsers, so it may be as long as an upload needs.
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

// Beyond 2.5 MiB Django moves an upload from memory to a file.
const uploadSize = 3 * 1024 * 1024;

for (const siteName of ["django over WSGI", "django over ASGI"] as const) {
  test(`${siteName}: a person logs in to the admin, adds products with a picture, logs out`, { skip }, async () => {
    await visit(siteName, async ({ page, troubles }) => {
      await page.goto("/admin/");
      assert.match(page.url(), /\/admin\/login\/\?next=\/admin\/$/, "the admin asks who it is");
      await assertStyled(page, "#header");

      await logIn(page, "wrong");
      await page.locator(".errornote").waitFor();
      await logIn(page, "admin");
      await page.getByRole("heading", { name: "The shop's back room" }).waitFor();

      await page.locator(".model-product a.addlink").click();
      await page.getByLabel("Name:").pressSequentially("Admiral’s Hat");
      await page.getByLabel("Price:").fill("120.50");
      assert.equal(await page.getByLabel("Slug:").inputValue(), "admirals-hat", "the admin's own scripts run");
      await page.getByRole("button", { name: "Save", exact: true }).click();
      await page.locator(".messagelist .success", { hasText: "was added successfully" }).waitFor();
      await page.locator("#result_list").getByRole("link", { name: "Admiral’s Hat" }).waitFor();

      await page.goto("/");
      await assertStyled(page, ".bar");
      await page.getByRole("link", { name: "Admiral’s Hat € 120.50" }).waitFor();

      const picture = Buffer.concat([pixel, randomBytes(uploadSize)]);
      await page.getByRole("link", { name: "Add a hat" }).click();
      await page.getByLabel("Name:").fill("Sun hat");
      await page.getByLabel("Price:").fill("19");
      await page.getByLabel("Description:").fill("Wide enough for two.");
      await page.getByLabel("Picture:").setInputFiles({ name: "sun.png", mimeType: "image/png", buffer: picture });
      await page.getByRole("button", { name: "Put it into the shop" }).click();
      await page.getByRole("status").filter({ hasText: "“Sun hat” is in the shop now." }).waitFor();

      const shown = page.getByRole("img", { name: "Sun hat" });
      await shown.and(page.locator("img")).waitFor();
      await page.waitForFunction("document.querySelector('img.picture').naturalWidth === 1");
      const answer = await page.request.get(String(await shown.getAttribute("src")));
      assert.ok(picture.equals(await answer.body()), "the shop gives back the very bytes that were uploaded");

      await page.getByRole("button", { name: "Log out admin" }).click();
      await page.getByRole("link", { name: "Log in" }).waitFor();
      await page.goto("/products/new/");
      assert.match(page.url(), /\/accounts\/login\/\?next=\/products\/new\/$/, "who has logged out is asked again");

      assert.deepEqual(troubles, []);
    });
  });
}

async function logIn(page: Page, password: string): Promise<void> {
  await page.getByLabel("Username:").fill("admin");
  await page.getByLabel("Password:").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

/** Every style sheet has arrived and holds rules, and the bar at the top has got its colour from one of them. */
async function assertStyled(page: Page, bar: string): Promise<void> {
  const ruleCounts = await page.evaluate<number[]>("[...document.styleSheets].map((sheet) => sheet.cssRules.length)");
  const styled = ruleCounts.length > 0 && ruleCounts.every((count) => count > 0);
  assert.ok(styled, `rules per sheet: ${ruleCounts.join(" ")}`);
  const colour = await page.evaluate<string>(`getComputedStyle(document.querySelector("${bar}")).backgroundColor`);
  assert.match(colour, /^rgb\(/, "the bar has a colour, and it is not transparent");
}
