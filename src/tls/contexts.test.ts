// Contexts of a thread: made of settings and the texts of their files.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, describe, test } from "node:test";
import { TLSSocket, connect, createServer } from "node:tls";
import { Certificates } from "../../tests/tls/site.ts";
import { Block } from "../config/nginx/block.ts";
import { tlsSettings } from "./directives.ts";
import { ACME_PROTOCOLS } from "./protocols.ts";
import { TlsContexts, type TlsSettings, randomTicketKey } from "./index.ts";

const certificates = new Certificates();
after(() => certificates[Symbol.dispose]());
const one = certificates.sign("one.test"), other = certificates.sign("other.test");
const plain = tlsSettings(new Block("server", undefined), "/etc/");

function settingsOf(parts: Partial<TlsSettings>): TlsSettings {
  return { ...plain, certificates: [{ certificate: "/c", key: "/k" }], ...parts };
}

function filesOf(pair: { readonly certificate: string; readonly key: string }): ReadonlyMap<string, string> {
  return new Map([["/c", readFileSync(pair.certificate, "latin1")], ["/k", readFileSync(pair.key, "latin1")]]);
}

describe("contexts", () => {
  const ticketKeys = [randomTicketKey()];

  test("are made once, and anew when files have changed; those of no use are kept as they were", () => {
    const contexts = new TlsContexts({ files: filesOf(one), ticketKeys }, new Map());
    const settings = settingsOf({});
    const first = contexts.of(settings);
    assert.ok(first.ok);
    assert.equal(contexts.of(settings), first);
    assert.deepEqual(contexts.renew({ files: filesOf(other), ticketKeys }), []);
    const second = contexts.of(settings);
    assert.notEqual(second, first);
    const broken = new Map([...filesOf(other), ["/k", readFileSync(one.key, "latin1")]]);
    const [problem] = contexts.renew({ files: broken, ticketKeys });
    assert.match(problem?.nginx ?? "", /^SSL_CTX_use_PrivateKey\("\/k"\) failed \(SSL: .*key values mismatch\)$/);
    assert.equal(contexts.of(settings), second);
  });

  test("say in nginx's words why there is none", () => {
    const files = filesOf(one);
    const refusal = (parts: Partial<TlsSettings>, more: readonly (readonly [string, string])[] = []): string => {
      const contexts = new TlsContexts({ files: new Map([...files, ...more]), ticketKeys }, new Map());
      const made = contexts.of(settingsOf(parts));
      return made.ok ? "" : made.error.nginx;
    };
    assert.equal(refusal({}), "");
    assert.match(refusal({}, [["/c", ""]]), /^cannot load certificate "\/c": PEM_read_bio_X509_AUX\(\) failed/);
    assert.match(refusal({}, [["/k", "x"]]), /^cannot load certificate key "\/k": PEM_read_bio_PrivateKey\(\) failed/);
    assert.match(refusal({ ciphers: "nonsense" }), /^SSL_CTX_set_cipher_list\("nonsense"\) failed .*no cipher match/);
    assert.match(refusal({ curves: "bogus" }), /^SSL_CTX_set1_curves_list\("bogus"\) failed/);
    assert.match(refusal({ clientCertificate: "/a" }), /^SSL_CTX_load_verify_locations\("\/a"\) failed/);
    assert.match(refusal({ crl: "/r" }, [["/r", "x"]]), /^X509_LOOKUP_load_file\("\/r"\) failed/);
    assert.match(refusal({ dhparam: "/d" }, [["/d", "x"]]), /failed \(SSL: /);
  });

  test("prove a name to an ACME server while it is to be proven", async () => {
    const contexts = new TlsContexts({ files: filesOf(one), ticketKeys }, new Map());
    const pair = { certificate: readFileSync(other.certificate, "latin1"), key: readFileSync(other.key, "latin1") };
    assert.equal(contexts.challenge("other.test"), undefined);
    assert.equal(contexts.setChallenge("other.test", pair, settingsOf({})), undefined);
    const context = contexts.challenge("other.test");
    assert.ok(context !== undefined);
    const server = createServer().listen(0, "127.0.0.1");
    server.removeAllListeners("connection");
    server.on("connection", (socket) => {
      new TLSSocket(socket, { isServer: true, secureContext: context.secure, ALPNProtocols: ACME_PROTOCOLS });
    });
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const client = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["acme-tls/1"] });
    await once(client, "secureConnect");
    assert.deepEqual([client.alpnProtocol, client.getPeerX509Certificate()?.subject], ["acme-tls/1", "CN=other.test"]);
    client.destroy();
    server.close();
    assert.equal(contexts.setChallenge("other.test", undefined, settingsOf({})), undefined);
    assert.equal(contexts.challenge("other.test"), undefined);
    assert.match(contexts.setChallenge("x.test", { ...pair, key: "" }, settingsOf({}))?.nginx ?? "", /^cannot load/);
  });
});
