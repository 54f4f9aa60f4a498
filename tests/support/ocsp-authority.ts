// An authority that says which of its certificates are revoked: openssl's, in a directory of its own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Paths of PEM files. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate that its authority keeps a list of. */
interface Listed extends Issued {
  readonly serial: number;
}

export interface Issue {
  /** Lines of `-addext`. */
  readonly extensions?: readonly string[];
  readonly days?: number;
  /** openssl's options for its key, where another kind than ECDSA is wanted. */
  readonly newKey?: readonly string[];
}

/** A responder that runs. */
export interface RunningResponder extends AsyncDisposable {
  readonly url: string;
}

const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

const FOR_A_DAY = ["-ndays", "1"];

export class OcspAuthority implements Issued {
  readonly certificate: string;
  readonly key: string;
  readonly #directory: string;
  readonly #index: string;
  /** Lines of openssl's index by serial number. */
  readonly #lines = new Map<number, string>();
  #serial = 0x1000;

  /**
   * @param name of its files and of its subject
   * @param newKey as in `Issue`
   */
  constructor(directory: string, name: string, newKey: readonly string[] = CURVE) {
    this.#directory = directory;
    this.#index = join(directory, `${name}.index`);
    [this.certificate, this.key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
    this.#request({ subject: name, files: this, newKey, extensions: [], days: 30 });
    this.#writeIndex();
  }

  /** Issues a certificate, which is good. @param name of its files, and of its subject */
  issue(name: string, { extensions = [], days = 30, newKey = CURVE }: Issue = {}): Listed {
    const serial = this.#serial++;
    const files = { certificate: join(this.#directory, `${name}.crt`), key: join(this.#directory, `${name}.key`) };
    const signing = ["-CA", this.certificate, "-CAkey", this.key, "-set_serial", String(serial)];
    const all = ["basicConstraints=CA:FALSE", ...extensions];
    this.#request({ subject: name, files, newKey, extensions: all, days }, signing);
    this.#lines.set(serial, `V\t${indexTime(30)}\t\t${hex(serial)}\tunknown\t/CN=${name}`);
    this.#writeIndex();
    return { ...files, serial };
  }

  revoke(serial: number): void {
    this.#lines.set(serial, `R\t${indexTime(30)}\t${indexTime(0)}\t${hex(serial)}\tunknown\t/CN=revoked`);
    this.#writeIndex();
  }

  /** From now on it has never heard of it. */
  forget(serial: number): void {
    this.#lines.delete(serial);
    this.#writeIndex();
  }

  /** @returns the DER of openssl's own request about a certificate @param options of `openssl ocsp`, before -cert */
  request(certificate: string, options: readonly string[] = []): Buffer {
    const out = join(this.#directory, "request.der");
    openssl("ocsp", "-issuer", this.certificate, ...options, "-cert", certificate, "-no_nonce", "-reqout", out);
    return readFileSync(out);
  }

  /**
   * Makes a response about a certificate.
   * @param signer who signs; without it the authority itself
   * @param options of `openssl ocsp` for the response: without them it lives for a day, without -ndays it does not say
   * @param requested options for the request, before -cert
   */
  respond(
    certificate: string, signer: Issued = this, options: readonly string[] = FOR_A_DAY,
    requested: readonly string[] = [],
  ): Buffer {
    const asked = join(this.#directory, "asked.der"), out = join(this.#directory, "response.der");
    writeFileSync(asked, this.request(certificate, requested));
    openssl("ocsp", ...this.#responding(signer), "-reqin", asked, "-respout", out, ...options);
    return readFileSync(out);
  }

  /** Answers over HTTP until it is disposed of. */
  async listen(signer: Issued = this): Promise<RunningResponder> {
    const child = spawn("openssl", ["ocsp", ...this.#responding(signer), ...FOR_A_DAY, "-port", "0"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    for await (const line of createInterface(child.stdout)) {
      const port = /^ACCEPT .*:(\d+)/.exec(line)?.[1];
      if (port === undefined) continue;
      return {
        url: `http://127.0.0.1:${port}`,
        [Symbol.asyncDispose]: async (): Promise<void> => {
          child.kill();
          await ended;
        },
      };
    }
    throw new Error("openssl's responder does not listen");
  }

  #responding({ certificate, key }: Issued): readonly string[] {
    const signing = ["-CA", this.certificate, "-rsigner", certificate, "-rkey", key];
    return ["-index", this.#index, ...signing];
  }

  #writeIndex(): void {
    writeFileSync(this.#index, [...this.#lines.values(), ""].join("\n"));
  }

  #request(
    { subject, files, newKey, extensions, days }: Required<Issue> & {
      readonly subject: string; readonly files: Issued;
    },
    signing: readonly string[] = [],
  ): void {
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    openssl(
      "req", "-x509", "-nodes", "-days", String(days), "-subj", `/CN=${subject}`, ...newKey, ...signing, ...added,
      "-keyout", files.key, "-out", files.certificate,
    );
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}

/** UTCTime, so many days from now. */
function indexTime(days: number): string {
  const iso = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${iso.slice(2, 19).replace(/[-:T]/g, "")}Z`;
}

function hex(serial: number): string {
  return serial.toString(16).toUpperCase();
}
