// What sslyze (PyPI), which knows nothing of us, finds when it scans servers whose TLS is as it is by itself: measured
// against Mozilla's intermediate profile, 5.7 in the version that is pinned, and for the attacks that it tries.
//
// The certificates are the test's own, which sslyze trusts as it is told to (--certinfo_ca_file): they are what the
// profile asks for, so that not one finding has to be excused. Ordinary ones of the tests have no use of their keys in
// them, which sslyze calls certificate_path_validation. The profile's HSTS is a matter of the site's, not looked at.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireEnvironment } from "../../tools/needs.ts";
import { applications, pythonOf } from "../../tools/venv.ts";
import type { Certificate } from "../support/certificates.ts";
import { type Program, freePort } from "../support/program.ts";
import { Certificates, ask, pairOf, startTls } from "./site.ts";

const scanTimeoutMs = 50_000;
/** Of each kind, so many connections resume. */
const resumptions = "3";

/** The JSON of sslyze: what each of its commands has found, by the command's name. */
interface ScannedServer {
  readonly server_location: { readonly port: number };
  readonly scan_result: Readonly<Record<string, {
    readonly status: string;
    readonly result: unknown;
    /** Of Python, where it could not look. */
    readonly error_trace: string | null;
  }>>;
}

interface Scanned {
  /** What breaks the profile, as sslyze says it: `tls_curves: TLS curves {'X448'} are supported, …`. */
  readonly findings: readonly string[];
  readonly isCompliant: boolean;
  /** Names of those of its results that are no more than a yes or no, or a word. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Names of the cipher suites that were accepted, by version. */
  readonly suites: Readonly<Record<string, readonly string[]>>;
  readonly groups: readonly string[];
  /** Of the certificates' keys, their names. */
  readonly keys: readonly string[];
}

const versions = ["ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"] as const;
const suites13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

/** What is accepted in TLS 1.2, with a key of this kind. */
function suites12(kind: "ECDSA" | "RSA"): readonly string[] {
  return ["AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"]
    .map((name) => `TLS_ECDHE_${kind}_WITH_${name}`);
}

/** Attacks and weaknesses that sslyze looks for, and what it finds where there is none. */
const harmless: Readonly<Record<string, unknown>> = {
  supports_compression: false,
  supports_early_data: false,
  is_vulnerable_to_ccs_injection: false,
  supports_fallback_scsv: true,
  is_vulnerable_to_heartbleed: false,
  robot_result: "NOT_VULNERABLE_RSA_NOT_SUPPORTED",
  supports_secure_renegotiation: true,
  is_vulnerable_to_client_renegotiation_dos: false,
  client_renegotiations_success_count: 0,
  supports_ems_extension: true,
};

