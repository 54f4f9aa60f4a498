/**
 * Servers whose certificates come by themselves: which of them a handshake is shown, and the server of port 80 that
 * such a site needs and nobody wants to write.
 */
import { type AcmeServerSettings, type AcmeSettings, acmePair } from "../acme/index.ts";
import { acmeRow, challengeOrderRow } from "../acme/directives.ts";
import { Block, read } from "../config/nginx/block.ts";
import { checkTree } from "../config/nginx/check-tree.ts";
import type { AnyDirectiveRow } from "../config/nginx/directive-row.ts";
import { parse } from "../config/nginx/parse.ts";
import type { AcquiredCertificates } from "../edge/model.ts";
import { serverRow } from "../route/directives.ts";
import type { TlsSettings } from "../tls/index.ts";
import { listenRow } from "./listen.ts";

const HTTP_PORT = 80, HTTPS_PORT = 443;

/** @param tls what the server says itself */
export function acquiredCertificates(
  own: AcmeServerSettings | undefined, acme: AcmeSettings | undefined, tls: TlsSettings,
): AcquiredCertificates | undefined {
  if (own === undefined || acme === undefined) return undefined;
  const wanted = acme.certificates.filter(({ id }) => own.certificates.includes(id));
  const names = new Set(wanted.flatMap((certificate) => certificate.names));
  const settingsOf = (ids: readonly string[]): TlsSettings => ({ ...tls, certificates: ids.map((id) => acmePair(id)) });
  const byName = new Map([...names].map((name): [string, TlsSettings] =>
    [name, settingsOf(wanted.filter((certificate) => certificate.names.includes(name)).map(({ id }) => id))]));
  const [first] = names;
  return { byName, fallback: first === undefined ? undefined : byName.get(first), onDemand: own.onDemand };
}

/**
 * Adds a server to `http` that redirects port 80 to HTTPS, where names of a server on port 443 get certificates by
 * being asked for on port 80, and nothing listens there. What is asked of it for a challenge is answered before that.
 */
export function addHttpServer(http: Block, rows: readonly AnyDirectiveRow[]): void {
  const servers = http.own(serverRow).flatMap(({ block }) => (block === undefined ? [] : [{
    block, addresses: block.own(listenRow).flatMap(({ directive }) => {
      const { addresses, isTls } = read(listenRow, directive);
      return addresses.flatMap((address) => (address.kind === "tcp" ? [{ ...address, isTls }] : []));
    }),
  }]));
  const listensOn80 = servers.some(({ block, addresses }) =>
    block.own(listenRow).length === 0 || addresses.some(({ port }) => port === HTTP_PORT));
  if (listensOn80) return;
  const hosts = servers.flatMap(({ block, addresses }) => {
    const isAsked = block.one(acmeRow).length > 0 && block.one(challengeOrderRow).includes("http-01");
    return isAsked ? addresses.filter(({ isTls, port }) => isTls && port === HTTPS_PORT).map(({ host }) => host) : [];
  });
  if (hosts.length === 0) return;
  const listens = [...new Set(hosts)].map((host) => `listen ${listenWord(host)};`);
  const source = {
    path: "acme", text: `http { server { ${listens.join(" ")} return 301 https://$host$request_uri; } }`,
    isParameter: false, includedFrom: undefined,
  };
  const { block: main } = checkTree(parse(source).directives, rows);
  const [made] = main.directives.flatMap(({ block }) => block?.own(serverRow) ?? []);
  if (made?.block === undefined) return;
  // The same, in the block whose settings it shall have.
  const block = new Block("server", http);
  for (const directive of made.block.directives) block.add(directive);
  http.add({ ...made, block });
}

/** @param host undefined for all addresses of IPv4 */
function listenWord(host: string | undefined): string {
  if (host === undefined) return String(HTTP_PORT);
  return `${host.includes(":") ? `[${host}]` : host}:${HTTP_PORT}`;
}
