import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, readText, refusals, textIn } from "../../tests/conf/blocks.ts";
import { serverNameRow, serverRow } from "../route/directives.ts";
import { read } from "../config/nginx/block.ts";
import { type AcmeConfiguration, acmeConfiguration, acmeDirectives } from "./directives.ts";
import type { IssuerSettings } from "./settings.ts";

const rows = [...acmeDirectives, serverRow, serverNameRow];
const LETSENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

/** What an http block says. @param files that are there */
function configurationOf(text: string, files: readonly string[] = []): AcmeConfiguration {
  const { block, mistakes } = readText(textIn("http", text), rows);
  assert.deepEqual(mistakes, []);
  const http = block.directives.at(-1)?.block;
  assert.ok(http !== undefined);
  const servers = http.own(serverRow).flatMap(({ block: server }) => {
    if (server === undefined) return [];
    const written = server.own(serverNameRow);
    const names = written.flatMap(({ directive }) => read(serverNameRow, directive));
    return [{ block: server, at: written[0], names }];
  });
  const kindOf = (path: string): "file" | undefined => (files.includes(path) ? "file" : undefined);
  return acmeConfiguration(http, servers, { prefix: "/srv/", directory: "/etc/nginx/", kindOf });
}

/** "error: …" */
function wrong(text: string, files: readonly string[] = []): readonly string[] {
  return configurationOf(text, files).mistakes.map(({ severity = "error", nginx }) => `${severity}: ${nginx}`);
}

function idsOf(text: string): readonly string[] {
  const { settings, mistakes } = configurationOf(text);
  assert.deepEqual(mistakes, []);
  return settings?.certificates.map(({ id }) => id) ?? [];
}

function issuerOf(text: string, name: string = "mine"): IssuerSettings {
  const certificate = `server { server_name site.org; acme ${name}; }`;
  const { settings, mistakes } = configurationOf(`${text} ${certificate}`, ["/etc/nginx/key.pem", "/etc/nginx/ca.pem"]);
  assert.deepEqual(mistakes, []);
  const [issuer] = settings?.issuers ?? [];
  assert.ok(issuer !== undefined);
  return issuer;
}

