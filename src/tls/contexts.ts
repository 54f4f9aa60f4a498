/**
 * The contexts of one edge thread: what OpenSSL needs for each set of settings, made when the first client asks for it,
 * and made anew when a file has changed. Connections keep the one that they began with.
 */
import { EventEmitter } from "node:events";
import type * as tls from "node:tls";
import { ok, type Result } from "../std/result.ts";
import type { Bytes } from "../std/bytes.ts";
import { KnownFacts } from "./facts.ts";
import { NO_RENEGOTIATION } from "./conf-command.ts";
import { Staples, shownCertificate, stapleKey, staplingServer } from "./ocsp/index.ts";
import { type TlsProblem, contextOptions, cryptoModule, makeContext } from "./pem.ts";
import { SessionZone } from "./session-zone.ts";
import { type TlsFiles, type TlsSettings, textOf } from "./settings.ts";
import { stapledCertificates } from "./stapled.ts";
import { type TicketKeys, ticketKeyCallback, ticketKeyOf } from "./ticket-keys.ts";

/** What the master gives the edge, besides the configuration: it alone may read keys. */
export interface TlsSecrets {
  readonly files: TlsFiles;
  readonly ticketKeys: TicketKeys;
}

/** A handshake that can be begun. */
export interface TlsContext {
  readonly settings: TlsSettings;
  readonly secure: tls.SecureContext;
  /** Is the client asked for a certificate? */
  readonly asksCertificate: boolean;
  /** What applications were told of its connections. */
  readonly known: KnownFacts;
  /** Undefined where no handshake has anything to ask: sessions with an id are not kept, nothing is stapled. */
  readonly handshakeServer: HandshakeServer | undefined;
}

/**
 * Makes whom node asks during a handshake, by events of a tls.Server; undefined where it has nothing to ask now.
 * @param socket of the handshake, called while it is under way
 */
type HandshakeServer = (socket: () => tls.TLSSocket) => EventEmitter | undefined;

/** And whose it is. */
export interface ChosenContext extends TlsContext {
  /** Settings of the server that SNI has named, which may have another one's certificates. */
  readonly server: TlsSettings;
  /** What we speak there, as ALPN writes it (RFC 7301 §3.1). */
  readonly protocols: Bytes;
}

/** Memory of session caches by their names. */
export type SessionZones = ReadonlyMap<string, SharedArrayBuffer>;

/** SSL_OP_NO_TICKET, as openssl/ssl.h numbers it. */
const NO_TICKET = 1 << 14;
/** Names that are to be proven at once; nobody renews more certificates in the same minute. */
const CHALLENGE_COUNT_MAX = 1000;

/** Sessions of these settings are resumed; else each connection makes a full handshake. */
function resumes({ sessionTickets, verifyClient }: TlsSettings): boolean {
  // A ticket has no chain of certificates in it, and would outlive what is revoked: who must show a certificate shows
  // it each time. So no identity ever moves from one server to another, either.
  return sessionTickets && verifyClient === "off";
}

export class TlsContexts {
  #secrets: TlsSecrets;
  readonly #zones: SessionZones;
  readonly #staples: Staples;
  readonly #contexts = new Map<TlsSettings, Result<TlsContext, TlsProblem>>();
  readonly #challenges = new Map<string, TlsContext>();

  /**
   * @param zones memory of session caches by their names, shared by all threads
   * @param staples kept up to date by whoever asks for them
   */
  constructor(secrets: TlsSecrets, zones: SessionZones, staples: Staples = new Staples()) {
    this.#secrets = secrets;
    this.#zones = zones;
    this.#staples = staples;
  }

  /** Is there such a file? */
  has(name: string): boolean {
    return this.#secrets.files.has(name);
  }

  /** The context of a server, or why it has none. */
  of(settings: TlsSettings): Result<TlsContext, TlsProblem> {
    const known = this.#contexts.get(settings);
    if (known !== undefined) return known;
    const made = this.#make(settings);
    this.#contexts.set(settings, made);
    return made;
  }

  /** Files or ticket keys are others. @returns why a context stays as it was */
  renew(secrets: TlsSecrets): readonly TlsProblem[] {
    const before = this.#secrets;
    this.#secrets = secrets;
    if (secrets.files === before.files) return [];
    const problems: TlsProblem[] = [];
    for (const [settings, old] of this.#contexts) {
      const made = this.#make(settings);
      if (made.ok || !old.ok) this.#contexts.set(settings, made);
      else problems.push(made.error);
    }
    return problems;
  }

