/**
 * One order, from the names to the certificate (RFC 8555 §7.4): each name is proven by a challenge, then the issuer
 * signs. Nothing is kept of an order that fails; its authorizations are given back, because issuers count them.
 */
import { type Authorization, type Client, type Order, crypto } from "acme-client";
import { type Certificate, coversAll, readCertificate } from "./certificate.ts";
import type { Challenges } from "./challenges.ts";
import { type Clock, pause, reasonOf } from "./clock.ts";
import { makeKey } from "./key-types.ts";
import type { Challenge } from "./messages.ts";
import { AcmeProblem, asProblem, problem, problemOf } from "./problem.ts";
import type { ChallengeKind, KeyType } from "./settings.ts";

export interface OrderRequest {
  readonly names: readonly string[];
  readonly keyType: KeyType;
  /** The first that the issuer offers for a name is taken. */
  readonly challenges: readonly ChallengeKind[];
  readonly profile: string | undefined;
  readonly preferredChain: string | undefined;
  readonly commonNameInCsr: boolean;
  /** The certificate that it follows (RFC 9773 §5). */
  readonly replaces: string | undefined;
}

export interface OrderTools {
  readonly clock: Clock;
  readonly challenges: Challenges;
  readonly signal: AbortSignal;
  /** What the last answer from a URL said to wait, milliseconds. */
  readonly retryAfterMs: (url: string) => number | undefined;
}

/** Issuers look within seconds, from several places; some take minutes to sign. */
const WAIT_MAX_MS = 5 * 60_000, WAIT_MAX_TEXT = "5 minutes";
const LOOK_FIRST_MS = 500, LOOK_PAUSE_MIN_MS = 1000, LOOK_PAUSE_MAX_MS = 30_000;

/** RFC 5280, appendix A.1: ub-common-name. */
const COMMON_NAME_SIZE_MAX = 64;

/** The acme-client's own type knows neither of the two, and passes them on. */
type OrderPayload = Parameters<Client["createOrder"]>[0] & { profile?: string; replaces?: string };

/** @returns a certificate that was checked; rejects with an AcmeProblem, or with the signal's reason */
export async function orderCertificate(client: Client, request: OrderRequest, tools: OrderTools): Promise<Certificate> {
  const { names, profile, replaces } = request;
  const payload: OrderPayload = {
    identifiers: names.map((value) => ({ type: "dns", value })),
    ...(profile === undefined ? {} : { profile }),
    ...(replaces === undefined ? {} : { replaces }),
  };
  const order = await createOrder(client, payload);
  const authorizations = await client.getAuthorizations(order);
  const proofs = await Promise.allSettled(authorizations.map((authorization) =>
    prove(client, authorization, request, tools)));
  const failures = proofs.flatMap((proof): readonly unknown[] => (proof.status === "rejected" ? [proof.reason] : []));
  if (failures.length > 0) {
    if (tools.signal.aborted) throw reasonOf(tools.signal);
    await giveBack(client, authorizations);
    throw together(failures.map(asProblem));
  }
  const ready = await waitFor(client, order, ["ready", "valid"], tools);
  const key = await makeKey(request.keyType);
  const [first = ""] = names;
  const isCommon = request.commonNameInCsr && first.length <= COMMON_NAME_SIZE_MAX;
  const [, csr] = await crypto.createCsr({ altNames: [...names], ...(isCommon ? { commonName: first } : {}) }, key);
  await client.finalizeOrder(ready, csr);
  const valid = await waitFor(client, order, ["valid"], tools);
  return checked(`${key}\n${await client.getCertificate(valid, request.preferredChain)}`, names);
}

async function createOrder(client: Client, payload: OrderPayload): Promise<Order> {
  try {
    return await client.createOrder(payload);
  } catch (thrown) {
    // RFC 9773 §7.4, and what is said of a certificate that another account or issuer has made.
    if (payload.replaces === undefined || !(thrown instanceof AcmeProblem) || !refusesReplacing(thrown)) throw thrown;
    const { replaces: _, ...rest } = payload;
    return client.createOrder(rest);
  }
}

function refusesReplacing({ facts }: AcmeProblem): boolean {
  const types = ["alreadyReplaced", "malformed", "unauthorized", "serverInternal"];
  return types.includes(facts.type) || facts.status === 404;
}

