/**
 * HTTPS with certificates that come by themselves, on the command line: from an issuer for names of the public, or from
 * this machine's own authority while developing.
 */
import { isAbsolute, join } from "node:path";
import { onOff, text } from "../config/arguments.ts";
import type { AnyRow, DefaultedRow, OptionRow, World } from "../config/directive.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues } from "../config/option-values.ts";
import { directive } from "../config/statements.ts";

const httpsRow: DefaultedRow<boolean> = {
  name: "https",
  argument: onOff(),
  default: "off",
  group: "TLS",
  doc: "Speak HTTPS while developing, with a certificate of an authority that is made once on this machine; the start "
    + "says how to trust it.",
  example: "tricorn shop.wsgi --https",
};

const acmeRow: OptionRow<string> = {
  name: "acme",
  argument: text("NAME"),
  separator: ",",
  group: "TLS",
  doc: "Speak HTTPS under this name, with a certificate from Let's Encrypt, whose terms of service you agree to: on "
    + "ports 443 and 80 unless --bind says otherwise. May be given several times.",
  example: "tricorn shop.wsgi --acme shop.example.org --acme-email owner@example.org",
  nginx: "acme",
};

const emailRow: OptionRow<string> = {
  name: "acme-email",
  argument: text("ADDRESS"),
  group: "TLS",
  doc: "Whom the issuer writes to.",
  example: "tricorn shop.wsgi --acme shop.example.org --acme-email owner@example.org",
  nginx: "acme_email",
};

const issuerRow: DefaultedRow<string> = {
  name: "acme-issuer",
  argument: text("NAME"),
  default: "on",
  group: "TLS",
  doc: "Who signs: letsencrypt, or staging for trying things out, whose certificates nobody believes.",
  example: "tricorn shop.wsgi --acme shop.example.org --acme-issuer staging",
  nginx: "acme",
};

const statePathRow: OptionRow<string> = {
  name: "acme-state-path",
  argument: text("PATH"),
  group: "TLS",
  doc: "The directory for accounts and certificates, which must outlive a restart. Left out: /var/lib/tricorn/acme for "
    + "root, tricorn/acme in $XDG_DATA_HOME for others.",
  example: "tricorn shop.wsgi --acme shop.example.org --acme-state-path /srv/acme",
  nginx: "acme_state_path",
};

export const acmeOptionRows: readonly AnyRow[] = [httpsRow, acmeRow, emailRow, issuerRow, statePathRow];

export interface AcmeStatements {
  /** In `http`. */
  readonly http: readonly Statement[];
  /** In the one server. */
  readonly server: readonly Statement[];
  /** Names are the public's: it listens where browsers look. */
  readonly isPublic: boolean;
}

/** @returns undefined where no certificate comes by itself */
export function acmeStatements(values: OptionValues, world: World): AcmeStatements | undefined {
  const names = values.all(acmeRow);
  const isLocal = values.one(httpsRow);
  if (names.length === 0 && !isLocal) return undefined;
  const email = values.optional(emailRow);
  const written = values.optional(statePathRow);
  const statePath = written === undefined ? undefined : isAbsolute(written) ? written : join(world.cwd, written);
  const issuer = names.length === 0 ? "local" : values.one(issuerRow);
  const path = statePath ?? (issuer === "local" ? undefined : statePathOf(world));
  return {
    http: [
      ...(path === undefined ? [] : [directive("acme_state_path", path)]),
      ...(email === undefined ? [] : [directive("acme_email", email)]),
    ],
    server: [
      ...(names.length === 0 ? [] : [directive("server_name", ...names)]),
      directive("acme", issuer),
    ],
    isPublic: names.length > 0,
  };
}

function statePathOf({ isRoot, environment, cwd }: World): string {
  if (isRoot) return "/var/lib/tricorn/acme";
  const { XDG_DATA_HOME: data = "", HOME: home = "" } = environment;
  if (isAbsolute(data)) return join(data, "tricorn/acme");
  return isAbsolute(home) ? join(home, ".local/share/tricorn/acme") : join(cwd, "acme");
}