describe("sslyze", { skip: requireEnvironment(applications) }, () => {
  const certificates = new Certificates();
  const ports = { ecdsa: 0, rsa: 0, both: 0, weak: 0 };
  let program: Program;
  let scanned: ReadonlyMap<number, Scanned>;

  before(async () => {
    const { authority, ecdsa, rsa } = certificatesOfProfile(certificates.directory);
    const [first, second, third] = [await freePort(), await freePort(), await freePort()];
    const answer = "return 200 ok;";
    program = await startTls(`
      server { listen 127.0.0.1:%PORT% ssl; ${pairOf(ecdsa)} ${answer} }
      server { listen 127.0.0.1:${first} ssl; ${pairOf(rsa)} ${answer} }
      server {
        listen 127.0.0.1:${second} ssl; ${pairOf(ecdsa)} ${pairOf(rsa)} ${answer}
        ssl_session_cache shared:ids:1m;
      }
      server {
        listen 127.0.0.1:${third} ssl; ${pairOf(rsa)} ${answer}
        ssl_protocols TLSv1.1 TLSv1.2; ssl_ciphers AES128-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0;
        ssl_ecdh_curve X448:X25519:secp521r1;
        ssl_session_tickets off;
      }`);
    Object.assign(ports, { ecdsa: program.port, rsa: first, both: second, weak: third });
    scanned = await scan(Object.values(ports), authority.certificate, certificates.directory);
  });
  after(() => program.stop());
  after(() => certificates[Symbol.dispose]());

  const of = (name: keyof typeof ports): Scanned => {
    const found = scanned.get(ports[name]);
    assert.ok(found !== undefined, `${name} was scanned`);
    return found;
  };

  const servers = [
    ["an ECDSA certificate", "ecdsa", suites12("ECDSA"), ["EC"]],
    ["an RSA certificate of 2048 bits", "rsa", suites12("RSA"), ["RSA"]],
    ["both", "both", [...suites12("ECDSA"), ...suites12("RSA")], ["EC", "RSA"]],
  ] as const;
  for (const [what, name, expected, keys] of servers) {
    test(`finds nothing against Mozilla's intermediate profile in a server with ${what}`, () => {
      const { findings, isCompliant, suites, groups, keys: shown } = of(name);
      assert.deepEqual(findings, []);
      assert.equal(isCompliant, true);
      assert.deepEqual(suites, {
        ssl_2_0: [], ssl_3_0: [], tls_1_0: [], tls_1_1: [], tls_1_2: [...expected].sort(), tls_1_3: suites13,
      });
      assert.deepEqual(groups, ["X25519", "secp256r1", "secp384r1"]);
      assert.deepEqual(shown, keys);
    });

    test(`can attack a server with ${what} in none of its ways`, () => {
      const { facts } = of(name);
      const looked = Object.fromEntries(Object.keys(harmless).map((fact) => [fact, facts[fact]]));
      assert.deepEqual(looked, harmless);
    });
  }

  test("resumes sessions by tickets, and by ids where a cache keeps them", () => {
    const count = Number(resumptions);
    const resumed = (name: keyof typeof ports): readonly unknown[] => {
      const { facts } = of(name);
      return [facts["tls_ticket_successful_resumptions_count"], facts["session_id_successful_resumptions_count"]];
    };
    assert.deepEqual(resumed("ecdsa"), [count, 0]);
    assert.deepEqual(resumed("rsa"), [count, 0]);
    assert.deepEqual(resumed("both"), [count, count]);
    assert.deepEqual(resumed("weak"), [0, 0]);
  });

  test("would see it: a server that is told to be weak is found to be", () => {
    const { findings, isCompliant, facts } = of("weak");
    assert.equal(isCompliant, false);
    const broken = findings.map((finding) => finding.split(":")[0] ?? "");
    assert.deepEqual(broken.sort(), ["ciphers", "tls_curves", "tls_versions"]);
    assert.match(findings.join("\n"), /TLS_RSA_WITH_AES_128_CBC_SHA/);
    assert.match(findings.join("\n"), /TLSv1\.1/);
    assert.match(findings.join("\n"), /X448/);
    // RSA key exchange is there to be attacked, and tells nothing.
    assert.equal(facts["robot_result"], "NOT_VULNERABLE_NO_ORACLE");
  });

  // sslyze's own OpenSSL knows neither ML-KEM nor groups of finite fields in TLS 1.3.
  test("misses groups that node knows: the hybrid one is there, others are not", async () => {
    const refusalOf = async (ecdhCurve: string): Promise<string | undefined> =>
      (await ask({ port: ports.ecdsa, ecdhCurve, minVersion: "TLSv1.3" })).refusal;
    for (const group of ["X25519MLKEM768", "X25519", "P-256", "P-384"]) assert.equal(await refusalOf(group), undefined);
    for (const group of ["X448", "P-521", "SecP256r1MLKEM768", "ffdhe2048", "ffdhe3072"]) {
      assert.match(await refusalOf(group) ?? "", /HANDSHAKE_FAILURE/, group);
    }
  });
});

