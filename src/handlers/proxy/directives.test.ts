import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, innermost, readText, refusals, textIn } from "../../../tests/conf/blocks.ts";
import type { Block } from "../../config/nginx/block.ts";
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import {
  fastcgiRows, fastcgiSettings, grpcRows, grpcSettings, mirrorRows, mirrorSettings, passDirectives, passMistakes,
  proxyRows, proxySettings, uwsgiRows, uwsgiSettings,
} from "./directives.ts";
import type { FastCgiSettings, ProxySettings, UwsgiSettings } from "./settings.ts";

const places = { prefix: "/usr/share/nginx/", directory: "/etc/nginx/" } as const;

function proxyOf(text: string): ProxySettings {
  return proxySettings(innermost(textIn("http", text), passDirectives), places);
}

function uwsgiOf(text: string): UwsgiSettings {
  return uwsgiSettings(innermost(textIn("http", text), passDirectives), places);
}

function fastcgiOf(text: string): FastCgiSettings {
  return fastcgiSettings(innermost(textIn("http", text), passDirectives), places);
}

function refused(text: string): readonly string[] {
  return refusals(textIn("location", text), passDirectives);
}

function literal(text: string): ComplexValue {
  return [{ kind: "literal", text }];
}

function variable(name: string): ComplexValue {
  return [{ kind: "variable", name }];
}

const accel = [
  "x-accel-redirect", "x-accel-expires", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset",
];

/** What all three say by default. */
const shared = {
  interceptErrors: false, ignoreHeaders: [], buffering: true, requestBuffering: true,
  maxTempFileSize: 1_073_741_824, connectTimeoutMs: 60_000, sendTimeoutMs: 60_000, readTimeoutMs: 60_000,
  bufferSize: 16_384, socketKeepalive: false, bind: undefined, nextUpstream: ["error", "timeout"], nextUpstreamTries: 0,
  nextUpstreamTimeoutMs: 0, limitRate: undefined, ignoreClientAbort: false, forceRanges: false,
  passRequestHeaders: true, passRequestBody: true, store: "off", storeAccess: 0o600,
};

const tls = {
  name: undefined, serverName: false, verify: false, verifyDepth: 1, trustedCertificate: undefined, crl: undefined,
  certificate: undefined, certificateKey: undefined, passwordFile: undefined, protocols: ["TLSv1.2", "TLSv1.3"],
  ciphers: "DEFAULT", sessionReuse: true,
};

describe("the directives of proxying", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(passDirectives), []);
  });

  test("may stand where nginx's reference says, but for one that nginx itself takes elsewhere", () => {
    assert.deepEqual(contextMistakes(passDirectives), [
      "fastcgi_split_path_info of ngx_http_fastcgi_module: location is not http, location, server",
    ]);
  });

  test("either make settings or say why they do nothing", () => {
    const active = new Set([...proxyRows, ...grpcRows, ...uwsgiRows, ...fastcgiRows, ...mirrorRows]);
    const rest = passDirectives.filter((row) => !active.has(row) && !row.name.endsWith("_pass"));
    assert.ok(rest.length > 0 && rest.every(({ withoutEffect }) => withoutEffect !== undefined));
    assert.ok([...active].every(({ withoutEffect }) => withoutEffect === undefined));
    const { withoutEffect } = readText(textIn("http", "proxy_buffers 8 16k; proxy_buffer_size 16k;"), passDirectives);
    assert.deepEqual(withoutEffect.map(({ row }) => row.name), ["proxy_buffers"]);
  });

  test("have the defaults of the newest nginx, but for a larger head", () => {
    const date = ["date", "server", "x-pad"];
    assert.deepEqual(proxyOf(""), {
      ...shared, hideHeaders: [...date, ...accel], httpVersion: 1, setHeaders: [], setBody: undefined,
      method: undefined, redirects: ["default"], cookieDomains: [], cookiePaths: [], cookieFlags: [], tls,
    });
    assert.deepEqual(uwsgiOf(""), {
      ...shared, hideHeaders: ["status", ...accel], params: [], modifier1: 0, modifier2: 0, tls,
    });
    assert.deepEqual(fastcgiOf(""), {
      ...shared, hideHeaders: ["status", ...accel], params: [], index: "", splitPathInfo: undefined, catchStderr: [],
      keepConn: false,
    });
  });

  test("are taken from the nearest block around, lists as a whole", () => {
    const text = `proxy_read_timeout 1s; proxy_set_header A a; proxy_hide_header X; proxy_redirect off;
      server { proxy_set_header B $host; proxy_set_header C ""; proxy_connect_timeout 2s;
        location / { proxy_pass_header Server; proxy_redirect a b; proxy_redirect default; } }`;
    const settings = proxyOf(text);
    assert.deepEqual([settings.readTimeoutMs, settings.connectTimeoutMs], [1000, 2000]);
    assert.deepEqual(settings.setHeaders, [{ name: "B", value: variable("host") }, { name: "C", value: [] }]);
    assert.deepEqual(settings.hideHeaders, ["date", "x-pad", ...accel, "x"]);
    const replacement = { searched: { kind: "text", text: literal("a") }, replacement: literal("b") };
    assert.deepEqual(settings.redirects, [replacement, "default"]);
    assert.deepEqual(proxyOf("proxy_redirect off;").redirects, []);
  });
});