describe("the directives of certificates", () => {
  test("have examples and defaults that are accepted wherever they may stand", () => {
    assert.deepEqual(exampleMistakes(acmeDirectives), []);
  });

  test("may stand where nginx's reference says", () => {
    assert.deepEqual(contextMistakes(acmeDirectives), []);
  });

  test("say nothing where nobody turns them on", () => {
    const { settings, servers } = configurationOf("acme_email a@site.org; server { server_name site.org; }");
    assert.deepEqual([settings, servers], [undefined, [undefined]]);
  });

  test("get a certificate for each name of a server from Let's Encrypt", () => {
    const { settings, servers } = configurationOf("acme on; server { server_name site.org www.Site.org; }");
    assert.deepEqual(settings, {
      issuers: [{
        name: "letsencrypt", uri: LETSENCRYPT, isPublic: true, contacts: [],
        accountKey: { kind: "made", type: "ecdsa:256" }, externalAccount: undefined, acceptsTerms: true,
        challenges: undefined, profile: undefined, preferredChain: undefined, commonNameInCsr: false,
        trustedCertificate: undefined, verify: true, statePath: "/srv/acme/letsencrypt",
      }],
      certificates: ["site.org", "www.site.org"].map((name) => ({
        id: `ecdsa:256 letsencrypt ${name}`, names: [name], keyType: "ecdsa:256", issuers: ["letsencrypt"],
        challenges: ["http-01", "tls-alpn-01"], profile: undefined,
      })),
      onDemand: [],
      statePath: "/srv/acme",
      authorityPath: undefined,
    });
    assert.deepEqual(servers, [{
      certificates: ["ecdsa:256 letsencrypt site.org", "ecdsa:256 letsencrypt www.site.org"], onDemand: undefined,
    }]);
  });

  test("get one certificate for two servers of one name", () => {
    assert.deepEqual(
      idsOf("acme on; server { server_name site.org; } server { server_name site.org; }"),
      ["ecdsa:256 letsencrypt site.org"],
    );
  });

  test("are turned off for a server, and on for another", () => {
    assert.deepEqual(idsOf("acme on; server { server_name a.org; acme off; } server { server_name b.org; }"),
      ["ecdsa:256 letsencrypt b.org"]);
    assert.deepEqual(idsOf("server { server_name a.org; acme staging; } server { server_name b.org; }"),
      ["ecdsa:256 letsencrypt-staging a.org"]);
  });

  test("take keys, challenges, profiles and several issuers as they say", () => {
    const { settings, mistakes } = configurationOf("acme_issuer own { uri https://ca.site.org/dir; } acme on own; "
      + "acme_state_path /var/acme; acme_email me@site.org; "
      + "server { server_name a.org; acme_key_type ecdsa:384 rsa; acme_challenge tls-alpn; "
      + "acme_profile short require; }");
    assert.deepEqual(mistakes, []);
    assert.deepEqual(settings?.certificates.map(({ id, challenges, profile }) => [id, challenges, profile]), [
      ["ecdsa:384 letsencrypt+own short a.org", ["tls-alpn-01"], { name: "short", isRequired: true }],
      ["rsa:2048 letsencrypt+own short a.org", ["tls-alpn-01"], { name: "short", isRequired: true }],
    ]);
    const issuers = settings?.issuers.map(({ name, statePath, contacts, isPublic }) =>
      [name, statePath, contacts, isPublic]);
    assert.deepEqual(issuers, [
      ["letsencrypt", "/var/acme/letsencrypt", ["mailto:me@site.org"], true],
      ["own", "/var/acme/own", ["mailto:me@site.org"], false],
    ]);
  });

  test("warn of names that can have none, and get those of the others", () => {
    const text = "acme on; server { server_name site.org *.site.org localhost 192.0.2.7 _ ~^x; }";
    assert.deepEqual(wrong(text).map((line) => line.slice(0, 60)), [
      'warning: no certificate for "*.site.org": it is a wildcard, which takes a ch'.slice(0, 60),
      'warning: no certificate for "localhost": it is a name of private networks'.slice(0, 60),
      'warning: no certificate for "192.0.2.7": it is an address: certificates are'.slice(0, 60),
    ]);
    assert.deepEqual(configurationOf(text).settings?.certificates.map(({ names }) => names), [["site.org"]]);
  });

  test("take the name itself of .site.org", () => {
    const { settings } = configurationOf("acme on; server { server_name .site.org; }");
    assert.deepEqual(settings?.certificates.map(({ names }) => names), [["site.org"]]);
  });

  test("take names of private networks from an issuer of one's own", () => {
    assert.deepEqual(
      idsOf("acme_issuer own { uri https://ca.internal/dir; } server { server_name wiki.internal; acme own; }"),
      ["ecdsa:256 own wiki.internal"],
    );
  });

  test("refuse to be on in a server without a name, and are silent where that is inherited", () => {
    assert.deepEqual(wrong("server { acme on; }"), ['error: "acme" without a name to have a certificate for']);
    assert.deepEqual(wrong("acme on; server { server_name _; }"), []);
  });

  test("refuse issuers that nobody knows, and those that lack an account", () => {
    assert.deepEqual(wrong("server { server_name a.org; acme letsencript; }"),
      ['error: issuer "letsencript" is missing']);
    assert.deepEqual(wrong("server { server_name a.org; acme zerossl; }"),
      ['error: issuer "zerossl" requires "external_account_key"']);
    assert.deepEqual(idsOf("acme_issuer zerossl { external_account_key k data:c2VjcmV0; } "
      + "server { server_name a.org; acme on zerossl; }"), ["ecdsa:256 letsencrypt+zerossl a.org"]);
    assert.deepEqual(refusals(textIn("http", "acme on off;"), rows), ['invalid parameter "off"']);
    assert.deepEqual(refusals(textIn("http", "acme on letsencrypt;"), rows), ['invalid parameter "letsencrypt"']);
  });

  test("get certificates on demand where a URL allows names", () => {
    const text = "acme on; server { server_name *.site.org; "
      + "acme_on_demand ask=http://127.0.0.1:8000/ok asks=5 orders=2 names=9; }";
    const { settings, servers, mistakes } = configurationOf(text);
    assert.deepEqual(mistakes, []);
    const id = "ecdsa:256 letsencrypt * http://127.0.0.1:8000/ok";
    assert.deepEqual(settings?.onDemand, [{
      id, ask: "http://127.0.0.1:8000/ok", asksPerMinute: 5, ordersPerMinute: 2, namesMax: 9, keyType: "ecdsa:256",
      issuers: ["letsencrypt"], challenges: ["http-01", "tls-alpn-01"], profile: undefined,
    }]);
    assert.deepEqual(servers, [{ certificates: [], onDemand: id }]);
    assert.deepEqual(wrong("server { server_name a.org; acme_on_demand ask=http://a/; }"),
      ['error: "acme_on_demand" requires "acme"']);
    for (const words of ["on", "ask=ftp://a/", "orders=0 ask=http://a/", "names=100001", "asks=10001"]) {
      assert.equal(refusals(textIn("http", `acme_on_demand ${words};`), rows).length, 1, words);
    }
    assert.deepEqual(refusals(textIn("http", "acme_on_demand asks=1;"), rows), ['"ask" is missing']);
  });
});

