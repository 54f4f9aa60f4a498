// PHP-FPM of the system behind fastcgi_pass: on TCP and on a Unix socket, with connections of one request and kept
// ones.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { chunk, requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Peer } from "./peers.ts";
import { startProxy } from "./support/proxies.ts";

/** Its name has its version in it, unless there is an alternative. */
const names = ["php-fpm", "php-fpm8.2", "php-fpm8.3", "php-fpm8.4", "php-fpm8.5"];

/** What Debian's fastcgi.conf says. */
const params = [
  "SCRIPT_FILENAME $document_root$fastcgi_script_name", "QUERY_STRING $query_string", "REQUEST_METHOD $request_method",
  "CONTENT_TYPE $content_type", "CONTENT_LENGTH $content_length", "SCRIPT_NAME $fastcgi_script_name",
  "REQUEST_URI $request_uri", "DOCUMENT_URI $document_uri", "DOCUMENT_ROOT $document_root",
  "SERVER_PROTOCOL $server_protocol", "REQUEST_SCHEME $scheme", "HTTPS $https if_not_empty",
    "GATEWAY_INTERFACE CGI/1.1",
  "SERVER_SOFTWARE nginx", "REMOTE_ADDR $remote_addr", "REMOTE_PORT $remote_port", "SERVER_ADDR $server_addr",
  "SERVER_PORT $server_port", "SERVER_NAME $server_name", "REDIRECT_STATUS 200", "PATH_INFO $fastcgi_path_info",
].map((each) => `fastcgi_param ${each};`).join(" ");

const pages: Readonly<Record<string, string>> = {
  "index.php": '<?php echo "hello ", $_GET["n"] ?? "world";',
  "server.php": '<?php header("Content-Type: application/json"); echo json_encode($_SERVER);',
  "body.php": '<?php $b = file_get_contents("php://input"); echo strlen($b), " ", hash("sha256", $b);',
  "form.php": '<?php echo $_POST["a"], " ", $_FILES["f"]["name"], " ", file_get_contents($_FILES["f"]["tmp_name"]);',
  "status.php": '<?php http_response_code(418); header("X-Own: 1"); setcookie("a", 1); setcookie("b", 2); echo "tea";',
  "redirect.php": '<?php header("Location: /elsewhere");',
  "large.php": '<?php for ($i = 0; $i < 200; $i++) echo str_repeat("x", 65536);',
  "slow.php": '<?php for ($i = 0; $i < 4; $i++) { echo str_repeat("x", 8192); @ob_flush(); flush(); usleep(100000); }',
  "error.php": '<?php error_log("said on the error stream"); echo "still answered";',
  "broken.php": "<?php throw new Exception('broken');",
  "download.php": '<?php header("X-Accel-Redirect: /files/index.php"); header("Content-Type: text/own");',
};

