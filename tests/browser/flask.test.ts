// The Flask demo as a person uses it: a form with a signed cookie, an upload, a report that comes row by row.

import assert from "node:assert/strict";
import { test } from "node:test";
import { skip, visit } from "./visit.ts";

test("a person fills in the form, uploads a text and reads the report row by row", { skip }, async () => {
  await visit("flask", async ({ page, troubles }) => {
    await page.goto("/");
    assert.match(String(await page.locator("#hello").textContent()), /"Hello Ada!"/);

    const message = page.getByRole("status");
    await page.getByRole("button", { name: "Greet" }).click();
    await message.filter({ hasText: "Please write a name first." }).waitFor();
    for (const name of ["Ada", "Zoë & Ünal"]) {
      await page.getByLabel("Name").fill(name);
      await page.getByRole("button", { name: "Greet" }).click();
      await message.filter({ hasText: `Hello ${name}!` }).waitFor();
    }
    await page.reload();
    assert.deepEqual(await page.locator(".names li").allTextContents(), ["Zoë & Ünal", "Ada"]);

    const text = Buffer.from("three corners\n".repeat(50_000));
    await page.getByLabel("File").setInputFiles({ name: "hats.txt", mimeType: "text/plain", buffer: text });
    await page.getByRole("button", { name: "Count" }).click();
    await message.filter({ hasText: `hats.txt: 50000 lines, 100000 words, ${text.length} bytes.` }).waitFor();

    await page.getByRole("button", { name: "Read the report" }).click();
    const report = page.locator("#report[data-ended]");
    await report.waitFor();
    assert.match(String(await report.textContent()), /^row,square,written_at\n1,1,.*\n(?:.*\n){10}12,144,.*\n$/);
    const chunkCount = Number(await report.getAttribute("data-chunks"));
    assert.ok(chunkCount >= 4, `${chunkCount} chunks: the rows come as they are computed`);

    await page.getByRole("button", { name: "Forget everybody" }).click();
    await page.getByText("Nobody so far.").waitFor();
    assert.deepEqual(troubles, []);
  });
});
