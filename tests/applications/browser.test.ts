// What a browser makes of the applications: two pages that talk to each other, and events.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { browse, skip as skipBrowser } from "../browser/visit.ts";
import { prepareDjango } from "./prepare.ts";
import { type Server, type ServerName, skip as skipApplication, start } from "./server.ts";

const skip = skipApplication === false ? skipBrowser : skipApplication;

/** Starts an application with a folder of its own, which is removed with it. */
async function serve(serverName: ServerName, app: string): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-application-"));
  let server: Server | undefined;
  const close = async (): Promise<void> => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await prepareDjango(folder);
    server = await start(serverName, app, { env: { APPLICATION_FOLDER: folder } });
    return { ...server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function hears(page: Page, list: string, text: string): Promise<void> {
  await page.locator(`#${list} li`, { hasText: new RegExp(`^${text}$`) }).first().waitFor();
}

for (const server of ["uvicorn", "tricorn"] as const) {
  test(`two pages chat over Channels on ${server}, and one leaves`, { skip }, async () => {
    await browse(() => serve(server, "channels_app:application"), async ({ page, troubles }) => {
      await page.goto("/");
      await hears(page, "said", "nobody is here");
      const other = await page.context().newPage();
      await other.goto("/");
      await hears(other, "said", "nobody is here");

      for (const [speaker, words] of [[page, "hello 🎩"], [other, "grüße"]] as const) {
        await speaker.getByLabel("Say").fill(words);
        await speaker.getByLabel("Say").press("Enter");
        for (const each of [page, other]) await hears(each, "said", words);
      }
      await other.close();
      await page.getByLabel("Say").fill("alone");
      await page.getByLabel("Say").press("Enter");
      await hears(page, "said", "alone");
      const said = await page.locator("#said li").allTextContents();
      assert.deepEqual(said, ["nobody is here", "hello 🎩", "grüße", "alone"]);
      assert.deepEqual(troubles, []);
    });
  });

  test(`a page of Starlette's on ${server} has a WebSocket and an event stream at once`, { skip }, async () => {
    await browse(() => serve(server, "starlette_app:app"), async ({ page, troubles }) => {
      await page.goto("/");
      await hears(page, "said", "joined");
      await hears(page, "events", "tick 2");
      await page.evaluate("socket.send('from the page')");
      await hears(page, "said", "from the page");
      await page.evaluate("socket.close(4000, 'enough')");
      await hears(page, "said", "closed 4000");
      assert.deepEqual(troubles, []);
    });
  });
}