describe("what proxying has in common", () => {
  test("is read as nginx does", () => {
    const text = `proxy_next_upstream http_502 non_idempotent timeout http_502; proxy_buffering FORCE;
      proxy_store_access user:r group:rw all:r; proxy_limit_rate 8k; proxy_bind 127.0.0.2:1024 transparent;
      proxy_buffer_size 2m; proxy_ignore_headers Expires VARY; proxy_store data$uri; proxy_request_buffering off;`;
    const settings = proxyOf(text);
    assert.deepEqual(settings.nextUpstream, ["http_502", "non_idempotent", "timeout"]);
    assert.equal(settings.buffering, "force");
    assert.equal(settings.storeAccess, 0o664);
    assert.deepEqual([settings.limitRate, settings.bind], [literal("8k"), literal("127.0.0.2:1024")]);
    assert.equal(settings.bufferSize, 1_048_576);
    assert.deepEqual(settings.ignoreHeaders, ["expires", "vary"]);
    assert.deepEqual(settings.store, [...literal("/usr/share/nginx/data"), ...variable("uri")]);
    assert.equal(settings.requestBuffering, false);
    assert.deepEqual(proxyOf("proxy_next_upstream error off;").nextUpstream, []);
    assert.deepEqual(proxyOf("proxy_next_upstream updating denied Error;").nextUpstream, ["error"]);
    assert.equal(proxyOf("proxy_limit_rate 0k;").limitRate, undefined);
    assert.deepEqual(proxyOf("proxy_store $root/x;").store, [...variable("root"), ...literal("/x")]);
    assert.equal(proxyOf("proxy_store on;").store, "on");
    assert.equal(proxyOf("proxy_bind off;").bind, undefined);
    assert.deepEqual(proxyOf("proxy_bind $remote_addr;").bind, variable("remote_addr"));
  });

  // What the nginx of Debian 12 says.
  test("is refused in nginx's words, by each name", () => {
    for (const prefix of ["proxy", "uwsgi", "fastcgi"]) {
      for (const [rest, nginx] of [
        ["read_timeout x", `"${prefix}_read_timeout" directive invalid value`],
        ["buffer_size 1g", `"${prefix}_buffer_size" directive invalid value`],
        ["buffering x", `invalid value "x" in "${prefix}_buffering" directive, it must be "on" or "off"`],
        ["buffers 1 8k", `there must be at least 2 "${prefix}_buffers"`],
        ["buffers x 8k", `"${prefix}_buffers" directive invalid value`],
        ["temp_path a x", `"${prefix}_temp_path" directive invalid value`],
        ["next_upstream x", 'invalid value "x"'],
        ["next_upstream_tries x", `"${prefix}_next_upstream_tries" directive invalid number`],
        ["limit_rate x", `"${prefix}_limit_rate" directive invalid value`],
        ["bind x", 'invalid address "x"'],
        ["bind unix:/x", 'invalid address "unix:/x"'],
        ["bind off transparent", 'invalid address "off"'],
        ["bind 127.0.0.1 x", 'invalid parameter "x"'],
        ["store_access all:rwx", 'invalid value "all:rwx"'],
        ["ignore_headers Server", 'invalid value "Server"'],
        ["store \"\"", 'invalid value ""'],
      ] as const) assert.deepEqual(refused(`${prefix}_${rest};`), [nginx], `${prefix}_${rest}`);
    }
    assert.deepEqual(refused("uwsgi_next_upstream http_502;"), ['invalid value "http_502"']);
    assert.deepEqual(refused("uwsgi_send_lowat 1;"), ['unknown directive "uwsgi_send_lowat"']);
  });
});

