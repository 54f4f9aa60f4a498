import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Challenge } from "../acme/index.ts";
import { Challenges } from "./challenges.ts";

const http: Challenge = { id: "1", kind: "http-01", name: "a.example", token: "T", keyAuthorization: "T.print" };
const tls: Challenge = { id: "2", kind: "tls-alpn-01", name: "a.example", certificate: "C", key: "K" };

describe("Challenges", () => {
  test("are answered by their token alone", () => {
    const challenges = new Challenges();
    challenges.add(http);
    const answer = challenges.answer("/.well-known/acme-challenge/T");
    assert.equal(answer?.id, "1");
    assert.equal(answer?.body.latin1Slice(), "T.print");
    for (const target of ["/.well-known/acme-challenge/", "/.well-known/acme-challenge/t", "/T",
      "/.well-known/acme-challenge/T/", "/.well-known/acme-challenge/T?a"]) {
      assert.equal(challenges.answer(target), undefined, target);
    }
  });

  test("go one by one", () => {
    const challenges = new Challenges();
    for (const challenge of [http, tls, { ...tls, id: "3" }]) challenges.add(challenge);
    assert.equal(challenges.remove("2"), undefined);
    assert.equal(challenges.idFor("a.example"), "3");
    assert.equal(challenges.remove("3")?.id, "3");
    assert.equal(challenges.idFor("a.example"), undefined);
    challenges.remove("1");
    challenges.remove("1");
    assert.equal(challenges.isEmpty, true);
    assert.equal(challenges.answer("/.well-known/acme-challenge/T"), undefined);
  });
});
