/** proxy_ssl_* and uwsgi_ssl_*: TLS towards the upstream. */
import { type ArgumentType, number, onOff, string, variableText } from "../../config/nginx/argument-types.ts";
import type { Block } from "../../config/nginx/block.ts";
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import {
  type AnyDirectiveRow, type Arguments, type DefaultedDirectiveRow, type DirectiveRow, many, one,
} from "../../config/nginx/directive-row.ts";
import { err, ok } from "../../std/result.ts";
import { type Family, everywhere } from "./directives-family.ts";
import { absoluteName, absolutePath } from "./directives-values.ts";
import type { UpstreamTlsSettings } from "./settings.ts";

/** Longer chains of certificates are none. */
const VERIFY_DEPTH_MAX = 100;

export interface TlsRows {
  /** What settings() depends on. */
  readonly rows: readonly AnyDirectiveRow[];
  readonly protocols: AnyDirectiveRow;
  readonly passwordFile: DirectiveRow<string>;
  /** What is in force in a block. @param directory what relative files begin with, with its slash at the end */
  readonly settings: (block: Block, directory: string) => UpstreamTlsSettings;
}

const protocols: readonly string[] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** In the spelling of the reference. Deviates: nginx takes the old ones, too, though no TLS of today speaks them. */
function protocol(): ArgumentType<string> {
  return {
    label: "SSLv2 | SSLv3 | TLSv1 | TLSv1.1 | TLSv1.2 | TLSv1.3",
    words: protocols,
    parse: (word) => {
      const known = protocols.find((name) => name.toLowerCase() === word.toLowerCase());
      if (known !== undefined) return ok(known);
      return err({ nginx: `invalid value "${word}"`, expected: `one of ${protocols.join(", ")}` });
    },
  };
}

/** The rows of a family. */
export function tlsRows({ prefix, module, peer }: Family): TlsRows {
  const common = { module, merge: "nearest", contexts: everywhere } as const;
  const optional = <T>(name: string, takes: Arguments<T>, example: string, doc: string): DirectiveRow<T> => ({
    ...common, name: `${prefix}_ssl_${name}`, arguments: takes, doc, example: `${prefix}_ssl_${name} ${example};`,
  });
  const row = <T>(
    name: string, takes: Arguments<T>, { fallback, example, doc }: {
      readonly fallback: string; readonly example: string; readonly doc: string;
    },
  ): DefaultedDirectiveRow<T> => ({ ...optional(name, takes, example, doc), default: fallback });
  const name = optional("name", one(variableText("name")), "backend.example",
    "The name that the certificate must have, and that SNI says. Left out: the one that requests are passed to.");
  const serverName = row("server_name", one(onOff()), {
    fallback: "off", example: "on", doc: "Say the name when the connection is made (SNI).",
  });
  const verify = row("verify", one(onOff()), {
    fallback: "off", example: "on", doc: `Verify the certificate of ${peer}.`,
  });
  const verifyDepth = row("verify_depth", one(number({ min: 0, max: VERIFY_DEPTH_MAX })), {
    fallback: "1", example: "2", doc: "How many certificates may stand between it and a trusted one.",
  });
  const trusted = optional("trusted_certificate", one(string("file")), "/etc/ssl/certs/ca-certificates.crt",
    "Whom to trust, in PEM.");
  const crl = optional("crl", one(string("file")), "/etc/ssl/revoked.pem", "Certificates that were revoked, in PEM.");
  const certificate = optional("certificate", one(variableText("file")), "/etc/ssl/client.pem",
    `The certificate that is shown to ${peer}, in PEM.`);
  const key = optional("certificate_key", one(variableText("file")), "/etc/ssl/client.key", "Its key, in PEM.");
  const passwordFile = optional("password_file", one(string("file")), "/etc/ssl/passwords",
    "Passphrases for the key, one in each line.");
  const versions = row("protocols", many(protocol()), {
    fallback: "TLSv1.2 TLSv1.3", example: "TLSv1.3", doc: "Versions of TLS that are spoken.",
  });
  const ciphers = row("ciphers", one(string("ciphers")), {
    fallback: "DEFAULT", example: "HIGH:!aNULL:!MD5", doc: "Ciphers, in OpenSSL's words.",
  });
  const sessionReuse = row("session_reuse", one(onOff()), {
    fallback: "on", example: "off", doc: "A new connection may resume the session of one before.",
  });
  return {
    rows: [
      name, serverName, verify, verifyDepth, trusted, crl, certificate, key, passwordFile, versions, ciphers,
      sessionReuse,
    ],
    protocols: versions,
    passwordFile,
    settings: (block, directory) => ({
      name: block.optional(name),
      serverName: block.one(serverName),
      verify: block.one(verify),
      verifyDepth: block.one(verifyDepth),
      trustedCertificate: fileOf(block.optional(trusted), directory),
      crl: fileOf(block.optional(crl), directory),
      certificate: pathOf(block.optional(certificate), directory),
      certificateKey: pathOf(block.optional(key), directory),
      passwordFile: fileOf(block.optional(passwordFile), directory),
      protocols: [...new Set(block.one(versions))],
      ciphers: block.one(ciphers),
      sessionReuse: block.one(sessionReuse),
    }),
  };
}

function fileOf(path: string | undefined, directory: string): string | undefined {
  return path === undefined || path === "" ? undefined : absoluteName(path, directory);
}

/** Empty: none, whatever the block around says. */
function pathOf(path: ComplexValue | undefined, directory: string): ComplexValue | undefined {
  return path === undefined || path.length === 0 ? undefined : absolutePath(path, directory);
}