describe("proxy_pass", () => {
  // What the nginx of Debian 12 says, but for the last, whose host it looks up.
  test("is refused in nginx's words", () => {
    for (const [url, nginx] of [
      ["x", "invalid URL prefix"], ["ftp://a", "invalid URL prefix"], ["http://", 'no host in upstream ""'],
      ["http:///x", 'no host in upstream "/x"'], ["http://a:99999/x", 'invalid port in upstream "a:99999/x"'],
      ["http://a:", 'invalid port in upstream "a:"'], ["http://[::1", 'invalid host in upstream "[::1"'],
      ["http://unix:", 'no path in the unix domain socket in upstream "unix:"'],
      ["http://$", "invalid variable name"], ["http://user@a", 'host not found in upstream "user@a"'],
    ] as const) assert.deepEqual(refused(`proxy_pass ${url};`), [nginx], url);
    const sound = [
      "http://a", "HTTPS://a/", "http://[::1]:80/x", "http://unix:/run/a", "http://unix:/run/a:/x", "$a", "http://$b",
      "http://a?b",
    ];
    for (const url of sound) assert.deepEqual(refused(`proxy_pass ${url};`), [], url);
  });

  test("speaks HTTP/1.0, 1.1 or 2", () => {
    for (const [word, version] of [["1.0", 0], ["1.1", 1], ["2", 2]] as const) {
      assert.equal(proxyOf(`proxy_http_version ${word};`).httpVersion, version);
    }
    assert.deepEqual(refused("proxy_http_version 3;"), ['invalid value "3"']);
  });

  test("sends fields whose names are names", () => {
    for (const name of ['""', '"a b"', '"A:"', '"A\nB"']) {
      assert.match(refused(`proxy_set_header ${name} x;`).join(), /^invalid field name /, name);
    }
  });
});

describe("replacements in responses", () => {
  test("are texts with variables, or expressions", () => {
    const { redirects, cookiePaths, cookieDomains } = proxyOf(`proxy_redirect ~*^http://([^/]+)/(.*)$ /$1/$2;
      proxy_redirect http://$host/ /; proxy_cookie_path ~^/a /b; proxy_cookie_domain .localhost example.org;
      proxy_cookie_domain ~A\\.b $host;`);
    const [first, second] = redirects;
    assert.ok(first !== "default" && first?.searched.kind === "regex");
    assert.deepEqual([first.searched.pattern.source, first.searched.pattern.caseless], ["^http://([^/]+)/(.*)$", true]);
    const url = [...literal("http://"), ...variable("host"), ...literal("/")];
    assert.deepEqual(second, { searched: { kind: "text", text: url }, replacement: literal("/") });
    const [path] = cookiePaths;
    assert.ok(path?.searched.kind === "regex" && !path.searched.pattern.caseless);
    const [domain, other] = cookieDomains;
    assert.deepEqual(domain, {
      searched: { kind: "text", text: literal("localhost") }, replacement: literal("example.org"),
    });
    assert.ok(other?.searched.kind === "regex" && other.searched.pattern.caseless);
  });

  test("are flags of cookies", () => {
    const { cookieFlags } = proxyOf(`proxy_cookie_flags one Secure samesite=$arg_s;
      proxy_cookie_flags ~^t nohttponly;`);
    const [one, other] = cookieFlags;
    assert.deepEqual(one, {
      cookie: { kind: "text", text: literal("one") },
      flags: [literal("Secure"), [...literal("samesite="), ...variable("arg_s")]],
    });
    assert.ok(other?.cookie.kind === "regex");
    assert.deepEqual(refused("proxy_cookie_flags a sekure;"), ['invalid parameter "sekure"']);
    assert.deepEqual(refused("proxy_cookie_flags a secure secure secure;"), []);
    assert.match(refused("proxy_cookie_flags a secure secure secure secure;").join(), /^invalid number of arguments/);
  });

  test("are refused in nginx's words", () => {
    for (const name of ["proxy_redirect", "proxy_cookie_path", "proxy_cookie_domain", "proxy_cookie_flags"]) {
      assert.deepEqual(refused(`${name} x;`), ['invalid parameter "x"']);
      assert.match(refused(`${name} ~( x;`).join(), /^pcre2_compile\(\) failed: missing closing parenthesis/);
    }
    assert.deepEqual(refused("proxy_cookie_path default;"), ['invalid parameter "default"']);
  });
});

