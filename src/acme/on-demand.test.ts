import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "../../tests/support/simulated-clock.ts";
import { OnDemand } from "./on-demand.ts";

test("ten thousand refused names are remembered, then the oldest is forgotten", async () => {
  const settings = {
    id: "x", ask: "http://127.0.0.1:1/", asksPerMinute: 1, ordersPerMinute: 1, namesMax: 1, issuers: [], challenges: [],
    keyType: "ecdsa:256", profile: undefined,
  } as const;
  const onDemand = new OnDemand(settings, { clock: new SimulatedClock(), isPublic: true });
  /** Is it said why? That is when it is not remembered. */
  const isNews = async (index: number): Promise<boolean> => {
    const admitted = await onDemand.admit(`no_name_${index}`);
    assert.ok("forMs" in admitted);
    return admitted.why !== undefined;
  };
  for (let index = 0; index < 10_000; index++) assert.ok(await isNews(index));
  assert.equal(await isNews(0), false);
  assert.equal(await isNews(10_000), true);
  assert.equal(await isNews(1), false);
  assert.equal(await isNews(0), true);
});