async function prove(
  client: Client, authorization: Authorization, request: OrderRequest, tools: OrderTools,
): Promise<void> {
  if (authorization.status === "valid") return;
  const name = authorization.identifier.value;
  const { challenges, clock, signal } = tools;
  const offered = authorization.challenges;
  const kind = request.challenges.find((wanted) => offered.some(({ type }) => type === wanted));
  const challenge = offered.find(({ type }) => type === kind);
  if (kind === undefined || challenge === undefined) {
    const kinds = offered.map(({ type }) => type).join(", ");
    throw refusal(name, `the issuer offers no challenge that acme_challenge names (it offers ${kinds})`);
  }
  const answer = await answerOf(client, authorization, kind, challenges.nextId());
  let failure: AcmeProblem | undefined;
  let answers = 0;
  try {
    await challenges.publish(answer);
    await client.completeChallenge(challenge);
    let waitedMs = 0;
    for (let look = 0; ; look++) {
      const waitMs = look === 0 ? LOOK_FIRST_MS : lookPause(tools.retryAfterMs(authorization.url));
      await pause(clock, waitMs, signal);
      waitedMs += waitMs;
      const [now] = await client.getAuthorizations({ authorizations: [authorization.url] } as Order);
      if (now === undefined || now.status === "valid") return;
      if (now.status !== "pending") {
        failure = challengeProblem(name, now, kind);
        break;
      }
      if (waitedMs > WAIT_MAX_MS) throw refusal(name, `the issuer has not looked within ${WAIT_MAX_TEXT}`);
    }
  } finally {
    answers = challenges.remove(answer.id);
  }
  const seen = answers === 0 ? "it was never asked for here" : "it was asked for here, and answered";
  throw new AcmeProblem({ ...failure.facts, detail: `${failure.facts.detail} (${kind}; ${seen})` });
}

async function answerOf(
  client: Client, authorization: Authorization, kind: ChallengeKind, id: string,
): Promise<Challenge> {
  const name = authorization.identifier.value;
  const challenge = authorization.challenges.find(({ type }) => type === kind);
  if (challenge === undefined) throw problem(`no ${kind} for ${name}`);
  const keyAuthorization = await client.getChallengeKeyAuthorization(challenge);
  if (kind === "http-01") return { id, kind, name, token: challenge.token, keyAuthorization };
  const [key, certificate] =
    await crypto.createAlpnCertificate(authorization, keyAuthorization, await makeKey("ecdsa:256"));
  return { id, kind, name, certificate: certificate.toString(), key: key.toString() };
}

/** Why an authorization became what it is: its challenge says it. */
function challengeProblem(name: string, { status, challenges }: Authorization, kind: ChallengeKind): AcmeProblem {
  const challenge: { readonly error?: unknown } | undefined = challenges.find(({ type }) => type === kind);
  if (challenge?.error === undefined) return refusal(name, `the issuer calls the challenge ${status}`);
  const { facts } = problemOf(challenge.error, 403, 0);
  return new AcmeProblem({ ...facts, detail: `${name}: ${facts.detail}` });
}

/** A no that is about this name, though no document of the issuer says it. */
function refusal(name: string, detail: string): AcmeProblem {
  return new AcmeProblem({ type: "", detail: `${name}: ${detail}`, status: 403, retryAfterMs: 0, subproblems: [] });
}

async function waitFor(
  client: Client, order: Order, wanted: readonly Order["status"][], { clock, signal, retryAfterMs }: OrderTools,
): Promise<Order> {
  for (let waitedMs = 0; ;) {
    const now = await client.getOrder(order);
    if (wanted.includes(now.status)) return now;
    if (now.status === "invalid") throw problemOf(now.error ?? INVALID, 403, 0);
    if (waitedMs > WAIT_MAX_MS) {
      throw problem(`the issuer still calls the order ${now.status} after ${WAIT_MAX_TEXT}`);
    }
    const waitMs = lookPause(retryAfterMs(order.url));
    await pause(clock, waitMs, signal);
    waitedMs += waitMs;
  }
}

/** An order that failed without a reason. */
const INVALID = { detail: "the issuer calls the order invalid" };

function lookPause(saidMs: number | undefined): number {
  return Math.min(Math.max(saidMs ?? 0, LOOK_PAUSE_MIN_MS), LOOK_PAUSE_MAX_MS);
}

/** The first problem, with what the others say. */
function together(problems: readonly AcmeProblem[]): AcmeProblem {
  const [first = problem("nothing is wrong"), ...others] = problems;
  if (others.length === 0) return first;
  return new AcmeProblem({ ...first.facts, detail: problems.map(({ facts }) => facts.detail).join("; ") });
}

/** Let's Encrypt keeps 300 pending ones for an account, and then makes no more orders for a week. */
async function giveBack(client: Client, authorizations: readonly Authorization[]): Promise<void> {
  await Promise.allSettled(authorizations.filter(({ status }) => status === "pending").map((authorization) =>
    client.deactivateAuthorization(authorization)));
}

function checked(text: string, names: readonly string[]): Certificate {
  const certificate = readCertificate(text);
  if (!certificate.ok) throw problem(`what the issuer has signed ${certificate.error}`);
  if (!coversAll(certificate.value, names)) throw problem("what the issuer has signed has not all names");
  return certificate.value;
}