describe("grpc_pass", () => {
  const grpcOf = (text: string): ProxySettings =>
    grpcSettings(innermost(textIn("http", text), passDirectives), places);

  test("is HTTP/2 whose bodies flow as they come, with what nginx's module says", () => {
    assert.deepEqual(grpcOf(""), {
      ...shared, hideHeaders: ["date", "server", ...accel], buffering: false, requestBuffering: false, httpVersion: 2,
      setHeaders: [], setBody: undefined, method: undefined, redirects: [], cookieDomains: [], cookiePaths: [],
      cookieFlags: [], tls,
    });
    const settings = grpcOf("grpc_set_header A b; grpc_read_timeout 1s; grpc_ssl_server_name on;");
    assert.deepEqual(settings.setHeaders, [{ name: "A", value: literal("b") }]);
    assert.deepEqual([settings.readTimeoutMs, settings.tls.serverName], [1000, true]);
  });

  test("takes addresses with a scheme or without, and only with a port or of an upstream", () => {
    for (const address of ["grpc://127.0.0.1:1", "grpcs://[::1]:1", "localhost:1", "unix:/a", "$somewhere"]) {
      assert.deepEqual(refused(`grpc_pass ${address};`), [], address);
    }
    assert.deepEqual(refused("grpc_pass grpc://127.0.0.1:99999;"), ['invalid port in upstream "127.0.0.1:99999"']);
  });
});

describe("TLS to upstreams", () => {
  test("has files that begin at the configuration's directory", () => {
    const { tls: said } = proxyOf(`proxy_ssl_certificate a.pem; proxy_ssl_certificate_key /b.pem; proxy_ssl_crl crl;
      proxy_ssl_trusted_certificate ca.pem; proxy_ssl_password_file pw; proxy_ssl_protocols tlsv1.3 TLSv1.3 TLSv1;
      proxy_ssl_name $host; proxy_ssl_server_name on; proxy_ssl_verify on; proxy_ssl_verify_depth 2;`);
    assert.deepEqual(said, {
      ...tls, certificate: literal("/etc/nginx/a.pem"), certificateKey: literal("/b.pem"), crl: "/etc/nginx/crl",
      trustedCertificate: "/etc/nginx/ca.pem", passwordFile: "/etc/nginx/pw", protocols: ["TLSv1.3", "TLSv1"],
      name: variable("host"), serverName: true, verify: true, verifyDepth: 2,
    });
    assert.equal(proxyOf('proxy_ssl_certificate a; server { proxy_ssl_certificate ""; }').tls.certificate, undefined);
  });

  test("is refused in nginx's words", () => {
    assert.deepEqual(refused("proxy_ssl_protocols TLSv2;"), ['invalid value "TLSv2"']);
    assert.deepEqual(refused("uwsgi_ssl_verify_depth x;"), ['"uwsgi_ssl_verify_depth" directive invalid number']);
    assert.deepEqual(refused("proxy_ssl_verify_depth 101;"), ["value must be between 0 and 100"]);
    assert.deepEqual(refused("fastcgi_ssl_verify on;"), ['unknown directive "fastcgi_ssl_verify"']);
  });
});

