import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { OcspAuthority } from "../../../tests/support/ocsp-authority.ts";
import { asBytes } from "../../std/bytes.ts";
import { err, ok } from "../../std/result.ts";
import { KEEP_UNTOLD_MS, RENEW_MIN_MS, RETRY_MIN_MS } from "./renewal.ts";
import type { askResponder, Question } from "./responder.ts";
import { type StapledCertificate, Staples, type StapleUpdate } from "./staple.ts";
import { ASKING_MAX, NOTICE_INTERVAL_MS, Stapler, TICK_MS } from "./stapler.ts";

const directory = mkdtempSync(join(tmpdir(), "ocsp-stapler-"));
after(() => rmSync(directory, { recursive: true }));

const DAY_MS = 86_400_000;
const authority = new OcspAuthority(directory, "authority");
const extensions = ["authorityInfoAccess=OCSP;URI:http://ocsp.test/"];
const leaf = authority.issue("leaf", { extensions });
const strict = authority.issue("strict", { extensions: [...extensions, "tlsfeature=status_request"] });
const gone = authority.issue("gone", { extensions });
const good = authority.respond(leaf.certificate), strictGood = authority.respond(strict.certificate);
const untold = authority.respond(leaf.certificate, authority, []);
authority.revoke(leaf.serial);
authority.revoke(gone.serial);
const revoked = authority.respond(leaf.certificate), goneRevoked = authority.respond(gone.certificate);
authority.forget(leaf.serial);
const unknown = authority.respond(leaf.certificate);

const away = { nginx: "OCSP responder timed out", hint: "check that this machine reaches it" };
const requesting = ' while requesting certificate status, responder: ocsp.test, certificate: "leaf.crt"';

describe("a certificate that is good", () => {
  test("is stapled as soon as its responder has said so", async () => {
    const side = new Side();
    const handle = side.stapler.add(certificate());
    equal(handle.staple(), undefined);
    await side.stapler.settled();
    deepEqual(handle.staple(), good);
    equal(handle.demandsStaple, false);
    deepEqual(side.asked, ["http://ocsp.test/"]);
    deepEqual(side.notices, []);
  });

  test("is asked about again at half of the answer's life", async () => {
    const side = new Side();
    side.stapler.add(certificate());
    await side.stapler.settled();
    await side.pass(DAY_MS / 2 - 60_000);
    equal(side.asked.length, 1);
    await side.pass(60_000 + TICK_MS);
    equal(side.asked.length, 2);
  });

  test("is asked about where the operator says", async () => {
    const side = new Side();
    side.stapler.add(certificate({ responder: "http://mine.test/a" }));
    await side.stapler.settled();
    deepEqual(side.asked, ["http://mine.test/a"]);
  });

  test("finds its issuer among those that are trusted", async () => {
    const side = new Side();
    const { chain: [own = "", issuer = ""] } = certificate();
    const handle = side.stapler.add(certificate({ chain: [own], trusted: [issuer] }));
    await side.stapler.settled();
    deepEqual(handle.staple(), good);
  });

  test("is one, however often it is added, until all have left", async () => {
    const side = new Side();
    const handles = [side.stapler.add(certificate()), side.stapler.add(certificate())];
    await side.stapler.settled();
    equal(side.asked.length, 1);
    equal(handles[0]?.key, handles[1]?.key);
    handles[0]?.close();
    handles[0]?.close();
    deepEqual(handles[1]?.staple(), good);
    await side.pass(DAY_MS / 2 + TICK_MS);
    equal(side.asked.length, 2);
    handles[1]?.close();
    await side.pass(DAY_MS * 2);
    equal(side.asked.length, 2);
    equal(side.updates.at(-1)?.staple, undefined);
  });

  test("is stapled for a day, and asked about every hour, when the answer names no end", async () => {
    const side = new Side([untold]);
    const handle = side.stapler.add(certificate());
    await side.stapler.settled();
    deepEqual(handle.staple(), untold);
    await side.pass(3_600_000 + TICK_MS);
    equal(side.asked.length, 2);
    side.answers = [];
    await side.pass(KEEP_UNTOLD_MS + TICK_MS);
    equal(handle.staple(), undefined);
  });
});