for (const on of ["tcp", "unix"] as const) {
  const skip = requireProgram(names, "apt-get install php-fpm");
  describe(`PHP-FPM on ${on === "tcp" ? "TCP" : "a Unix socket"}`, { skip }, () => {
    let peer: Peer;
    let proxy: Program;
    before(async () => {
      peer = await Peer.start({
        command: findProgram(...names) ?? "",
        on,
        prepare: async ({ port, socket, folder }) => {
          for (const [name, text] of Object.entries(pages)) await writeFile(join(folder, name), text);
          const listen = on === "tcp" ? `127.0.0.1:${port}` : socket;
          await writeFile(join(folder, "fpm.conf"), [
            "[global]", "daemonize = no", `error_log = ${folder}/fpm.log`, `pid = ${folder}/fpm.pid`, "[www]",
            `listen = ${listen}`, "pm = static", "pm.max_children = 3", "catch_workers_output = yes",
            ...(process.getuid?.() === 0 ? ["user = root", "group = root"] : []), "",
          ].join("\n"));
        },
        args: ({ folder }) => [
          "--nodaemonize", "--fpm-config", join(folder, "fpm.conf"), "-d", "display_errors=0", "-d", "log_errors=1",
          ...(process.getuid?.() === 0 ? ["--allow-to-run-as-root"] : []),
        ],
      });
      const place = on === "tcp" ? `127.0.0.1:${peer.port}` : `unix:${peer.socket}`;
      proxy = await startProxy({
        http: `upstream php { server ${place}; keepalive 4; }`,
        server: `root ${peer.folder}; index index.php; client_max_body_size 0;
          location = / { try_files /index.php =404; fastcgi_pass ${place}; ${params} }
          location ~ ^(.+\\.php)(/.*)?$ { fastcgi_split_path_info ^(.+\\.php)(/.*)$; fastcgi_pass ${place}; ${params} }
          location ^~ /kept/ { rewrite ^/kept(/.*)$ $1 break; fastcgi_keep_conn on; fastcgi_pass php; ${params} }
          location ^~ /unbuffered/ { rewrite ^/unbuffered(/.*)$ $1 break; fastcgi_buffering off;
            fastcgi_request_buffering off; fastcgi_pass ${place}; ${params} }
          location ^~ /shop/ { fastcgi_index index.php; fastcgi_pass ${place}; ${params} }
          location ^~ /files/ { internal; alias ${peer.folder}/; }`,
      });
    });
    after(async () => {
      await proxy.stop();
      await peer.stop();
    });

    for (const place of ["", "/kept", "/unbuffered"]) {
      test(`runs pages at ${place}/`, async () => {
        using connection = await proxy.connect();
        for (const n of ["1", "2", "3"]) {
          const { status, text } = await connection.get(`${place}/index.php?n=${n}`);
          assert.deepEqual({ status, text }, { status: 200, text: `hello ${n}` });
        }
      });

      test(`passes bodies of every size at ${place}/`, async () => {
        using connection = await proxy.connect();
        for (const size of [0, 1, 65_535, 65_536, 2_000_000]) {
          const body = randomBytes(size);
          const { text } = await connection.ask({ method: "POST", target: `${place}/body.php`, body });
          assert.equal(text, `${size} ${createHash("sha256").update(body).digest("hex")}`);
        }
      });

      test(`sends large pages whole at ${place}/`, async () => {
        using connection = await proxy.connect();
        const { body, complete } = await connection.get(`${place}/large.php`);
        assert.deepEqual({ size: body.length, complete }, { size: 200 * 65_536, complete: true });
      });
    }

    test("says what the request is", async () => {
      using connection = await proxy.connect();
      const { text } = await connection.get("/server.php/more/path?a=b%20c", { "X-Client": "1", Cookie: "a=b" });
      const server = JSON.parse(text) as Record<string, string>;
      assert.equal(server["SCRIPT_NAME"], "/server.php");
      assert.equal(server["PATH_INFO"], "/more/path");
      assert.equal(server["QUERY_STRING"], "a=b%20c");
      assert.equal(server["HTTP_X_CLIENT"], "1");
      assert.equal(server["HTTP_COOKIE"], "a=b");
      assert.equal(server["HTTP_HOST"], "tricorn.test");
      assert.equal(server["REMOTE_ADDR"], "127.0.0.1");
      assert.equal(server["REQUEST_URI"], "/server.php/more/path?a=b%20c");
    });

    test("takes the index of a folder", async () => {
      using connection = await proxy.connect();
      assert.equal((await connection.get("/")).text, "hello world");
    });

    test("hears chunked bodies, and forms with files", async () => {
      using connection = await proxy.connect();
      const fields = { "Transfer-Encoding": "chunked" };
      connection.send(requestText({ method: "POST", target: "/body.php",
        fields }) + chunk("abc") + chunk("de") + chunk(""));
      assert.match((await connection.response()).text, /^5 /);
      const body = ["--x", 'Content-Disposition: form-data; name="a"', "", "1", "--x",
        'Content-Disposition: form-data; name="f"; filename="f.txt"', "", "file", "--x--", ""].join("\r\n");
      const type = { "Content-Type": "multipart/form-data; boundary=x" };
      const { text } = await connection.ask({ method: "POST", target: "/form.php", fields: type, body });
      assert.equal(text, "1 f.txt file");
    });

    test("sets the status, fields and cookies", async () => {
      using connection = await proxy.connect();
      const { status, fields, text } = await connection.get("/status.php");
      assert.deepEqual({ status, own: fields.get("x-own"), cookies: fields.get("set-cookie"), text },
        { status: 418, own: "1", cookies: "a=1, b=2", text: "tea" });
      const redirect = await connection.get("/redirect.php");
      assert.deepEqual([redirect.status, redirect.fields.get("location")?.replace(/^http:\/\/[^/]*/, "")],
        [302, "/elsewhere"]);
    });

    test("sends a file that X-Accel-Redirect names", async () => {
      using connection = await proxy.connect();
      const { text, fields } = await connection.get("/download.php");
      assert.equal(text, pages["index.php"]);
      assert.match(fields.get("content-type") ?? "", /^text\/own/);
    });

    test("a page that is not buffered comes in pieces", async () => {
      using connection = await proxy.connect();
      const { blocks } = await connection.get("/unbuffered/slow.php");
      assert.ok((blocks.at(-1)?.atMs ?? 0) - (blocks[0]?.atMs ?? 0) > 150, JSON.stringify(blocks));
    });

    test("what it says on its error stream is logged, and the page is sent", async () => {
      using connection = await proxy.connect();
      assert.equal((await connection.get("/error.php")).text, "still answered");
      assert.equal((await connection.get("/broken.php")).status, 500);
      const line = /FastCGI sent in stderr: "PHP message: said/;
      await eventually("the line in the log", 5000, () => line.test(proxy.output));
    });

    test("a file that is not there is its 404, and HEAD has no body", async () => {
      using connection = await proxy.connect();
      const missing = await connection.get("/none.php");
      assert.deepEqual([missing.status, missing.text], [404, "File not found.\n"]);
      const { status, framing } = await connection.ask({ method: "HEAD", target: "/index.php" });
      assert.deepEqual({ status, framing }, { status: 200, framing: "none" });
      assert.equal((await connection.get("/index.php")).text, "hello world");
    });
  });
}
