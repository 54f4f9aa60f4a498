/** A balancer of a test: servers from short texts, a clock that stands still until it is moved, and a seeded chance. */
import { Balancer, KEEPALIVE_DEFAULTS, SERVER_DEFAULTS, UpstreamZone } from "../../src/upstream/index.ts";
import type {
  BalanceSettings, Choice, Peer, PeerResult, StickySettings, UpstreamServerSettings, UpstreamSettings,
} from "../../src/upstream/index.ts";

/** Any time that has nothing round; behind 2³², as today's times are. */
const START_MS = 1_790_000_123_456;

/** xorshift32 (Marsaglia 2003): the same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A server of an address, "192.0.2.1:80" or a name, that differs from nginx's defaults in `changes`. */
export function serverOf(name: string, changes: Partial<UpstreamServerSettings> = {}): UpstreamServerSettings {
  const [host = "", port = "80"] = name.split(":");
  const isUnix = host === "unix";
  return {
    ...SERVER_DEFAULTS, name, ...changes,
    address: isUnix ? { kind: "unix", path: port } : { kind: "tcp", host, port: Number(port) },
  };
}

/** Servers 10.0.0.1:80, 10.0.0.2:80 and so on. */
export function serversOf(...changes: readonly Partial<UpstreamServerSettings>[]): readonly UpstreamServerSettings[] {
  return changes.map((change, index) => serverOf(`10.0.0.${index + 1}:80`, change));
}

interface SimulationSettings {
  readonly servers: readonly UpstreamServerSettings[];
  readonly balance?: BalanceSettings | undefined;
  readonly sticky?: StickySettings;
  readonly memory?: SharedArrayBuffer;
}

export class Simulation {
  nowMs: number = START_MS;
  readonly notices: string[] = [];
  readonly settings: UpstreamSettings;
  readonly memory: SharedArrayBuffer;
  readonly balancer: Balancer;

  constructor({ servers, balance = { kind: "round_robin" }, sticky, memory }: SimulationSettings) {
    this.settings = {
      name: "backend", balance, sticky, servers, keepalive: KEEPALIVE_DEFAULTS, resolver: undefined,
    };
    this.memory = memory ?? UpstreamZone.allocate([this.settings]);
    this.balancer = this.view();
  }

  /** Another thread's balancer of the same upstream. */
  view(settings: UpstreamSettings = this.settings): Balancer {
    const notice = (sentence: string): void => void this.notices.push(sentence);
    const machine = { nowMs: () => this.nowMs, random: seededRandom(4_711), notice };
    return new Balancer(settings, new UpstreamZone(this.memory), machine);
  }

  choose(choice: Partial<Choice> = {}, tried: readonly Peer[] = [], view: Balancer = this.balancer): Peer | undefined {
    return view.choose({ clientAddress: "192.0.2.7", hashKey: () => "", sticky: undefined, ...choice }, tried);
  }

  /** One request from its choice to its end; the peer's name, "" if nobody can be asked. */
  request(choice: Partial<Choice> = {}, result: PeerResult = { outcome: "ok" }): string {
    const peer = this.choose(choice);
    if (peer === undefined) return "";
    this.balancer.release(peer, result);
    return peer.name;
  }

  /** The names of `count` requests, one after the other. */
  requests(count: number, choice: Partial<Choice> = {}): readonly string[] {
    return Array.from({ length: count }, () => this.request(choice));
  }

  /** How many of `count` requests each peer got, in the order of the servers. */
  counts(count: number, choiceOf: (index: number) => Partial<Choice> = () => ({})): readonly number[] {
    const counts = new Map(this.balancer.peers.map(({ name }) => [name, 0]));
    for (let index = 0; index < count; index++) {
      const name = this.request(choiceOf(index));
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return [...counts.values()];
  }

  /** The peer of this name. */
  peer(name: string): Peer {
    const found = this.balancer.peers.find((peer) => peer.name === name);
    if (found === undefined) throw new Error(`no peer ${name}`);
    return found;
  }
}