describe("uwsgi and FastCGI", () => {
  test("have parameters, several of one name, too", () => {
    const params = (prefix: string): string =>
      `${prefix}_param A $host; ${prefix}_param A b if_not_empty; ${prefix}_param HTTP_X "";`;
    const wanted = [
      { name: "A", value: variable("host"), ifNotEmpty: false }, { name: "A", value: literal("b"), ifNotEmpty: true },
      { name: "HTTP_X", value: [], ifNotEmpty: false },
    ];
    assert.deepEqual(uwsgiOf(params("uwsgi")).params, wanted);
    assert.deepEqual(fastcgiOf(params("fastcgi")).params, wanted);
    assert.deepEqual(refused("uwsgi_param A b c;"), ['invalid parameter "c"']);
  });

  test("have what is their own", () => {
    const uwsgi = uwsgiOf("uwsgi_modifier1 9; uwsgi_modifier2 255;");
    assert.deepEqual([uwsgi.modifier1, uwsgi.modifier2], [9, 255]);
    const fastcgi = fastcgiOf(`fastcgi_index index.php; fastcgi_split_path_info ^(.+\\.php)(/.*)$; fastcgi_keep_conn on;
      fastcgi_catch_stderr a; fastcgi_catch_stderr b;`);
    assert.deepEqual([fastcgi.index, fastcgi.splitPathInfo?.source, fastcgi.keepConn, fastcgi.catchStderr],
      ["index.php", "^(.+\\.php)(/.*)$", true, ["a", "b"]]);
  });

  test("are refused in nginx's words", () => {
    assert.deepEqual(refused("uwsgi_modifier1 256;"), ["value must be between 0 and 255"]);
    assert.deepEqual(refused("fastcgi_split_path_info (a)(b)(c);"), ['pattern "(a)(b)(c)" must have 2 captures']);
    for (const [text, nginx] of [
      ["uwsgi_pass a:x", 'invalid port in upstream "a:x"'],
      ["uwsgi_pass http://a:1", 'invalid host in upstream "http://a:1"'],
      ["uwsgi_pass uwsgi://", 'no host in upstream ""'],
      ["fastcgi_pass fastcgi://a:1", 'invalid host in upstream "fastcgi://a:1"'],
      ["fastcgi_pass \"\"", 'no host in upstream ""'],
      ["fastcgi_pass $", "invalid variable name"],
    ] as const) assert.deepEqual(refused(`${text};`), [nginx], text);
    assert.deepEqual(refused("uwsgi_pass suwsgi://a:1;"), []);
  });
});

test("mirror has paths, or is off", () => {
  const mirrorOf = (text: string): unknown => mirrorSettings(innermost(textIn("http", text), passDirectives));
  assert.deepEqual(mirrorOf("mirror /a; mirror /b;"), { uris: ["/a", "/b"], requestBody: true });
  assert.deepEqual(mirrorOf("mirror /a; server { mirror off; mirror_request_body off; }"), {
    uris: [], requestBody: false,
  });
});

