// The target that an application sees: what rewriting made of it, else what the client sent, byte for byte.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Program } from "../support/program.ts";
import { type Echo, echoOf, get, interfaces, startSite } from "./site.ts";

for (const kind of interfaces) {
  describe(`the target that the ${kind} application sees`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        server: `
          location / { app_pass ${kind}; }
          location /broken/ { rewrite ^/broken/(.*)$ /b/$1 break; app_pass ${kind}; }
          location /last/ { rewrite ^/last/(.*)$ /l/$1?more=1 last; }
          location /plain/ { rewrite ^/plain/(.*)$ /p/$1?only=1? break; app_pass ${kind}; }
          location /tried/ { try_files /none /fallback/x?a=b; }
          location /index.php { try_files $uri @named; }
          location @named { app_pass ${kind}; }
          location /args { set $args "changed=1"; app_pass ${kind}; }
          location /space { rewrite ^ "/a b%c/ü" break; app_pass ${kind}; }
          location /users/ { rewrite ^/users/(.*)$ /user?name=$1 break; app_pass ${kind}; }`,
      });
    });
    after(() => program.stop());

    const seen = async (target: string): Promise<Echo> => echoOf(await get(program, target));

    test("is the rewritten one, with the query of both", async () => {
      const { path, query, uri } = await seen("/broken/x%20y?q=1");
      assert.deepEqual([path, query], ["/b/x y", "q=1"]);
      // As nginx's uwsgi_params have it: $request_uri.
      if (kind === "wsgi") assert.equal(uri, "/broken/x%20y?q=1");
      const last = await seen("/last/x?q=1");
      assert.deepEqual([last.path, last.query, last.raw.split("?")[0]], ["/l/x", "more=1&q=1", "/l/x"]);
      const plain = await seen("/plain/x?q=1");
      assert.deepEqual([plain.path, plain.query], ["/p/x", "only=1"]);
      const user = await seen("/users/j%C3%BCrgen?x=1");
      assert.deepEqual([user.path, user.query], ["/user", "name=j%C3%BCrgen&x=1"]);
    });

    test("is what try_files and set have made of it", async () => {
      const tried = await seen("/tried/y?q=1");
      assert.deepEqual([tried.path, tried.query], ["/fallback/x", "a=b"]);
      const named = await seen("/index.php?q=1");
      assert.deepEqual([named.path, named.query], ["/index.php", "q=1"]);
      const args = await seen("/args?q=1");
      assert.deepEqual([args.path, args.query], ["/args", "changed=1"]);
    });

    test("is escaped again where it is rewritten", async () => {
      const { raw, path } = await seen("/space");
      assert.equal(raw, "/a%20b%25c/%C3%BC");
      assert.equal(kind === "wsgi" ? Buffer.from(path, "latin1").toString() : path, "/a b%c/ü");
    });

    const asSent = [
      "/a//b///c", "/a/./b", "/a/../b", "/a%2Fb%2fc", "/%7Euser", "/a%20b?x=%20&y=+", "/?", "/x??y", "/a;b=c",
      "/caf%C3%A9", "/a%00b".replace("%00", "%01"), "/a|b", "/x?a=/../b", "/x?%zz",
    ];
    for (const target of asSent) {
      test(`is untouched: ${target}`, async () => {
        const { raw, query, uri } = await seen(target);
        const question = target.indexOf("?");
        assert.equal(query, question < 0 ? "" : target.slice(question + 1));
        if (kind === "wsgi") assert.deepEqual([raw, uri], [target, target]);
        else assert.equal(raw, question < 0 ? target : target.slice(0, question));
      });
    }

    test("that is none is refused, as nginx does", async () => {
      for (const target of ["/%zz", "/../x", "/a%00b"]) assert.equal((await get(program, target)).status, 400, target);
    });
  });
}