describe("while the responder is away", () => {
  test("the staple of before is used until its time is over, and not a moment longer", async () => {
    const side = new Side([good]);
    const handle = side.stapler.add(certificate());
    await side.stapler.settled();
    side.answers = [];
    const untilMs = side.updates[0]?.staple?.nextUpdateMs ?? 0;
    await side.pass(untilMs - 1 - side.nowMs);
    deepEqual(handle.staple(), good);
    side.nowMs = untilMs;
    equal(handle.staple(), undefined, "no tick is needed");
    await side.pass(TICK_MS);
    equal(side.updates.at(-1)?.staple, undefined);
  });

  test("it is asked again after longer and longer waits", async () => {
    const side = new Side([]);
    side.stapler.add(certificate());
    await side.stapler.settled();
    const counts: number[] = [];
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      await side.pass(minutes * RETRY_MIN_MS);
      counts.push(side.asked.length);
    }
    deepEqual(counts, [2, 3, 4, 5, 6, 7, 8, 9]);
    side.answers = [good];
    await side.pass(3_600_000);
    side.answers = [];
    const before = side.asked.length;
    await side.pass(DAY_MS / 2 + TICK_MS);
    equal(side.asked.length > before, true, "an answer has begun it anew");
  });

  test("one line an hour says so, and until when something is stapled", async () => {
    const side = new Side([good]);
    side.stapler.add(certificate());
    await side.stapler.settled();
    side.answers = [];
    await side.pass(DAY_MS / 2 + TICK_MS);
    const until = new Date(side.updates[0]?.staple?.nextUpdateMs ?? 0).toISOString();
    const kept = `, stapled until ${until} is the response of before`;
    const line = `warning ${away.nginx}${requesting}${kept}; ${away.hint}`;
    deepEqual(side.notices, [line]);
    await side.pass(NOTICE_INTERVAL_MS - TICK_MS);
    deepEqual(side.notices, [line]);
    await side.pass(NOTICE_INTERVAL_MS);
    deepEqual(side.notices, [line, line]);
  });

  test("a certificate that demands a staple is refused, and that is an error", async () => {
    const side = new Side([]);
    const handle = side.stapler.add(certificate({ of: strict.certificate }));
    await side.stapler.settled();
    equal(handle.demandsStaple, true);
    const demand = "; clients refuse this certificate, which demands a staple (RFC 7633)";
    deepEqual(side.notices, [`error ${away.nginx}${requesting}${demand}; ${away.hint}`]);
  });

  test("one that demands it and has it is a warning", async () => {
    const side = new Side([strictGood]);
    side.stapler.add(certificate({ of: strict.certificate }));
    await side.stapler.settled();
    side.answers = [];
    await side.pass(DAY_MS / 2 + TICK_MS);
    match(side.notices.join("\n"), /^warning OCSP responder timed out.*is the response of before; check/);
  });
});

describe("an answer that is not good", () => {
  test("is not stapled, as nginx has it", async () => {
    for (const [answer, status] of [[revoked, "revoked"], [unknown, "unknown"]] as const) {
      const side = new Side([answer]);
      const handle = side.stapler.add(certificate());
      await side.stapler.settled();
      equal(handle.staple(), undefined);
      match(side.notices.join("\n"), new RegExp(`^warning certificate status "${status}" in the OCSP response while`));
      await side.pass(RETRY_MIN_MS);
      equal(side.asked.length, 2);
    }
  });

  test("ends the staple of before when it is revoked, and was verified", async () => {
    const side = new Side([good, revoked]);
    const handle = side.stapler.add(certificate());
    await side.stapler.settled();
    await side.pass(DAY_MS / 2 + TICK_MS);
    equal(side.asked.length, 2);
    equal(handle.staple(), undefined);
    equal(side.updates.at(-1)?.staple, undefined);
  });

  test("leaves the staple of before when nobody verifies, or nobody knows the certificate", async () => {
    for (const [verify, answer] of [[false, revoked], [true, unknown]] as const) {
      const side = new Side([good, answer]);
      const handle = side.stapler.add(certificate({ verify }));
      await side.stapler.settled();
      await side.pass(DAY_MS / 2 + TICK_MS);
      equal(side.asked.length, 2);
      deepEqual(handle.staple(), good);
    }
  });

  test("of a stranger is taken only where nobody verifies", async () => {
    const stranger = new OcspAuthority(directory, "stranger");
    authority.forget(leaf.serial);
    const response = authority.respond(leaf.certificate, stranger);
    const side = new Side([response]);
    side.stapler.add(certificate());
    side.stapler.add(certificate({ verify: false }));
    await side.stapler.settled();
    match(side.notices[0] ?? "", /^warning OCSP_basic_verify\(\) failed \(the signer is not of the issuer\) while/);
    match(side.notices[1] ?? "", /^warning certificate status "unknown"/);
  });

  test("that has just expired is none", async () => {
    const side = new Side([good]);
    side.nowMs += DAY_MS + 100_000;
    const handle = side.stapler.add(certificate());
    await side.stapler.settled();
    equal(handle.staple(), undefined);
    match(side.notices.join("\n"), /^warning OCSP_check_validity\(\) failed \(status expired\) while/);
    await side.pass(RENEW_MIN_MS);
    equal(side.asked.length, 2);
  });
});