describe("nginx's directives of certificates", () => {
  test("describe an issuer", () => {
    const text = "acme_issuer mine { uri https://ca.site.org/dir; contact a@b.org; contact https://b.org/x; "
      + "account_key key.pem; state_path acme/mine; accept_terms_of_service; challenge tls-alpn-01; profile tlsserver; "
      + "external_account_key kid data:aGk; ssl_trusted_certificate ca.pem; ssl_verify off; "
      + 'preferred_chain "Root X"; common_name_in_csr on; }';
    assert.deepEqual(issuerOf(text), {
      name: "mine", uri: "https://ca.site.org/dir", isPublic: false, contacts: ["mailto:a@b.org", "https://b.org/x"],
      accountKey: { kind: "file", path: "/etc/nginx/key.pem" },
      externalAccount: { kid: "kid", key: { kind: "data", key: "aGk" } }, acceptsTerms: true,
      challenges: ["tls-alpn-01"], profile: { name: "tlsserver", isRequired: false }, preferredChain: "Root X",
      commonNameInCsr: true, trustedCertificate: "/etc/nginx/ca.pem", verify: false, statePath: "/srv/acme/mine",
    });
  });

  test("have defaults for an issuer, and a known name needs no uri", () => {
    const { acceptsTerms, challenges, accountKey, statePath } = issuerOf("acme_issuer mine { uri https://a.org/; }");
    assert.deepEqual([acceptsTerms, challenges, accountKey, statePath],
      [false, undefined, { kind: "made", type: "ecdsa:256" }, "/srv/acme/mine"]);
    const known = issuerOf("acme_issuer letsencrypt { state_path off; account_key rsa:4096; }", "letsencrypt");
    assert.deepEqual([known.uri, known.isPublic, known.statePath, known.accountKey],
      [LETSENCRYPT, true, undefined, { kind: "made", type: "rsa:4096" }]);
  });

  test("order one certificate for the names that are written, or for those of the server", () => {
    const text = "acme_issuer mine { uri https://a.org/; } server { server_name .site.org www.site.org; ";
    assert.deepEqual(idsOf(`${text} acme_certificate mine A.org b.org key=rsa:3072; }`), ["rsa:3072 mine a.org,b.org"]);
    const { settings, mistakes } = configurationOf(`${text} acme_certificate mine; }`);
    assert.deepEqual(settings?.certificates.map(({ id }) => id), ["ecdsa:256 mine site.org,www.site.org"]);
    assert.deepEqual(mistakes.map(({ severity }) => severity), ["warning"]);
  });

  test("refuse what is wrong in nginx's words", () => {
    const texts: Readonly<Record<string, string>> = {
      "acme_issuer mine { uri http://a.org/; }": 'invalid uri "http://a.org/"',
      "acme_issuer mine { account_key ecdsa:234; }": 'unsupported curve "234"',
      "acme_issuer mine { account_key rsa:1024; }": 'unsupported key size "1024"',
      "acme_issuer mine { challenge dns-01; }": 'unsupported challenge type "dns-01"',
      "acme_issuer mine { profile a b; }": 'invalid parameter "b"',
      "acme_issuer mine { contact nobody; }": 'invalid contact "nobody"',
      "acme_issuer ../mine { }": 'invalid issuer name "../mine"',
      "acme_shared_zone bad-value;": '"acme_shared_zone" must have "zone" parameter',
      "acme_shared_zone zone=test:bad-size;": 'invalid zone size "zone=test:bad-size"',
      "acme_shared_zone zone=test:4k;": 'zone "test" is too small',
      "acme_key_type dsa;": 'unsupported key type "dsa"',
      "server { acme_certificate mine a.org key=ed25519; }": 'unsupported key type "ed25519"',
    };
    for (const [text, said] of Object.entries(texts)) {
      assert.deepEqual(refusals(textIn("http", text), rows), [said], text);
    }
  });

  test("refuse issuers without uri, of one name, and files that are not there", () => {
    assert.deepEqual(wrong("acme_issuer mine { accept_terms_of_service; }"), ['error: "uri" is missing']);
    assert.deepEqual(wrong("acme_issuer a { uri https://a.org/; } acme_issuer a { uri https://b.org/; }"),
      ['error: duplicate acme_issuer "a"']);
    const files = "account_key no.key; external_account_key kid no.txt; ssl_trusted_certificate no.pem;";
    assert.deepEqual(wrong(`acme_issuer a { uri https://a.org/; ${files} }`), [
      'error: cannot load "/etc/nginx/no.key"', 'error: cannot load "/etc/nginx/no.txt"',
      'error: cannot load "/etc/nginx/no.pem"',
    ]);
    assert.deepEqual(wrong("server { server_name a.org; acme_certificate mine; }"),
      ['error: issuer "mine" is missing']);
  });

  test("refuse a certificate without names, with names that can have none, and with more than a hundred", () => {
    const issuer = "acme_issuer mine { uri https://a.org/; }";
    assert.deepEqual(wrong(`${issuer} server { server_name ~^x; acme_certificate mine; }`),
      ["error: no identifiers found in server_name"]);
    const [wildcard = ""] = wrong(`${issuer} server { acme_certificate mine *.a.org; }`);
    assert.match(wildcard, /^error: no certificate for "\*\.a\.org"/);
    const names = (count: number): string => Array.from({ length: count }, (_, index) => `n${index}.a.org`).join(" ");
    assert.deepEqual(wrong(`${issuer} server { acme_certificate mine ${names(101)}; }`),
      ["error: more than 100 identifiers"]);
    assert.deepEqual(wrong(`${issuer} server { acme_certificate mine ${names(100)}; }`), []);
  });
});
