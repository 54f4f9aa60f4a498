/** ngx_http_ssl_module's directives. */
import {
  type ArgumentType, choice, number, onOff, size, string, time,
} from "../config/nginx/argument-types.ts";
import {
  type AnyDirectiveRow, type Arguments, type Context, type DefaultedDirectiveRow, type DirectiveRow, many, one, two,
} from "../config/nginx/directive-row.ts";
import { err, ok, type Result } from "../std/result.ts";
import { type ConfCommand, parseConfCommand } from "./conf-command.ts";
import { parseSessionCache, type SessionCache } from "./session-cache-word.ts";
import type { TlsVersion } from "./settings.ts";

const contexts: readonly Context[] = ["http", "server"];
const common = { contexts, module: "ngx_http_ssl_module", merge: "nearest" } as const;
/** Longer chains of certificates are none. */
const VERIFY_DEPTH_MAX = 100;
/** Mozilla's intermediate profile, 5.7. Later ones have no DHE, which is spoken here only with `ssl_dhparam`. */
const CIPHERS_DEFAULT = [
  "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
  "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305",
].join(":");

function row<T>(name: string, takes: Arguments<T>, example: string, doc: string): DirectiveRow<T> {
  return { ...common, name, arguments: takes, doc, example: `${name} ${example};` };
}

function withDefault<T>(
  name: string, takes: Arguments<T>, { fallback, example, doc }: {
    readonly fallback: string; readonly example: string; readonly doc: string;
  },
): DefaultedDirectiveRow<T> {
  return { ...row(name, takes, example, doc), default: fallback };
}

/** A file, or the PEM text itself behind "data:". */
function pem(): ArgumentType<string> {
  return {
    label: "file | data:text",
    parse: (word, directive) => {
      if (word === "") return err({ nginx: `invalid value "${word}"`, expected: "a file" });
      if (/^(?:engine|store):/.test(word)) {
        return err({ nginx: `invalid value "${word}" in "${directive}"`, expected: "a file, or data: with PEM text" });
      }
      if (!word.includes("$") || isAcmeVariable(word)) return ok(word);
      const expected = "possible here: certificates are read once, and chosen by server_name";
      return err({ nginx: `variables are not supported in "${directive}"`, expected });
    },
  };
}

/** nginx's ACME module: the certificate of the server's acme_certificate, which comes by itself. */
export function isAcmeVariable(word: string): boolean {
  return word === "$acme_certificate" || word === "$acme_certificate_key";
}

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** nginx's words; those that no OpenSSL of today speaks are left out when settings are made. */
function version(): ArgumentType<TlsVersion | "SSLv2" | "SSLv3"> {
  return choice(["SSLv2", "SSLv3", ...VERSIONS]);
}

export const certificateRow: DirectiveRow<string> = {
  ...row("ssl_certificate", one(pem()), "/etc/ssl/example.org.pem",
    "The certificate and those between it and a trusted one, in PEM. May stand several times, for keys of several "
    + "kinds, such as ECDSA and RSA. A file that changes is taken up without a reload."),
  mayRepeat: true,
};

export const certificateKeyRow: DirectiveRow<string> = {
  ...row("ssl_certificate_key", one(pem()), "/etc/ssl/example.org.key", "Its key, in PEM; the file may be the same."),
  mayRepeat: true,
};

export const passwordFileRow: DirectiveRow<string> =
  row("ssl_password_file", one(string("file")), "/etc/ssl/passwords", "Passphrases for keys, one in each line.");

export const rejectHandshakeRow: DefaultedDirectiveRow<boolean> = withDefault("ssl_reject_handshake", one(onOff()), {
  fallback: "off", example: "on",
  doc: "Refuse handshakes: in the default server, those for names that no server has. It needs no certificate.",
});