describe("nobody is asked", () => {
  test("about a certificate that names no responder", async () => {
    const side = new Side();
    const plain = authority.issue("plain");
    const handle = side.stapler.add(certificate({ of: plain.certificate }));
    await side.stapler.settled();
    equal(handle.staple(), undefined);
    deepEqual(side.asked, []);
    deepEqual(side.notices, [
      'warning "ssl_stapling" ignored, no OCSP responder URL in the certificate "leaf.crt"; '
      + "remove ssl_stapling for it, or name a responder with ssl_stapling_responder",
    ]);
  });

  test("when the issuer is not there, or the URL is none", async () => {
    const side = new Side();
    side.stapler.add(certificate({ chain: certificate().chain.slice(0, 1) }));
    side.stapler.add(certificate({ responder: "https://mine.test/" }));
    side.stapler.add(certificate({ chain: ["nothing"] }));
    await side.stapler.settled();
    deepEqual(side.asked, []);
    deepEqual(side.notices.map((line) => line.replace(/;.*/, "")), [
      'warning "ssl_stapling" ignored, issuer certificate not found for certificate "leaf.crt"',
      'warning "ssl_stapling" ignored, invalid URL prefix in OCSP responder "https://mine.test/", '
      + 'certificate: "leaf.crt"',
    ]);
  });
});

