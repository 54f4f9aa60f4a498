// The process that gets certificates, as the master starts it.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { AcmeCommand, AcmeReport, AcmeSettings, ServedCertificate } from "../../src/acme/index.ts";
import { requirePebble } from "../../tools/pebble.ts";
import { Pebble } from "../support/pebble.ts";
import { eventually } from "../support/wait.ts";
import { issuerSettings, wanted } from "./harness.ts";

const patienceMs = 30_000;
const entry = join(import.meta.dirname, "../../src/acme/main.ts");

/** One process, and what it has said. */
class Started implements AsyncDisposable {
  readonly reports: AcmeReport[] = [];
  readonly child: ChildProcess;
  readonly #exit: Promise<unknown>;

  /** @param machine where challenges are answered */
  constructor(machine: Pick<Pebble, "challenges">, settings: AcmeSettings) {
    this.child = fork(entry, { stdio: ["ignore", "inherit", "inherit", "ipc"], serialization: "advanced" });
    this.#exit = once(this.child, "exit");
    this.child.on("message", (report: AcmeReport) => {
      this.reports.push(report);
      if (report.kind === "challenge") {
        machine.challenges.set(report.challenge.id, report.challenge);
        this.send({ kind: "challenge-ready", id: report.challenge.id });
      }
      if (report.kind === "challenge-removed") machine.challenges.delete(report.id);
    });
    this.send({ kind: "settings", settings });
  }

  send(command: AcmeCommand): void {
    this.child.send(command);
  }

  async report<Kind extends AcmeReport["kind"]>(kind: Kind): Promise<Extract<AcmeReport, { kind: Kind }>> {
    return eventually(`a report of ${kind}`, patienceMs, () => this.reports.find((report):
      report is Extract<AcmeReport, { kind: Kind }> => report.kind === kind));
  }

  async certificate(): Promise<ServedCertificate> {
    return (await this.report("certificate")).certificate;
  }

  /** [exit status, signal] */
  exit(): Promise<unknown> {
    return this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exit;
  }
}

describe("the process that gets certificates", { skip: await requirePebble() }, () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-process-"));
  let pebble: Pebble;
  before(async () => {
    pebble = await Pebble.start(directory);
    pebble.resolve("site.example");
  });
  after(async () => {
    await pebble[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });
  /** Answers nothing. */
  const nowhere: Pick<Pebble, "challenges"> = { challenges: new Map() };

  function settingsIn(statePath: string): AcmeSettings {
    return {
      issuers: [issuerSettings(pebble, { statePath })], certificates: [wanted("site.example")], onDemand: [], statePath,
      authorityPath: undefined,
    };
  }

  test("orders once, though there are two of them with one directory", async () => {
    const statePath = join(directory, "shared");
    await using one = new Started(pebble, settingsIn(statePath));
    await using other = new Started(pebble, settingsIn(statePath));
    const [mine, theirs] = await Promise.all([one.certificate(), other.certificate()]);
    assert.equal(mine.chain, theirs.chain);
    assert.deepEqual([mine.whence, theirs.whence].sort(), ["issued", "state"]);
    assert.equal(pebble.count("POST /order-plz"), 1);
    assert.equal(pebble.count("POST /sign-me-up"), 1);
  });

  test("takes up what a process was at that was killed, and exits 0 when it is told to end", async () => {
    const statePath = join(directory, "killed");
    {
      await using killed = new Started(nowhere, settingsIn(statePath));
      await killed.report("challenge");
      const locks = readdirSync(join(statePath, "certificates")).filter((name) => name.endsWith(".lock"));
      assert.equal(locks.length, 1);
    }
    await using next = new Started(pebble, settingsIn(statePath));
    assert.equal((await next.certificate()).whence, "issued");
    next.send({ kind: "end" });
    assert.deepEqual(await next.exit(), [0, null]);
    assert.deepEqual(readdirSync(join(statePath, "certificates")).filter((name) => name.endsWith(".lock")), []);
  });

  test("gives its order up and ends when the master is gone", async () => {
    const statePath = join(directory, "orphan");
    await using orphan = new Started(nowhere, settingsIn(statePath));
    await orphan.report("challenge");
    orphan.child.disconnect();
    assert.deepEqual(await orphan.exit(), [0, null]);
    assert.ok(!readdirSync(join(statePath, "certificates")).some((name) => name.endsWith(".lock")));
    assert.ok(existsSync(join(statePath, "account.json")));
  });
});
