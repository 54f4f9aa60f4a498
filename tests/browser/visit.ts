// A visit: one site, one headless Chromium, one page, and the list of everything that went wrong in the browser.
// Not a test; each test beside it is one visit.

import { type Browser, chromium, type Page } from "playwright-core";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { type Site, type SiteName, startSite } from "./site.ts";

// playwright-core brings no browser of its own; these are the names that distributions give theirs.
const browserNames = ["chromium", "chromium-browser", "google-chrome"] as const;

/** The `skip` option of a test that is a visit. */
export const skip: false | string = requireProgram(browserNames, "apt-get install -y chromium");

const stepTimeoutMs = 10_000;

/** What a test gets to work with. */
export interface Visit<S extends Site = Site> {
  readonly site: S;
  readonly page: Page;
  /** Answers of 400 and more, requests without any answer, and scripts that threw, in the order they happened. */
  readonly troubles: readonly string[];
}

/** A visit to a site of the demo. @param options further options of the program that serves it */
export async function visit(
  siteName: SiteName, steps: (visit: Visit) => Promise<void>, options: readonly string[] = [],
): Promise<void> {
  await browse(() => startSite(siteName, options), steps);
}

/**
 * Starts a site and the browser, hands the page to `steps`, and cleans both up whatever happens. Links in `page` may
 * be relative. When `steps` fails, the error says what the browser saw and what the program printed, with the error
 * itself as the cause.
 */
export async function browse<S extends Site>(
  start: () => Promise<S>, steps: (visit: Visit<S>) => Promise<void>,
): Promise<void> {
  const [siteStart, browserStart] = await Promise.allSettled([start(), openBrowser()]);
  try {
    if (siteStart.status === "rejected") throw siteStart.reason;
    if (browserStart.status === "rejected") throw browserStart.reason;
    const context = await browserStart.value.newContext({
      // Certificates of tests are nobody's.
      baseURL: siteStart.value.origin, ignoreHTTPSErrors: true,
    });
    context.setDefaultTimeout(stepTimeoutMs);
    const page = await context.newPage();
    const troubles = watch(page);
    try {
      await steps({ site: siteStart.value, page, troubles });
    } catch (cause) {
      const report = `at ${page.url()}\nin the browser: ${troubles.join("; ") || "no trouble"}`;
      throw new Error(`${report}\nprinted by the program:\n${siteStart.value.output()}`, { cause });
    }
  } finally {
    if (browserStart.status === "fulfilled") await browserStart.value.close();
    if (siteStart.status === "fulfilled") await siteStart.value.close();
  }
}

async function openBrowser(): Promise<Browser> {
  const executablePath = findProgram(...browserNames);
  if (executablePath === undefined) throw new Error(`none of ${browserNames.join(", ")} is installed`);
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", // CI runs as root
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

function watch(page: Page): readonly string[] {
  const troubles: string[] = [];
  page.on("response", (response) => {
    if (response.status() >= 400) troubles.push(`${response.status()} for ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    // A page that is left cancels its own event stream; that is no trouble.
    const reason = request.failure()?.errorText ?? "no reason given";
    if (reason !== "net::ERR_ABORTED") troubles.push(`${reason} for ${request.url()}`);
  });
  page.on("pageerror", (error) => troubles.push(String(error)));
  return troubles;
}