describe("a response from a file", () => {
  test("is stapled, even if it says that the certificate is revoked", async () => {
    const side = new Side();
    const handles = [
      side.stapler.add(certificate({ file: good })),
      side.stapler.add(certificate({ of: gone.certificate, file: goneRevoked })),
      side.stapler.add(certificate({ file: good, chain: certificate().chain.slice(0, 1) })),
    ];
    await side.stapler.settled();
    deepEqual(handles.map((handle) => handle.staple()), [good, goneRevoked, good]);
    deepEqual([side.asked, side.notices], [[], []]);
  });

  test("is no longer stapled when its time is over", async () => {
    const side = new Side();
    const handle = side.stapler.add(certificate({ file: good }));
    await side.stapler.settled();
    await side.pass(DAY_MS + TICK_MS);
    equal(handle.staple(), undefined);
    deepEqual(side.notices, [
      'warning the response of "ssl_stapling_file" has expired, certificate: "leaf.crt"; write a new one and reload',
    ]);
    deepEqual(side.asked, []);
  });

  test("is not stapled to another certificate, and not if it is none", async () => {
    const side = new Side();
    side.stapler.add(certificate({ file: goneRevoked }));
    side.stapler.add(certificate({ file: Buffer.from("no DER") }));
    await side.stapler.settled();
    deepEqual(side.updates, []);
    deepEqual(side.notices.map((line) => line.replace(/ in "ssl.*/, "")), [
      'warning "ssl_stapling" ignored, certificate status not found in the OCSP response',
      'warning "ssl_stapling" ignored, d2i_OCSP_RESPONSE() failed',
    ]);
  });
});

describe("the stapler", () => {
  test("says so when the library is not there, and goes on", async () => {
    const notices: string[] = [];
    const every = (): (() => void) => () => undefined;
    const load = async (): Promise<never> => Promise.reject(new Error("Cannot find package"));
    const stapler = new Stapler({ load, every, notice: (level, text) => void notices.push(`${level} ${text}`) });
    stapler.add(certificate());
    stapler.add(certificate({ file: good }));
    await stapler.settled();
    const reason = "the library of OCSP cannot be loaded: Cannot find package";
    const hint = "install tricorn with its dependencies";
    deepEqual(notices, [
      `warning ${reason}${requesting}; ${hint}`,
      `warning "ssl_stapling" ignored, ${reason} in "ssl_stapling_file", certificate: "leaf.crt"; ${hint}`,
    ]);
  });

  test("asks four responders at once, and the others after them", async () => {
    const side = new Side([]);
    const { promise, resolve } = Promise.withResolvers<void>();
    side.gate = promise;
    for (let index = 0; index < ASKING_MAX + 2; index++) {
      side.stapler.add(certificate({ responder: `http://mine.test/${index}` }));
    }
    await side.reached(ASKING_MAX);
    equal(side.asked.length, ASKING_MAX);
    await side.pass(TICK_MS, { settle: false });
    equal(side.asked.length, ASKING_MAX);
    resolve();
    await side.stapler.settled();
    equal(side.asked.length, ASKING_MAX + 2);
  });

  test("gives up what is under way for a certificate that has left, and at its end", async () => {
    const side = new Side([good]);
    const { promise, resolve } = Promise.withResolvers<void>();
    side.gate = promise;
    const handle = side.stapler.add(certificate());
    side.stapler.add(certificate({ responder: "http://mine.test/" }));
    await side.reached(2);
    handle.close();
    deepEqual(side.signals.map(({ aborted }) => aborted), [true, false]);
    side.stapler.close();
    equal(side.stopped, true);
    deepEqual(side.signals.map(({ aborted }) => aborted), [true, true]);
    resolve();
    await side.stapler.settled();
    deepEqual([side.updates, side.notices], [[], []]);
  });

  test("tells threads, which need no more than plain data", async () => {
    const side = new Side();
    const { key } = side.stapler.add(certificate());
    await side.stapler.settled();
    const staples = new Staples();
    for (const update of side.updates) staples.apply(structuredClone(update));
    deepEqual(staples.of(key, side.nowMs), good);
    equal(staples.of(key, side.nowMs + DAY_MS), undefined);
    equal(staples.of("another", side.nowMs), undefined);
    staples.apply({ key, staple: undefined });
    equal(staples.of(key, side.nowMs), undefined);
  });
});

/** A stapler whose time passes when it is told to. Its responder gives the answers of a list, the last for ever. */
class Side {
  readonly stapler: Stapler;
  readonly notices: string[] = [];
  readonly updates: StapleUpdate[] = [];
  readonly asked: string[] = [];
  readonly signals: AbortSignal[] = [];
  answers: readonly Uint8Array[];
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();
  nowMs = Date.now();
  stopped = false;
  #tick: () => void = () => undefined;
  #reached = Promise.withResolvers<void>();

  constructor(answers: readonly Uint8Array[] = [good]) {
    this.answers = answers;
    this.stapler = new Stapler({
      now: () => this.nowMs,
      every: (intervalMs, callback) => {
        equal(intervalMs, TICK_MS);
        this.#tick = callback;
        return () => (this.stopped = true);
      },
      ask: (question) => this.#answer(question),
      notice: (level, text) => void this.notices.push(`${level} ${text}`),
      changed: (update) => void this.updates.push(update),
    });
  }

  async #answer({ responder, signal }: Question): ReturnType<typeof askResponder> {
    this.asked.push(responder.href);
    this.signals.push(signal);
    this.#reached.resolve();
    this.#reached = Promise.withResolvers<void>();
    const [answer] = this.answers;
    if (this.answers.length > 1) this.answers = this.answers.slice(1);
    await this.gate;
    return answer === undefined ? err(away) : ok(asBytes(answer));
  }

  /** Waits until so many were asked. */
  async reached(count: number): Promise<void> {
    while (this.asked.length < count) await this.#reached.promise;
  }

  async pass(durationMs: number, { settle = true } = {}): Promise<void> {
    const endMs = this.nowMs + durationMs;
    while (this.nowMs < endMs) {
      this.nowMs = Math.min(this.nowMs + TICK_MS, endMs);
      this.#tick();
      if (settle) await this.stapler.settled();
    }
  }
}

function certificate(
  { of = leaf.certificate, ...more }: Partial<StapledCertificate> & { readonly of?: string } = {},
): StapledCertificate {
  const chain = [of, authority.certificate].map((path) => readFileSync(path, "latin1"));
  return { name: "leaf.crt", chain, trusted: [], responder: undefined, verify: true, file: undefined, ...more };
}