export const protocolsRow: DefaultedDirectiveRow<readonly (TlsVersion | "SSLv2" | "SSLv3")[]> = withDefault(
  "ssl_protocols", many(version()), {
    fallback: "TLSv1.2 TLSv1.3", example: "TLSv1.3",
    doc: "Versions of TLS that are spoken. TLSv1 and TLSv1.1 are insecure, and need ssl_ciphers with @SECLEVEL=0.",
  },
);

export const ciphersRow: DefaultedDirectiveRow<string> = withDefault("ssl_ciphers", one(string("ciphers")), {
  fallback: CIPHERS_DEFAULT, example: "HIGH:!aNULL:!MD5",
  doc: "Ciphers up to TLS 1.2, in OpenSSL's words. The default is Mozilla's intermediate profile.",
});

export const preferServerCiphersRow: DefaultedDirectiveRow<boolean> = withDefault(
  "ssl_prefer_server_ciphers", one(onOff()),
  { fallback: "off", example: "on", doc: "Our order of ciphers counts, not the client's." },
);

export const curveRow: DefaultedDirectiveRow<string> = withDefault("ssl_ecdh_curve", one(string("curve")), {
  fallback: "auto", example: "X25519:prime256v1", doc: "Groups of the key exchange, in OpenSSL's words. auto: "
    + "X25519MLKEM768:X25519:prime256v1:secp384r1, as in Mozilla's intermediate profile.",
});

export const dhparamRow: DirectiveRow<string> = row("ssl_dhparam", one(string("file")), "/etc/ssl/dhparam.pem",
  "Parameters for DHE ciphers, in PEM. Left out, no DHE cipher is spoken.");

export const confCommandRow: DirectiveRow<ConfCommand> = {
  ...row("ssl_conf_command", { ...two(string("name"), string("value")), parse: parseConfCommand },
    "Ciphersuites TLS_AES_128_GCM_SHA256", "A setting in the words of OpenSSL's configuration: Protocol, MinProtocol, "
    + "MaxProtocol, CipherString, Ciphersuites, Groups, SignatureAlgorithms or Options."),
  mayRepeat: true,
};

export const sessionCacheRow: DefaultedDirectiveRow<SessionCache> = withDefault(
  "ssl_session_cache",
  { label: "off | none | [builtin[:size]] [shared:name:size]", countMin: 1, countMax: 2, parse: parseSessionCache },
  {
    fallback: "none", example: "shared:SSL:10m",
    doc: "Where sessions are kept that a client names by an id. Most resume by tickets, which need no memory here.",
  },
);

export const sessionTimeoutRow: DefaultedDirectiveRow<number> = withDefault(
  "ssl_session_timeout", one(time("seconds")),
  { fallback: "5m", example: "1d", doc: "How long a session may be resumed." },
);

export const sessionTicketsRow: DefaultedDirectiveRow<boolean> = withDefault("ssl_session_tickets", one(onOff()), {
  fallback: "on", example: "off",
  doc: "Sessions may be resumed by tickets (RFC 5077). Their keys are random, and others every 12 hours.",
});

export const sessionTicketKeyRow: DirectiveRow<string> = {
  ...row("ssl_session_ticket_key", one(string("file")), "/etc/ssl/ticket.key",
    "A file of 48 or 80 random bytes: tickets are made with the first, and taken that were made with any. For several "
    + "machines that shall resume each other's sessions."),
  mayRepeat: true,
};

export const clientCertificateRow: DirectiveRow<string> = row("ssl_client_certificate", one(string("file")),
  "/etc/ssl/clients-ca.pem", "Whose certificates clients may show, in PEM. Clients are told the names.");

export const trustedCertificateRow: DirectiveRow<string> = row("ssl_trusted_certificate", one(string("file")),
  "/etc/ssl/more-ca.pem", "The same, of which clients are not told.");

export const crlRow: DirectiveRow<string> = row("ssl_crl", one(string("file")), "/etc/ssl/revoked.pem",
  "Certificates of clients that were revoked, in PEM.");