/** Scans all that it can. @returns what was found, by port */
async function scan(
  ports: readonly number[], authority: string, directory: string,
): Promise<ReadonlyMap<number, Scanned>> {
  const json = join(directory, "sslyze.json");
  const words = [
    "-m", "sslyze", "--mozilla_config=intermediate", "--certinfo_ca_file", authority, "--json_out", json,
    "--resum", "--resum_attempts", resumptions, "--early_data", ...ports.map((port) => `localhost:${port}{127.0.0.1}`),
  ];
  // It ends with 1 where something is found.
  const printed = await new Promise<string>((resolve) => {
    execFile(pythonOf(applications), words, { timeout: scanTimeoutMs, encoding: "utf8" },
      (_problem, stdout, stderr) => resolve(stdout + stderr));
  });
  const [, compliance] = printed.split("COMPLIANCE AGAINST TLS CONFIGURATION");
  assert.ok(compliance !== undefined, printed);
  const { server_scan_results: servers } = JSON.parse(readFileSync(json, "utf8")) as {
    readonly server_scan_results: readonly ScannedServer[];
  };
  return new Map(servers.map((server) => [server.server_location.port, read(server, compliance)]));
}

function read({ server_location: { port }, scan_result: results }: ScannedServer, compliance: string): Scanned {
  const looked = Object.entries(results).filter(([, { status }]) => status !== "NOT_SCHEDULED");
  for (const [command, { status, error_trace: trace }] of looked) assert.equal(status, "COMPLETED", command + trace);
  const of = <T>(command: string): T => results[command]?.result as T;
  const said = new RegExp(`localhost:${port}: (\\w+)[^\n]*((?:\n +\\* [^\n]*)*)`).exec(compliance);
  assert.ok(said !== null, compliance);
  const [, outcome = "", listed = ""] = said;
  const suites = versions.map((version) => {
    const { accepted_cipher_suites: accepted } = of<{
      readonly accepted_cipher_suites: readonly { readonly cipher_suite: { readonly name: string } }[];
    }>(`${version}_cipher_suites`);
    return [version, accepted.map(({ cipher_suite: { name } }) => name).sort()] as const;
  });
  const { supported_curves: groups } = of<{ readonly supported_curves: readonly { readonly name: string }[] }>(
    "elliptic_curves");
  const { certificate_deployments: deployed } = of<{
    readonly certificate_deployments: readonly {
      readonly received_certificate_chain: readonly { readonly public_key: { readonly algorithm: string } }[];
    }[];
  }>("certificate_info");
  return {
    isCompliant: outcome === "OK",
    findings: listed.split("\n").map((line) => line.replace(/^ +\* /, "")).filter((line) => line !== ""),
    facts: Object.assign({}, ...looked.map(([, { result }]) => result)) as Record<string, unknown>,
    suites: Object.fromEntries(suites),
    groups: groups.map(({ name }) => name).sort(),
    keys: deployed.map(({ received_certificate_chain: [leaf] }) =>
      (leaf?.public_key.algorithm ?? "").replace(/^_|PublicKey$/g, "")).sort(),
  };
}

/** Certificates for localhost as public authorities make them, and theirs. */
function certificatesOfProfile(
  directory: string,
): { readonly authority: Certificate; readonly ecdsa: Certificate; readonly rsa: Certificate } {
  const settings = join(directory, "profile.cnf");
  writeFileSync(settings, `
    [req]
    distinguished_name = name
    [name]
    [authority]
    basicConstraints = critical, CA:TRUE
    keyUsage = critical, keyCertSign, cRLSign
    subjectKeyIdentifier = hash
    [server]
    basicConstraints = critical, CA:FALSE
    keyUsage = critical, digitalSignature
    extendedKeyUsage = serverAuth
    subjectAltName = DNS:localhost
    subjectKeyIdentifier = hash
    authorityKeyIdentifier = keyid
  `);
  const elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const make = (
    name: string, extensions: "authority" | "server", key: readonly string[], issuer?: Certificate,
  ): Certificate => {
    const made = { certificate: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
    const signing = issuer === undefined ? [] : ["-CA", issuer.certificate, "-CAkey", issuer.key];
    execFileSync("openssl", ["req", "-x509", "-config", settings, "-extensions", extensions, "-days", "2", "-subj",
      issuer === undefined ? "/CN=profile" : "/CN=localhost", "-newkey", ...key, "-nodes", ...signing, "-keyout",
      made.key, "-out", made.certificate], { stdio: "pipe" });
    return made;
  };
  const authority = make("profile", "authority", elliptic);
  return {
    authority,
    ecdsa: make("profile-ecdsa", "server", elliptic, authority),
    rsa: make("profile-rsa", "server", ["rsa:2048"], authority),
  };
}
