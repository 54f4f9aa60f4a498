/** A location's way to its upstream, compiled: who answers, what they are sent, how connections to them are made. */
import { constantOf } from "../config/nginx/complex-value.ts";
import type { ProxyTarget, UpstreamProtocol } from "../handlers/index.ts";
import { Chooser } from "../handlers/index.ts";
import { type Evaluation, type Text, type Variables, compileText } from "../route/index.ts";
import { tlsClientSettings } from "../upstream/index.ts";
import type {
  DialSettings, NetworkAddress, ResolverSettings, TlsClientSettings, Upstream, Upstreams,
} from "../upstream/index.ts";

export class CompiledUpstream {
  readonly protocol: UpstreamProtocol;
  /** An application that may be among those who are asked; undefined where none is. */
  readonly application: string | undefined;
  readonly #variables: Variables;
  readonly #upstreams: Upstreams;
  readonly #resolver: ResolverSettings | undefined;
  readonly #bind: Text | undefined;
  readonly #rate: Text | undefined;
  /** A path of its own for proxy_store. */
  readonly #store: Text | undefined;
  readonly #tls: TlsTexts | undefined;
  /** How connections are made, where no variable says so. */
  #dial: DialSettings | undefined = undefined;
  /** Of the target that is always the same. */
  #known: Upstream | undefined = undefined;
  #chooser: { readonly of: Upstream; readonly chooser: Chooser } | undefined = undefined;

  constructor(
    protocol: UpstreamProtocol, upstreams: Upstreams, resolver: ResolverSettings | undefined, variables: Variables,
  ) {
    this.protocol = protocol;
    this.#upstreams = upstreams;
    this.#resolver = resolver;
    this.#variables = variables;
    const { bind, limitRate, store, tls } = protocol.settings;
    this.#bind = bind === undefined ? undefined : compileText(bind, variables);
    this.#rate = limitRate === undefined ? undefined : compileText(limitRate, variables);
    this.#store = typeof store === "string" ? undefined : compileText(store, variables);
    const { constantTarget } = protocol;
    this.application = applicationOf(constantTarget, upstreams);
    const isTls = tls !== undefined && constantTarget?.isTls !== false;
    this.#tls = isTls ? new TlsTexts(tls, variables, protocol.name === "h2" ? "h2" : undefined) : undefined;
    const isConstant = (bind === undefined || constantOf(bind) !== undefined) && constantTarget?.isTls === false;
    if (isConstant) this.#dial = this.#dialOf(bind === undefined ? undefined : constantOf(bind), undefined);
  }

  /** Who answers at a target; rejects with a sentence. */
  upstream(target: ProxyTarget): Upstream | Promise<Upstream> {
    const isConstant = target === this.protocol.constantTarget;
    if (isConstant && this.#known !== undefined) return this.#known.ready();
    const { place, port } = target;
    if (place.kind === "host" && place.port === undefined) {
      const named = this.#upstreams.named(place.host.toLowerCase());
      if (named !== undefined) return this.#found(named, isConstant);
    }
    const address: NetworkAddress = place.kind === "unix" ? place
      : { kind: "tcp", host: place.host, port: place.port ?? Number(port) };
    if (!isConstant) return this.#upstreams.at(address, this.#resolver);
    return this.#found(this.#upstreams.fixed(address), isConstant);
  }

  #found(upstream: Upstream, isConstant: boolean): Upstream | Promise<Upstream> {
    if (isConstant) this.#known = upstream;
    return upstream.ready();
  }

  chooser(upstream: Upstream): Chooser {
    if (this.#chooser?.of !== upstream) {
      this.#chooser = { of: upstream, chooser: new Chooser(upstream, this.#variables) };
    }
    return this.#chooser.chooser;
  }

