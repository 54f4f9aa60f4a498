// client_body_in_file_only: bodies of requests in files, which may stay.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { Client, startH2Site } from "../h2/client.ts";
import { fastCgiAnswer, fastCgiSize } from "../support/cgi-peer.ts";
import type { Program } from "../support/program.ts";
import { ScriptedUpstream } from "../support/scripted-upstream.ts";
import { eventually } from "../support/wait.ts";
import { linesOf } from "./site.ts";

const places = ["wsgi", "asgi", "proxied", "member"] as const;
const shaOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** What is answered, and which file its variable names. */
interface Stored {
  readonly status: number;
  readonly text: string;
  readonly file: string;
}

describe("client_body_in_file_only", () => {
  let program: Program;
  let fastCgi: ScriptedUpstream;
  /** Says what it is sent, and what is in the file that it is told of. */
  const reader = http.createServer((request, response) => {
    let size = 0;
    request.on("data", (part: Buffer) => (size += part.length));
    request.on("end", () => {
      readFile(String(request.headers["x-file"]), "utf8").then(
        (text) => response.end(`${size} sent, file: ${text}`), (error: unknown) => response.end(String(error)),
      );
    });
  });

  before(async () => {
    fastCgi = await ScriptedUpstream.listen(0, fastCgiSize);
    reader.listen(0, "127.0.0.1");
    await once(reader, "listening");
    const { port } = reader.address() as AddressInfo;
    const inEach = (how: string): string => `
      location /${how}/ { client_body_in_file_only ${how};
        location /${how}/wsgi { app_pass wsgi; }
        location /${how}/asgi { app_pass asgi; }
        location /${how}/streamed { app_pass asgi; app_request_buffering off; }
        location /${how}/proxied { proxy_pass http://127.0.0.1:%PORT%/wsgi; }
        location /${how}/member { proxy_pass http://member; }
        location /${how}/unbuffered { proxy_pass http://127.0.0.1:%PORT%/wsgi; proxy_request_buffering off;
          proxy_http_version 1.1; }
        location /${how}/named { proxy_pass http://127.0.0.1:1; error_page 502 = @named; }
        location /${how}/fastcgi { fastcgi_pass 127.0.0.1:${fastCgi.port}; }
        location /${how}/idiom { proxy_pass http://127.0.0.1:${port}; proxy_pass_request_body off;
          proxy_set_header Content-Length ""; proxy_set_header X-File $request_body_file; }
      }`;
    program = await startH2Site({
      http: "upstream member { server app:wsgi; } log_format files '$uri $request_body_file';",
      server: `add_header X-Body-File $request_body_file always; access_log %FOLDER%/access.log files;
        location /wsgi { add_header X-Inner 1; app_pass wsgi; }
        location @named { app_pass wsgi; }
        ${inEach("on")} ${inEach("clean")}`,
    });
  });
  after(async () => {
    await program.stop();
    await fastCgi.close();
    reader.close();
  });

  const askers = {
    "HTTP/1.1": async (target: string, body: string): Promise<Stored> => {
      using connection = await program.connect();
      const { status, text, fields } = await connection.ask({ method: "POST", target, body });
      return { status, text, file: fields.get("x-body-file") ?? "" };
    },
    "HTTP/2": async (target: string, body: string): Promise<Stored> => {
      using client = await Client.connect(program);
      const { status, text, headers } = await client.ask(target, { body });
      return { status, text, file: String(headers["x-body-file"] ?? "") };
    },
  };
  const nothingIsLeft = (): Promise<boolean> =>
    eventually("no further file is left", 5000, async () => (await program.spooled()).length === kept);
  /** Files that shall stay. */
  let kept = 0;

  for (const [protocol, ask] of Object.entries(askers)) {
    for (const place of places) {
      test(`keeps each body for ${place} with on, and none with clean (${protocol})`, async () => {
        for (const body of ["x", "0123456789".repeat(20_000)]) {
          const { status, text, file } = await ask(`/on/${place}`, body);
          assert.equal(status, 200);
          const { size, sha } = JSON.parse(text) as { size: number; sha: string };
          assert.deepEqual([size, sha], [body.length, shaOf(body)]);
          assert.equal(await readFile(file, "latin1"), body);
          kept++;
          const clean = await ask(`/clean/${place}`, body);
          assert.deepEqual([clean.status, clean.text.includes(shaOf(body))], [200, true]);
          assert.match(clean.file, /body|request/);
          await eventually("it is gone", 5000, () => !existsSync(clean.file));
        }
        await nothingIsLeft();
      });
    }

    test(`tells an upstream of the file in the body's place (${protocol})`, async () => {
      for (const how of ["on", "clean"]) {
        const { text, file } = await ask(`/${how}/idiom`, "hello");
        assert.equal(text, "0 sent, file: hello");
        if (how === "on") assert.equal(await readFile(file, "utf8"), "hello");
        kept += how === "on" ? 1 : 0;
      }
      await nothingIsLeft();
    });

    test(`stores nothing of what goes on as it comes (${protocol})`, async () => {
      for (const place of ["streamed", "unbuffered"]) {
        const { status, file } = await ask(`/on/${place}`, "hello");
        assert.deepEqual([status, file], [200, ""]);
      }
      await nothingIsLeft();
    });
  }

  test("keeps one file where an error's page asks an application after the upstream", async () => {
    const { text, file } = await askers["HTTP/2"]("/on/named", "hello");
    assert.equal((JSON.parse(text) as { sha: string }).sha, shaOf("hello"));
    assert.equal(await readFile(file, "utf8"), "hello");
    kept++;
    assert.equal((await askers["HTTP/1.1"]("/clean/named", "hello")).status, 200);
    await nothingIsLeft();
  });

  test("stores what FastCGI is asked with", async () => {
    fastCgi.play([{ steps: [fastCgiAnswer("X: y\r\n\r\nok"), { do: "end" }] }]);
    const { text, file } = await askers["HTTP/1.1"]("/on/fastcgi", "hello");
    assert.deepEqual([text, await readFile(file, "utf8")], ["ok", "hello"]);
    kept++;
  });

  test("makes an empty file of an empty body, and none without one", async () => {
    using client = await Client.connect(program);
    const empty = await client.ask("/on/wsgi", { body: "" });
    assert.equal(await readFile(String(empty.headers["x-body-file"]), "utf8"), "");
    kept++;
    assert.equal((await client.ask("/on/wsgi")).headers["x-body-file"], undefined);
    await nothingIsLeft();
  });

  test("keeps no part of a body, and what came whole though its client has left", async () => {
    using parted = await program.connect();
    parted.send("POST /on/proxied HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    await eventually("the file is there", 5000, async () => (await program.spooled()).length > kept);
    parted.end();
    await nothingIsLeft();
    fastCgi.play([{ steps: [{ pauseMs: 3000 }] }]);
    const whole = await program.connect();
    whole.send("POST /on/fastcgi?left HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    await eventually("the script is asked", 5000, () => fastCgi.text.includes("hello"));
    whole[Symbol.dispose]();
    kept++;
    const line = await eventually("the request is logged", 5000, async () =>
      (await linesOf(program, "access.log")).findLast((text) => text.startsWith("/on/fastcgi")));
    const file = line.split(" ")[1] ?? "";
    await nothingIsLeft();
    assert.equal(await readFile(file, "utf8"), "hello");
  });
});
