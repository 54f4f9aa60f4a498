import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { must, programVariables, request } from "../../tests/route/facts.ts";
import { parseCondition } from "./condition.ts";
import { URI_CHANGES_MAX } from "./evaluation.ts";
import { type LocationNode, Locations } from "./locations.ts";
import { type RewriteDirective, parseReturn, parseRewrite } from "./rewrite-directive.ts";
import { RewriteScript } from "./rewrite.ts";
import { type Route, type RouteStart, type ServerRoutes, findRoute } from "./routing.ts";

function rewrite(words: string): RewriteDirective {
  return must(parseRewrite(words.split(" ")));
}

const variables = programVariables();
const paths = ["/", "/a/", "/b/", "/hidden/", "/loop/", "/count/", "/if/", "/pass/"];
const nodes = paths.map((uri, location): LocationNode => ({
  location, match: { kind: "prefix", uri, noRegex: false }, autoRedirect: uri === "/pass/", locations: [],
}));
const conditional: RewriteDirective = {
  kind: "if", condition: must(parseCondition(["($arg_x)"])), location: 50, directives: [must(parseReturn(["403"]))],
};
const scripts: Readonly<Record<number, readonly RewriteDirective[]>> = {
  1: [rewrite("^/a/(.*)$ /b/$1 last")],
  4: [rewrite("^/loop/(.*)$ /loop/x last")],
  5: [rewrite("^/count/(.*)x$ /count/$1 last")],
  6: [conditional, { ...conditional, location: 51, condition: must(parseCondition(["($arg_y)"])), directives: [] }],
};
const routes: ServerRoutes = {
  server: 99,
  script: new RewriteScript([rewrite("^/old/(.*)$ /a/$1"), rewrite("^/secret$ /hidden/secret")], variables),
  locations: new Locations(99, nodes, variables),
  scripts: new Map(Object.entries(scripts).map(([number, lines]) => (
    [Number(number), new RewriteScript(lines, variables)]
  ))),
  limitExcepts: new Map(), internal: new Set([3]),
};

async function route(target: string, start?: RouteStart): Promise<Route> {
  return findRoute(routes, request(target), () => "none", start);
}

describe("the route of a request", () => {
  test("goes through the server's script, a location, its script, and another location", async () => {
    assert.deepEqual(await route("/"), { kind: "handle", location: 0 });
    assert.deepEqual(await route("/a/x"), { kind: "handle", location: 2 });
    assert.deepEqual(await route("/old/x"), { kind: "handle", location: 2 });
  });

  test("enters internal locations from within only", async () => {
    assert.deepEqual(await route("/hidden/x"), { kind: "return", status: 404, text: undefined, location: 3 });
    assert.deepEqual(await route("/secret"), { kind: "handle", location: 3 });
  });

  test("starts at a named location", async () => {
    assert.deepEqual(await route("/whatever", { kind: "location", location: 3 }), { kind: "handle", location: 3 });
  });

  test("has the settings of the last condition that held", async () => {
    assert.deepEqual(await route("/if/?y=1"), { kind: "handle", location: 51 });
    assert.deepEqual(await route("/if/?x=1"), { kind: "return", status: 403, text: undefined, location: 50 });
    assert.deepEqual(await route("/if/"), { kind: "handle", location: 6 });
  });

  test("is a redirect to the slash, escaped, with the arguments", async () => {
    assert.deepEqual(await route("/pass?a=b"), { kind: "redirect", status: 301, target: "/pass/?a=b", location: 7 });
  });

  test("ends when the URI has changed too often", async () => {
    const times = (count: number): string => `/count/${"x".repeat(count)}`;
    assert.deepEqual(await route(times(URI_CHANGES_MAX)), { kind: "handle", location: 5 });
    const message = "rewrite or internal redirection cycle: the URI changed more than 10 times";
    assert.deepEqual(await route(times(URI_CHANGES_MAX + 1)), { kind: "error", status: 500, message, location: 5 });
    assert.deepEqual(await route("/loop/"), { kind: "error", status: 500, message, location: 4 });
  });
});
