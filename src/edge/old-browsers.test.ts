import assert from "node:assert/strict";
import { test } from "node:test";
import { oldBrowser } from "./old-browsers.ts";

// As observed of nginx 1.22; the differential group of connections asks it.
test("browsers that do not bear kept connections are known by their names", () => {
  const cases: Readonly<Record<string, readonly string[]>> = {
    msie6: ["Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)", "MSIE 4.0", "MSIE 5.5; SV1", "SV1 MSIE 6.0"],
    safari: ["Mozilla/5.0 (Mac OS X 10_9) AppleWebKit/537 (KHTML, like Gecko) Version/7 Safari/537"],
    undefined: ["", "MSIE 6.0; SV1", "MSIE 7.0 MSIE 6.0", "MSIE 6.", "MSIE 6.0 Opera", "Safari/ Mac OS X Chrome/30",
      "Safari/ Windows", "MSIE 7.0 Safari/ Mac OS X"],
  };
  for (const [browser, agents] of Object.entries(cases)) {
    for (const agent of agents) assert.equal(String(oldBrowser(agent)), browser, agent);
  }
});
