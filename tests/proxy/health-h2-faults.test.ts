// Health checks by HTTP/2 of servers that do what they must not: ill each of them, and no connection stays.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { fromLatin1 } from "../../src/std/bytes.ts";
import { END_HEADERS, GOAWAY, PING, data, frame, headers, reset, settingsFrame, uint32 } from "../h2/frames.ts";
import { startSite } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { RawH2Server, type RawScript } from "./raw-h2-server.ts";

const waitMs = 10_000;
const REFUSED_STREAM = 7;
const ok = [[":status", "200"]] as const;
const settings: RawScript["begin"] = (connection) => connection.send(settingsFrame());

const faults: Readonly<Record<string, { readonly script: RawScript; readonly line: string }>> = {
  "says nothing": { script: {}, line: "reading response from peer: timed out" },
  "speaks HTTP/1.1": {
    script: { begin: (connection) => connection.send(fromLatin1("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")) },
    line: "reading response from peer: no SETTINGS at the beginning",
  },
  "goes away before the request": {
    script: {
      begin: settings,
      request: (connection) => connection.send(frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(0)]))),
    },
    line: "it reset the stream with NO_ERROR \\(0\\)",
  },
  "refuses the stream": {
    script: { begin: settings, request: (connection, stream) => connection.send(reset(stream, REFUSED_STREAM)) },
    line: "it reset the stream with REFUSED_STREAM \\(7\\)",
  },
  "answers with a head that is none": {
    script: { begin: settings, request: (connection, stream) => connection.send(headers(stream, [["a", "b"]])) },
    line: "reading response from peer: status_line",
  },
  "pings and does not answer": {
    script: {
      begin: (connection) => {
        connection.send(settingsFrame());
        const timer = setInterval(() => {
          if (connection.isOver) clearInterval(timer);
          else connection.send(frame(PING, 0, 0, new Uint8Array(8)));
        }, 20);
      },
    },
    line: "reading response from peer: timed out",
  },
  "drips content without end": {
    script: {
      begin: settings,
      request: (connection, stream) => {
        connection.send(headers(stream, ok, END_HEADERS));
        const timer = setInterval(() => {
          if (connection.isOver) clearInterval(timer);
          else connection.send(data(stream, "x"));
        }, 20);
      },
    },
    line: "reading response from peer: timed out",
  },
  "ends its connection": {
    script: { begin: settings, request: (connection) => connection.end() },
    line: "it closed the connection",
  },
};

describe("a health check by HTTP/2 of a server that", () => {
  let server: RawH2Server;
  let site: Program;
  before(async () => {
    server = await RawH2Server.start();
    site = await startSite({
      apps: "",
      http: `match whole { status 200; body ~ whole; } upstream u { server 127.0.0.1:${server.port}; }`,
      server: `location / { proxy_http_version 2; proxy_pass http://u; proxy_connect_timeout 300ms;
        proxy_send_timeout 300ms; proxy_read_timeout 300ms; health_check interval=50ms match=whole; }`,
    });
  });
  after(async () => {
    await site.stop();
    server[Symbol.dispose]();
  });

  const status = async (): Promise<number> => (await fetch(`http://127.0.0.1:${site.port}/`)).status;

  for (const [name, { script, line }] of Object.entries(faults)) {
    test(`${name} finds it ill, until it is well again`, async () => {
      server.reset({
        begin: settings,
        request: (connection, stream) => connection.send(headers(stream, ok, END_HEADERS), data(stream, "whole", 1)),
      });
      await eventually("it is well", waitMs, async () => (await status()) === 200);
      server.reset(script);
      const before = site.output.length;
      const told = new RegExp(`unhealthy while .*${line}, health check "whole"`);
      await eventually(`${String(told)} in ${site.output.slice(before)}`, waitMs,
        () => told.test(site.output.slice(before)));
      assert.equal(await status(), 502);
      await eventually("no connection is left of a check", waitMs, () => server.connections[0]?.isOver === true);
    });
  }
});
