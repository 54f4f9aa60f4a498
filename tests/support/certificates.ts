// Certificates for tests, made anew for each run by openssl, which every system with TLS has.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** An authority in a directory of its own, and what it signs. */
export class Authority implements Certificate {
  readonly #directory: string;
  readonly certificate: string;
  readonly key: string;

  /** @param issuer who signs it; without one it signs itself, and can be trusted */
  constructor(directory: string, name: string, issuer?: Authority) {
    this.#directory = directory;
    const made = request(directory, name, ["basicConstraints=critical,CA:TRUE"], issuer);
    this.certificate = made.certificate;
    this.key = made.key;
  }

  /** A certificate for a host. */
  sign(host: string): Certificate {
    const kind = /^[\d.]+$|:/.test(host) ? "IP" : "DNS";
    return request(this.#directory, host, [`subjectAltName=${kind}:${host}`, "basicConstraints=CA:FALSE"], this);
  }
}

function request(
  directory: string, name: string, extensions: readonly string[], issuer: Certificate | undefined,
): Certificate {
  const certificate = join(directory, `${name}.crt`), key = join(directory, `${name}.key`);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const signing = issuer === undefined ? [] : ["-CA", issuer.certificate, "-CAkey", issuer.key];
  const added = extensions.flatMap((extension) => ["-addext", extension]);
  const files = ["-keyout", key, "-out", certificate];
  execFileSync(
    "openssl", ["req", "-x509", "-days", "2", "-subj", `/CN=${name}`, ...curve, ...signing, ...added, ...files],
    { stdio: "pipe" },
  );
  return { certificate, key };
}
