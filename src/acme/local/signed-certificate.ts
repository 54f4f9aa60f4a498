/**
 * The certificates, made by a library (docs/adr/0022-local-authority.md) on Node's WebCrypto. The library is loaded
 * when one has to be made, which is about once in two months; reading is left to node:crypto.
 */
import { createPrivateKey, KeyObject, webcrypto } from "node:crypto";
import type * as X509 from "@peculiar/x509";
import { parseIpAddress } from "../../std/ip-address.ts";
import type { Permitted } from "./names.ts";

/** A certificate and the key that belongs to it. */
export interface Signed {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8, not encrypted. */
  readonly key: string;
}

/** `O` of everything that is made here, by which it is known again. */
export const ORGANIZATION = "Tricorn";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
/** 3,652 days: ten years, as mkcert's and Caddy's. */
const AUTHORITY_LIFETIME_MS = 3652 * DAY_MS;
/** As public ones were for years; browsers refuse longer ones (Apple: above 825 days, of whatever authority). */
const SERVER_LIFETIME_MS = 90 * DAY_MS;
/** Clocks of phones and virtual machines that are a little behind must not find it "not yet valid". */
const BACKDATED_MS = 3_600_000;
/** RFC 5280, upper bound of a common name. */
const COMMON_NAME_MAX = 64;

/** What people trust, and what signs for it. */
export interface NewAuthority {
  /** PEM, one certificate. Its key exists nowhere any more. */
  readonly root: string;
  readonly intermediate: Signed;
}

/**
 * A new authority, for servers of TLS only (extended key usage) and for nothing but `permitted`. Both certificates say
 * so, in a critical extension: who does not know it refuses them (RFC 5280 §4.2.1.10). But a client need not ask a root
 * that it trusts for limits (§6.1.1 (d); Java does not), so the root signs one intermediate certificate, which every
 * client asks, and its key is forgotten.
 * @param owner who is told apart by it in a list of authorities: "ada@laptop"
 */
export async function makeAuthority(owner: string, permitted: Permitted, nowMs: number): Promise<NewAuthority> {
  const [x509, root, intermediate] = await Promise.all([import("@peculiar/x509"), newKey(), newKey()]);
  const date = new Date(nowMs).toISOString().slice(0, 10);
  // The date tells an authority from its predecessor, which may still be in somebody's list.
  const nameOf = (kind: string): X509.Name =>
    nameFor(x509, `${`Tricorn development ${kind} ${owner}`.slice(0, COMMON_NAME_MAX - date.length - 1)} ${date}`);
  const limits = await constraints(permitted);
  const sign = async (name: X509.Name, { publicKey }: webcrypto.CryptoKeyPair, depth: number): Promise<string> =>
    pem(await x509.X509CertificateGenerator.create({
      subject: name,
      issuer: nameOf("CA"),
      publicKey,
      signingKey: root.keys.privateKey,
      signingAlgorithm: ECDSA,
      ...validity(nowMs, nowMs + AUTHORITY_LIFETIME_MS),
      extensions: [
        new x509.BasicConstraintsExtension(true, depth, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        limits,
        await x509.SubjectKeyIdentifierExtension.create(publicKey, false, webcrypto),
        await x509.AuthorityKeyIdentifierExtension.create(root.keys.publicKey, false, webcrypto),
      ],
    }, webcrypto));
  return {
    root: await sign(nameOf("CA"), root.keys, 1),
    intermediate: { certificate: await sign(nameOf("signer"), intermediate.keys, 0), key: intermediate.pem },
  };
}

/**
 * A certificate for a server with a key of its own. It ends with its issuer, if that is sooner.
 * @param names as of `normalName`, the first is the subject's
 * @returns one certificate, without its issuer's
 */
export async function makeServerCertificate(by: Signed, names: readonly string[], nowMs: number): Promise<Signed> {
  const [x509, { keys, pem: key }] = await Promise.all([import("@peculiar/x509"), newKey()]);
  const issuer = new x509.X509Certificate(by.certificate);
  const pkcs8 = createPrivateKey(by.key).export({ type: "pkcs8", format: "der" });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: nameFor(x509, (names[0] ?? "localhost").slice(0, COMMON_NAME_MAX)),
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey("pkcs8", pkcs8, ECDSA, false, ["sign"]),
    signingAlgorithm: ECDSA,
    ...validity(nowMs, Math.min(nowMs + SERVER_LIFETIME_MS, issuer.notAfter.getTime())),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map(generalName)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto),
    ],
  }, webcrypto);
  return { certificate: pem(certificate), key };
}

/** What an authority that was made here is limited to. */
export async function permittedBy(certificate: string): Promise<Permitted> {
  const [x509, { AsnConvert }, { NameConstraints, id_ce_nameConstraints }] = await Promise.all([
    import("@peculiar/x509"), import("@peculiar/asn1-schema"), import("@peculiar/asn1-x509"),
  ]);
  const extension = new x509.X509Certificate(certificate).getExtension(id_ce_nameConstraints);
  const subtrees = extension === null ? [] : AsnConvert.parse(extension.value, NameConstraints).permittedSubtrees ?? [];
  const bases = [...subtrees].map(({ base }) => base);
  return {
    domains: bases.flatMap(({ dNSName }) => dNSName ?? []),
    networks: bases.flatMap(({ iPAddress }) => iPAddress ?? []),
  };
}

async function constraints({ domains, networks }: Permitted): Promise<X509.Extension> {
  const [{ Extension }, { AsnConvert }, asn] = await Promise.all([
    import("@peculiar/x509"), import("@peculiar/asn1-schema"), import("@peculiar/asn1-x509"),
  ]);
  const bases = [...domains.map((dNSName) => ({ dNSName })), ...networks.map((iPAddress) => ({ iPAddress }))];
  const subtrees = bases.map((base) => new asn.GeneralSubtree({ base: new asn.GeneralName(base) }));
  const limits = new asn.NameConstraints({ permittedSubtrees: new asn.GeneralSubtrees(subtrees) });
  return new Extension(asn.id_ce_nameConstraints, true, AsnConvert.serialize(limits));
}

/** A new key, for the library and for a file. */
async function newKey(): Promise<{ readonly keys: webcrypto.CryptoKeyPair; readonly pem: string }> {
  const keys = await webcrypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]);
  return { keys, pem: String(KeyObject.from(keys.privateKey).export({ type: "pkcs8", format: "pem" })) };
}

function pem(certificate: X509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** In UTF-8 (RFC 5280 §4.1.2.6), as it is: of a plain text the library would take quotes and backslashes away. */
function nameFor({ Name }: typeof X509, commonName: string): X509.Name {
  return new Name([{ O: [{ utf8String: ORGANIZATION }] }, { CN: [{ utf8String: commonName }] }]);
}

function generalName(name: string): { readonly type: "ip" | "dns"; readonly value: string } {
  return { type: parseIpAddress(name) === undefined ? "dns" : "ip", value: name };
}

/** Whole seconds: certificates have no others (RFC 5280 §4.1.2.5.2). */
function validity(nowMs: number, notAfterMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  const whole = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);
  return { notBefore: whole(nowMs - BACKDATED_MS), notAfter: whole(notAfterMs) };
}