describe("directives of proxying together", () => {
  const missing = "/etc/nginx/none";

  function wrong(text: string): readonly string[] {
    const { block, mistakes } = readText(textIn("location", text), passDirectives);
    assert.deepEqual(mistakes, []);
    const http: Block | undefined = block.directives[0]?.block;
    assert.ok(http !== undefined);
    const found = passMistakes(http, {
      ...places, upstreams: new Set(["u"]), kindOf: (path) => (path === missing ? undefined : "file"),
      isPath: ({ row, directive }) => row.name === "location" && directive.args[0]?.value === "/",
    });
    return found.map(({ severity = "error", nginx }) => `${severity}: ${nginx}`);
  }

  test("have a URI only where it can take a path's place", () => {
    const uri = /^error: "proxy_pass" cannot have URI part in location given by regular expression, or inside named/;
    assert.deepEqual(wrong("proxy_pass http://u/x;"), []);
    for (const text of [
      "if ($a) { proxy_pass http://u/; }", "limit_except GET { proxy_pass http://u/x; }",
      "location @a { proxy_pass http://u?x; }",
    ]) assert.match(wrong(text).join(), uri, text);
    assert.deepEqual(wrong("if ($a) { proxy_pass http://u; } limit_except GET { proxy_pass http://u/$uri; }"), []);
  });

  test("have ports where they must be, and nowhere else", () => {
    assert.deepEqual(wrong("proxy_pass http://U:80;"), ['error: upstream "U" may not have port 80']);
    assert.deepEqual(wrong("fastcgi_pass u:1;"), ['error: upstream "u" may not have port 1']);
    assert.deepEqual(wrong("uwsgi_pass 127.0.0.1;"), ['error: no port in upstream "127.0.0.1"']);
    for (const pass of ["uwsgi_pass 9000;", "uwsgi_pass suwsgi://9000;", "fastcgi_pass 9000;"]) {
      assert.deepEqual(wrong(pass), ['error: no port in upstream "9000"'], pass);
    }
    assert.deepEqual(wrong("uwsgi_pass u; fastcgi_pass $host; proxy_pass http://v:80;"), []);
  });

  test("say off alone, and default behind proxy_pass", () => {
    for (const name of ["proxy_redirect", "proxy_cookie_path", "proxy_cookie_domain"]) {
      assert.deepEqual(wrong(`${name} a b; ${name} off;`), [`error: "${name}" directive is duplicate`]);
      assert.deepEqual(wrong(`${name} off; ${name} a b;`), [`error: "${name}" directive is duplicate`]);
      assert.deepEqual(wrong(`${name} a b; ${name} a b;`), []);
    }
    assert.deepEqual(wrong("proxy_cookie_flags off; proxy_cookie_flags a secure;"), [
      'error: "proxy_cookie_flags" directive is duplicate',
    ]);
    assert.deepEqual(wrong("mirror off; mirror /a;"), ['error: "mirror" directive is duplicate']);
    assert.deepEqual(wrong("proxy_redirect default; proxy_pass http://u;"), [
      'error: "proxy_redirect default" should be placed after the "proxy_pass" directive',
    ]);
    assert.deepEqual(wrong("proxy_pass http://$host; proxy_redirect default;"), [
      'error: "proxy_redirect default" cannot be used with "proxy_pass" directive with variables',
    ]);
    assert.deepEqual(wrong("proxy_pass http://u; proxy_redirect default; proxy_redirect a b;"), []);
  });

  test("name words of a set once, or are warned of", () => {
    assert.deepEqual(wrong("proxy_next_upstream error error; uwsgi_ignore_headers Vary; uwsgi_ignore_headers vary;"), [
      'warning: duplicate value "error"', 'warning: duplicate value "vary"',
    ]);
    assert.deepEqual(wrong("fastcgi_bind 127.0.0.1 transparent;"), [
      "warning: transparent proxying is not supported on this platform, ignored",
    ]);
  });

  test("have what TLS needs, where it is spoken or may be", () => {
    const key = 'error: no "proxy_ssl_certificate_key" is defined for certificate "/a$host"';
    assert.deepEqual(wrong("proxy_pass https://u; proxy_ssl_certificate /a$host;"), [key]);
    assert.deepEqual(wrong("proxy_pass http://$host; proxy_ssl_certificate /a$host;"), [key]);
    assert.deepEqual(wrong("proxy_pass http://u; proxy_ssl_certificate /a; proxy_ssl_verify on;"), []);
    assert.deepEqual(wrong("proxy_pass https://u; proxy_ssl_verify on;"), [
      "error: no proxy_ssl_trusted_certificate for proxy_ssl_verify",
    ]);
    assert.match(wrong("uwsgi_pass suwsgi://u; uwsgi_ssl_verify on; uwsgi_ssl_trusted_certificate none;").join(),
      /^error: SSL_CTX_load_verify_locations\("\/etc\/nginx\/none"\) failed/);
    assert.match(wrong("proxy_pass https://u; proxy_ssl_certificate none; proxy_ssl_certificate_key k;").join(),
      /^error: cannot load certificate "\/etc\/nginx\/none": BIO_new_file\(\) failed/);
    assert.match(wrong("proxy_pass https://u; proxy_ssl_certificate a; proxy_ssl_certificate_key none;").join(),
      /^error: cannot load certificate key "\/etc\/nginx\/none"/);
    assert.match(wrong("proxy_pass https://u; proxy_ssl_ciphers nonsense;").join(),
      /^error: SSL_CTX_set_cipher_list\("nonsense"\) failed/);
    assert.deepEqual(wrong("proxy_ssl_password_file none;"), [
      'error: open() "/etc/nginx/none" failed (2: No such file or directory)',
    ]);
    assert.deepEqual(wrong("proxy_pass https://u; proxy_ssl_ciphers HIGH:!aNULL; proxy_ssl_password_file x;"), []);
  });
});
