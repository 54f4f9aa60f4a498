// Django's own ASGI handler: async and sync views, streams, uploads, sessions, clients that leave.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { prepareDjango as prepare } from "./prepare.ts";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Django over ASGI on ${server}`, { skip }, () => {
    const seen = play(server, { app: "django_app:application", client: "django", prepare });

    test("a user logs in, and sync and async views know who it is and what is in the database", () => {
      const waiting = { names: ["ada"], first: "ada", user: "ada", task: true };
      assert.deepEqual(seen("views"), [403, 403, "hello ada", { users: 1, user: "ada" }, waiting]);
    });

    test("sync and async views run side by side", () => {
      assert.equal(seen("many_at_once"), 20);
    });

    test("request.META is what the client asked", () => {
      const meta = {
        REQUEST_METHOD: "GET",
        QUERY_STRING: "q=%C3%BC",
        SCRIPT_NAME: "",
        PATH_INFO: "/meta/ü x//y",
        REMOTE_ADDR: "127.0.0.1",
        SERVER_NAME: "127.0.0.1",
        HTTP_X_TWICE: "1,2",
        CONTENT_TYPE: null,
        host: "hats.example",
        url: "http://hats.example/meta/%C3%BC%20x//y?q=%C3%BC",
        secure: false,
        cookies: { a: "1", b: "2" },
      };
      assert.deepEqual(seen("meta"), [meta, "other"]);
    });

    test("redirects, hosts that are not allowed, HEAD and errors are Django's", () => {
      assert.deepEqual(seen("common"), [301, "/visits/", 400, 200, "", 404, 500]);
    });

    test("a session is kept in the database", () => {
      assert.deepEqual(seen("session"), ["1", "2", "3"]);
    });

    test("an async iterator arrives piece by piece, a sync one as a whole", () => {
      const pieces = ["piece 0\n", "piece 1\n", "piece 2\n"];
      assert.deepEqual(seen("stream"), [pieces, pieces.join("")]);
    });

    test("a stream and a view are cancelled when their client leaves", () => {
      assert.deepEqual(seen("leaving"), ["tick", true, true]);
    });

    test("a FileResponse has its length, name and bytes", () => {
      assert.deepEqual(seen("file"), ["307200", "attachment; filename*=utf-8''h%C3%BCte.bin", true]);
    });

    test("an upload goes to a file, a body to memory", () => {
      assert.deepEqual(seen("upload"), [{ note: "ü", name: "hüte.bin", size: 3_500_000 }, { size: 100_000 }]);
    });

    test("an upload that is cut short does not reach its view", () => {
      assert.equal(seen("upload_cut_short"), 0);
    });

    test("every request that began has finished, whatever became of it", () => {
      assert.equal(seen("signals"), true);
    });
  });
}
