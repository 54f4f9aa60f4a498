// What `npm start` serves, the whole demo of examples/tricorn.conf: what a client reads in its answers, and what a
// person sees who follows the links of the front page.

import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Page } from "playwright-core";
import { root } from "../../tools/venv.ts";
import { eventually } from "../support/wait.ts";
import { type Demo, startDemo } from "./site.ts";
import { browse, skip, type Visit } from "./visit.ts";

const eventCount = 3;
// An event leaves every 500 ms. Events that were held back and let go together would be a few milliseconds apart.
const gapMsMin = 150;
const waitMs = 10_000;

test("one file serves three applications, files, redirects and a log of them", async (context) => {
  // The forms get little to work with, so that they are soon overwhelmed.
  const little = (text: string): string => text.replace(/(?<=root_path +\/forms;\s+threads +)4;/, "1; backlog 1;");
  const site = await startDemo(little);
  try {
    await answersTell(site, (name, check) => context.test(name, check));
  } finally {
    await site.close();
  }
});

type Check = (name: string, check: () => Promise<void>) => Promise<void>;

async function answersTell(site: Demo, check: Check): Promise<void> {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(site.origin + path, { redirect: "manual", headers, signal: AbortSignal.timeout(waitMs) });

  await check("a page is found by its name without an ending", async () => {
    const page = await get("/how");
    assert.deepEqual([page.status, page.headers.get("content-type")], [200, "text/html; charset=utf-8"]);
    assert.match(await page.text(), /How the demo is made/);
  });

  await check("what is not there, or not for everybody, is 404 with the site's own page", async () => {
    for (const path of ["/nowhere", "/assets/nowhere.css", "/protected/tricorn-pattern.svg", "/shop/static/nowhere"]) {
      const page = await get(path);
      assert.equal(page.status, 404, path);
      assert.match(await page.text(), /No hat under this one\./, path);
    }
  });

  await check("an application's own 404 stays its own", async () => {
    const page = await get("/live/api/hats/9");
    assert.deepEqual([page.status, await page.json()], [404, { detail: "There are hats 1 to 3." }]);
  });

  await check("short and old addresses lead to the new ones", async () => {
    const moved = async (path: string): Promise<unknown> => {
      const { status, headers } = await get(path);
      return [status, headers.get("location")];
    };
    assert.deepEqual(await moved("/chat"), [302, `${site.origin}/live/chat`]);
    assert.deepEqual(await moved("/hats/corsair"), [301, `${site.origin}/shop/products/corsair/`]);
    assert.deepEqual(await moved("/hats/"), [301, `${site.origin}/shop/`]);
    assert.deepEqual(await moved("/forms"), [301, `${site.origin}/forms/`]);
  });

  await check("files of the site may be kept for a day", async () => {
    const { headers } = await get("/assets/site.css");
    assert.deepEqual([headers.get("content-type"), headers.get("cache-control")], ["text/css", "max-age=86400"]);
  });

  await check("the shop's static files come compressed to whoever understands that", async () => {
    const path = "/shop/static/catalog/shop.css";
    const style = await readFile(join(root, "examples/django/catalog/static/catalog/shop.css"), "utf8");
    for (const [accepted, encoding] of [["gzip", "gzip"], ["identity", null]] as const) {
      const answer = await get(path, { "accept-encoding": accepted });
      assert.deepEqual([answer.status, answer.headers.get("content-encoding")], [200, encoding]);
      assert.equal(await answer.text(), style);
    }
  });

  await check("uploads are sent without asking Django", async () => {
    await mkdir(join(site.folder, "examples/django/uploads"), { recursive: true });
    await writeFile(join(site.folder, "examples/django/uploads/hat.png"), "a hat");
    const answer = await get("/shop/uploads/hat.png");
    assert.deepEqual([answer.headers.get("content-type"), await answer.text()], ["image/png", "a hat"]);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  });

  await check("the file itself can be read", async () => {
    const answer = await get("/tricorn.conf");
    assert.equal(answer.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(await answer.text(), await readFile(join(site.folder, "examples/tricorn.conf"), "utf8"));
  });

  await check("who is connected can be asked for from here", async () => {
    assert.match(await (await get("/status")).text(), /^Active connections: \d+ \nserver accepts handled requests\n/);
  });

  await check("requests stand in the log in the format of the file, those for assets do not", async () => {
    const line = /^\d\d\/[A-Z][a-z]{2}\/\d{4}:[\d:]{8} \+0000 {2}302 {2}GET \/chat {2}\d+ bytes, \d\.\d{3} s$/m;
    await eventually("the line is there", waitMs, () => line.test(site.output()));
    assert.doesNotMatch(site.output(), /site\.css|GET \/status/);
  });

  await check("an application that has too much to do leaves the others in peace", async () => {
    const abort = new AbortController();
    const ask = (path: string): Promise<Response> => fetch(site.origin + path, { signal: abort.signal });
    // Its only thread writes a row each second, so those who come behind wait, as many as may.
    assert.equal((await ask("/forms/report.csv?rows=100&pause_ms=1000")).status, 200);
    const crowd = Array.from({ length: 8 }, () => ask("/forms/"));
    const refused = await Promise.race(crowd);
    const page = await refused.text();
    const others = [await get("/shop/"), await get("/live/")];
    abort.abort();
    await Promise.allSettled(crowd);
    assert.deepEqual([refused.status, ...others.map(({ status }) => status)], [503, 200, 200]);
    assert.match(page, /Out for a moment\./);
    await eventually("it answers again", waitMs, async () => (await get("/forms/")).status === 200);
  });
}

test("a person goes through the whole demo from its front page", { skip }, async (context) => {
  await browse(startDemo, async (visit) => {
    for (const [name, step] of Object.entries(steps)) await context.test(name, () => step(visit));
  });
});

const steps: Readonly<Record<string, (visit: Visit) => Promise<void>>> = {
  "the front page names its parts and asks nobody else for anything": async ({ page, site, troubles }) => {
    const foreign: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(`${site.origin}/`)) foreign.push(request.url());
    });
    await page.goto("/");
    const parts = await page.getByRole("heading", { level: 2 }).allTextContents();
    assert.deepEqual(parts, ["The shop", "Live", "The chat", "Forms", "A protected file", "Small things"]);
    assert.notEqual(await page.evaluate("getComputedStyle(document.querySelector('.parts li')).borderRadius"), "0px");
    const shown = page.getByRole("banner").locator("img");
    assert.notEqual(await shown.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth), 0);
    assert.deepEqual([foreign, troubles], [[], []]);
  },

  "a page that is not there leads back to the front page": async ({ page, site, troubles }) => {
    await page.getByRole("link", { name: "one that is not there" }).click();
    await page.getByRole("heading", { name: "No hat under this one." }).waitFor();
    await page.getByRole("link", { name: "Front page" }).click();
    await page.waitForURL("/");
    assert.deepEqual(troubles, [`404 for ${site.origin}/nowhere`]);
  },

  "an old address leads to a hat in the shop, whose links stay below its prefix": async ({ page, site }) => {
    await page.getByRole("link", { name: "old address" }).click();
    await page.getByRole("heading", { name: "Corsair" }).waitFor();
    assert.equal(page.url(), `${site.origin}/shop/products/corsair/`);
    await page.getByRole("link", { name: "All hats" }).click();
    await page.getByRole("heading", { name: "Three corners." }).waitFor();
    assert.equal(page.url(), `${site.origin}/shop/`);
    const bar = "getComputedStyle(document.querySelector('.bar')).backgroundColor";
    assert.match(await page.evaluate<string>(bar), /^rgb\(/, "its style sheet has come");
  },

  "the protected file asks who it is, and then is sent": async ({ page, site }) => {
    await page.goto("/");
    await page.getByRole("link", { name: "A protected file" }).click();
    assert.equal(page.url(), `${site.origin}/shop/accounts/login/?next=/shop/pattern/`);
    await page.getByLabel("Username:").fill("admin");
    await page.getByLabel("Password:").fill("admin");
    const [download] = await Promise.all([
      page.waitForEvent("download"), page.getByRole("button", { name: "Log in" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "tricorn-pattern.svg");
    const pattern = await readFile(join(root, "examples/protected/tricorn-pattern.svg"));
    assert.ok(pattern.equals(await readFile(await download.path())));
    const answer = await page.request.get("/shop/pattern/");
    assert.equal(answer.headers()["x-accel-redirect"], undefined);
  },

  "events come one by one": async ({ page }) => {
    await page.goto("/");
    await page.getByRole("link", { name: "Live" }).click();
    await page.getByText("live", { exact: true }).waitFor();
    await page.locator(`#events li[data-id="${eventCount}"]`).waitFor();
    const arrivals = await page.evaluate<number[]>(`
      [...document.querySelectorAll("#events li")].map((row) => Number(row.dataset.arrivedAt)).reverse()
    `);
    for (const [index, ms] of arrivals.slice(1).entries()) {
      assert.ok(ms - (arrivals[index] ?? 0) > gapMsMin, JSON.stringify(arrivals));
    }
  },

  "two people chat over WebSocket": async ({ page: ada }) => {
    const bob = await ada.context().newPage();
    for (const [page, name] of [[ada, "Ada"], [bob, "Bob"]] as const) {
      await page.goto("/");
      await page.getByRole("link", { name: "The chat" }).click();
      // Its script has put a guest's name there, and would do so behind us.
      await page.locator("#state.live").waitFor();
      await page.getByLabel("Your name").fill(name);
      await page.getByRole("button", { name: "Change" }).click();
      await hears(page, `you are here as ${name}`);
    }
    await bob.getByLabel("Message", { exact: true }).fill("Three corners, please. 🎩");
    await bob.getByRole("button", { name: "Send" }).click();
    await hears(ada, "Three corners, please. 🎩");
    await bob.close();
    await hears(ada, "Bob has left");
  },

  "a form remembers": async ({ page, site, troubles }) => {
    await page.goto("/");
    await page.getByRole("link", { name: "Forms" }).click();
    await page.getByLabel("Name").fill("Zoë");
    await page.getByRole("button", { name: "Greet" }).click();
    await page.getByRole("status").filter({ hasText: "Hello Zoë!" }).waitFor();
    assert.equal(page.url(), `${site.origin}/forms/`);
    await page.locator("#hello", { hasText: "Hello Ada!" }).waitFor();
    assert.deepEqual(troubles, [`404 for ${site.origin}/nowhere`], "nothing else went wrong on the whole way");
  },
};

async function hears(page: Page, text: string): Promise<void> {
  await page.locator("#messages li", { hasText: text }).first().waitFor();
}