  /**
   * A certificate that proves a name to an ACME server (RFC 8737), while that asks.
   * @param pair undefined when it has been proven; PEM texts
   * @returns why it cannot be used
   */
  setChallenge(
    name: string, pair: { readonly certificate: string; readonly key: string } | undefined, settings: TlsSettings,
  ): TlsProblem | undefined {
    this.#challenges.delete(name);
    if (pair === undefined || this.#challenges.size >= CHALLENGE_COUNT_MAX) return undefined;
    const certificates = [{ certificate: `data:${pair.certificate}`, key: `data:${pair.key}` }];
    const own: TlsSettings = {
      ...settings, certificates, verifyClient: "off", sessionTickets: false, stapling: undefined,
    };
    const made = this.#make(own);
    if (!made.ok) return made.error;
    this.#challenges.set(name, made.value);
    return undefined;
  }

  /** @param name of SNI, in lower case */
  challenge(name: string): TlsContext | undefined {
    return this.#challenges.get(name);
  }

  #make(settings: TlsSettings): Result<TlsContext, TlsProblem> {
    const options = contextOptions(settings, this.#secrets.files);
    if (!options.ok) return options;
    const hasTickets = resumes(settings);
    const made = makeContext(settings, options.value, {
      secureOptions: NO_RENEGOTIATION | settings.optionBits | (hasTickets ? 0 : NO_TICKET),
      sessionIdContext: sessionIdContext(settings),
      sessionTimeout: Math.max(1, Math.round(settings.sessionTimeoutMs / 1000)),
    });
    if (!made.ok) return made;
    if (hasTickets) this.#useKeys(settings, made.value);
    return ok({
      settings,
      secure: made.value,
      asksCertificate: settings.verifyClient !== "off",
      known: new KnownFacts(),
      handshakeServer: this.#handshakeServer(settings, made.value),
    });
  }

  #handshakeServer(settings: TlsSettings, context: tls.SecureContext): HandshakeServer | undefined {
    const sessions = this.#sessions(settings);
    const stapled = stapledCertificates(settings, this.#secrets.files);
    if (stapled.length === 0) return sessions && ((): EventEmitter => sessions);
    const { X509Certificate } = cryptoModule();
    const keys = new Map(stapled.map((each) => [new X509Certificate(each.chain[0] ?? ""), stapleKey(each)]));
    const certificates = [...keys.keys()];
    const stapleOf = (key: string | undefined): Bytes | undefined =>
      key === undefined ? undefined : this.#staples.of(key, Date.now());
    return (socket) => {
      // Node asks in the middle of a handshake, and waits for the answer: only where there may be one.
      if (keys.values().every((key) => stapleOf(key) === undefined)) return sessions;
      const shown = (): string | undefined => {
        const certificate = shownCertificate(socket(), certificates);
        return certificate && keys.get(certificate);
      };
      return staplingServer(context, () => stapleOf(shown()), sessions);
    };
  }

  #sessions(settings: TlsSettings): EventEmitter | undefined {
    const { sessionCache, sessionTimeoutMs, verifyClient } = settings;
    const memory = sessionCache === undefined ? undefined : this.#zones.get(sessionCache.name);
    // As with tickets: who must show a certificate shows it each time.
    if (memory === undefined || verifyClient !== "off") return undefined;
    const zone = new SessionZone(memory);
    const nowSeconds = (): number => Math.floor(Date.now() / 1000);
    return new EventEmitter()
      .on("newSession", (id: Uint8Array, session: Uint8Array, done: () => void) => {
        zone.put(id, session, nowSeconds() + Math.round(sessionTimeoutMs / 1000));
        done();
      })
      .on("resumeSession", (id: Uint8Array, found: (problem: null, session: Uint8Array | null) => void) => {
        found(null, zone.get(id, nowSeconds()) ?? null);
      });
  }

  #useKeys(settings: TlsSettings, context: tls.SecureContext): void {
    const { files } = this.#secrets;
    const own = settings.ticketKeyFiles.flatMap((name) => ticketKeyOf(textOf(files, name) ?? "") ?? []);
    const native = context.context as NativeContext;
    native.onticketkeycallback = ticketKeyCallback(() => (own.length > 0 ? own : this.#secrets.ticketKeys));
    native.enableTicketKeyCallback();
  }
}

/** Memory for every cache that the settings name; the largest size of a name counts. */
export function allocateSessionZones(all: Iterable<TlsSettings>): SessionZones {
  const sizes = new Map<string, number>();
  for (const { sessionCache } of all) {
    if (sessionCache === undefined) continue;
    sizes.set(sessionCache.name, Math.max(sessionCache.size, sizes.get(sessionCache.name) ?? 0));
  }
  return new Map([...sizes].map(([name, size]) => [name, SessionZone.allocate(size)]));
}

/** What of node's own context is used, and not typed. */
interface NativeContext {
  onticketkeycallback: ReturnType<typeof ticketKeyCallback>;
  enableTicketKeyCallback(): void;
}

/** Servers that say the same resume each other's sessions, others never. OpenSSL has room for 32 bytes. */
function sessionIdContext(settings: TlsSettings): string {
  return cryptoModule().createHash("sha256").update(JSON.stringify(settings)).digest("hex").slice(0, 32);
}