export const verifyClientRow: DefaultedDirectiveRow<"off" | "on" | "optional" | "optional_no_ca"> = withDefault(
  "ssl_verify_client", one(choice(["on", "off", "optional", "optional_no_ca"])), {
    fallback: "off", example: "on",
    doc: "Ask clients for a certificate. on: who has none that is trusted gets 400. optional: who has none is let in. "
      + "optional_no_ca: nor need it be trusted, $ssl_client_verify tells.",
  },
);

export const verifyDepthRow: DefaultedDirectiveRow<number> = withDefault(
  "ssl_verify_depth", one(number({ min: 0, max: VERIFY_DEPTH_MAX })),
  { fallback: "1", example: "2", doc: "How many certificates may stand above a client's." },
);

export const staplingRow: DefaultedDirectiveRow<boolean> = withDefault("ssl_stapling", one(onOff()), {
  fallback: "off", example: "on",
  doc: "Handshakes carry along what a certificate's authority says of it (OCSP), so that clients need not ask. Its "
    + "responder is asked in the background, from the start on, and only \"good\" is passed on. The certificate of the "
    + "issuer must stand in ssl_certificate behind the own one, or in ssl_trusted_certificate. A certificate that "
    + "names no responder, as most of today, is served without.",
});

export const staplingFileRow: DirectiveRow<string> = row("ssl_stapling_file", one(string("file")),
  "/etc/ssl/example.org.ocsp", "A response in DER, as \"openssl ocsp -respout\" writes it, instead of asking for one. "
  + "It is sent with the certificate that it is about, until its time is over. A file that changes is taken up without "
  + "a reload.");

export const staplingResponderRow: DirectiveRow<string> = row("ssl_stapling_responder", one(string("url")),
  "http://ocsp.example.org/", "Who is asked instead of the responder that the certificate names: an http URL. Its name "
  + "is looked up by the system, not by resolver.");

export const staplingVerifyRow: DefaultedDirectiveRow<boolean> = withDefault("ssl_stapling_verify", one(onOff()), {
  fallback: "off", example: "on",
  doc: "Pass on only what the issuer has signed, or who it lets sign for it; else whoever answers is believed.",
});

const onlyOff: Arguments<boolean> = {
  ...one(onOff()),
  parse: ([word = ""], directive): Result<boolean, never> | ReturnType<Arguments<boolean>["parse"]> => {
    const value = onOff().parse(word, directive);
    if (!value.ok) return err({ ...value.error, index: 0 });
    return value.value ? err({ nginx: `"${directive}" is not supported`, expected: "off", index: 0 }) : value;
  },
};

const withoutEffect: readonly AnyDirectiveRow[] = [
  {
    ...withDefault("ssl_buffer_size", one(size()), {
      fallback: "16k", example: "4k", doc: "nginx: how much is written into one record.",
    }),
    withoutEffect: "a record is as long as what is written at once, up to 16k",
  },
  {
    ...withDefault("ssl_early_data", onlyOff, {
      fallback: "off", example: "off", doc: "Requests within the handshake (0-RTT), which anybody may repeat: never.",
    }),
    withoutEffect: "early data is never taken",
  },
];

/** What settings are made of. */
export const tlsRows: readonly AnyDirectiveRow[] = [
  certificateRow, certificateKeyRow, passwordFileRow, rejectHandshakeRow, protocolsRow, ciphersRow,
  preferServerCiphersRow, curveRow, dhparamRow, confCommandRow, sessionCacheRow, sessionTimeoutRow, sessionTicketsRow,
  sessionTicketKeyRow, clientCertificateRow, trustedCertificateRow, crlRow, verifyClientRow, verifyDepthRow,
  staplingRow, staplingFileRow, staplingResponderRow, staplingVerifyRow,
];

export const tlsDirectives: readonly AnyDirectiveRow[] = [...tlsRows, ...withoutEffect];