  dial(evaluation: Evaluation, target: ProxyTarget): DialSettings {
    if (this.#dial !== undefined) return this.#dial;
    const bind = this.#bind?.(evaluation) ?? "";
    return this.#dialOf(bind, target.isTls ? this.#tls?.of(evaluation, target) : undefined);
  }

  /** How connections for checks are made to the target that is always the same; undefined where a variable decides. */
  get constantDial(): DialSettings | undefined {
    const { constantTarget, settings } = this.protocol;
    if (this.#dial !== undefined || constantTarget === undefined) return this.#dial;
    const bind = settings.bind === undefined ? "" : constantOf(settings.bind);
    const tls = this.#tls?.constant(constantTarget);
    return bind === undefined || tls === undefined ? undefined : this.#dialOf(bind, tls);
  }

  /** Is there nothing to do with responses but to pass them on? */
  get isPlain(): boolean {
    return !this.stores && this.#rate === undefined;
  }

  /** Are copies of responses kept (proxy_store)? */
  get stores(): boolean {
    return this.protocol.settings.store !== "off";
  }

  /** Where the copy of a response is kept. */
  storePath(evaluation: Evaluation): string {
    return this.#store?.(evaluation) ?? evaluation.facts.filename();
  }

  /** proxy_limit_rate: bytes a second, 0 for no limit. */
  limitRate(request: { readonly evaluation: Evaluation }): number {
    if (this.#rate === undefined) return 0;
    const rate = this.#rate(request.evaluation);
    return /^\d{1,15}$/.test(rate) ? Number(rate) : 0;
  }

  #dialOf(bind: string | undefined, tls: TlsClientSettings | undefined): DialSettings {
    const { connectTimeoutMs, sendTimeoutMs, readTimeoutMs, socketKeepalive } = this.protocol.settings;
    const localAddress = bind === "" ? undefined : bind;
    const timeouts = { connectTimeoutMs, sendTimeoutMs, readTimeoutMs };
    return { ...timeouts, socketKeepalive, localAddress, tls, protocol: this.protocol.name };
  }
}

/** proxy_ssl_…, of which some may be variables. */
class TlsTexts {
  readonly #settings: NonNullable<UpstreamProtocol["settings"]["tls"]>;
  readonly #name: Text | undefined;
  readonly #certificate: Text | undefined;
  readonly #certificateKey: Text | undefined;
  readonly #alpn: string | undefined;
  /** Mostly all requests have the same. */
  #last: TlsClientSettings | undefined = undefined;

  constructor(
    settings: NonNullable<UpstreamProtocol["settings"]["tls"]>, variables: Variables, alpn: string | undefined,
  ) {
    this.#settings = settings;
    this.#alpn = alpn;
    const { name, certificate, certificateKey } = settings;
    this.#name = name === undefined ? undefined : compileText(name, variables);
    this.#certificate = certificate === undefined ? undefined : compileText(certificate, variables);
    this.#certificateKey = certificateKey === undefined ? undefined : compileText(certificateKey, variables);
  }

  of(evaluation: Evaluation, target: ProxyTarget): TlsClientSettings {
    const name = this.#name?.(evaluation) ?? hostOf(target);
    const certificate = this.#certificate?.(evaluation);
    const certificateKey = this.#certificateKey?.(evaluation);
    const last = this.#last;
    if (last?.name === name && last.certificate === certificate && last.certificateKey === certificateKey) return last;
    return (this.#last = this.#made(name, certificate, certificateKey));
  }

  /** Where no variable is in it. */
  constant(target: ProxyTarget): TlsClientSettings | undefined {
    const { name, certificate, certificateKey } = this.#settings;
    const values = [name, certificate, certificateKey].map((value) => (value === undefined ? "" : constantOf(value)));
    if (values.includes(undefined)) return undefined;
    const [constantName = "", constantCertificate = "", constantKey = ""] = values;
    return this.#made(constantName || hostOf(target), constantCertificate || undefined, constantKey || undefined);
  }

  #made(name: string, certificate: string | undefined, certificateKey: string | undefined): TlsClientSettings {
    const alpn = this.#alpn;
    const { serverName, verify, verifyDepth, trustedCertificate, crl, passwordFile, protocols, ciphers, sessionReuse } =
      this.#settings;
    return tlsClientSettings({
      name, serverName, verify, verifyDepth, trustedCertificate, crl, certificate, certificateKey, passwordFile,
      protocols, ciphers, sessionReuse, ...(alpn !== undefined && { alpn }),
    });
  }
}

/** @param target undefined where variables decide: then it may be any upstream's */
function applicationOf(target: ProxyTarget | undefined, upstreams: Upstreams): string | undefined {
  if (target === undefined) return upstreams.application(undefined);
  const { place } = target;
  const isNamed = place.kind === "host" && place.port === undefined;
  return isNamed ? upstreams.application(place.host.toLowerCase()) : undefined;
}

/** nginx: the host of proxy_pass is the name that the certificate must have. */
function hostOf({ host }: ProxyTarget): string {
  return host.replace(/:\d+$/, "");
}
