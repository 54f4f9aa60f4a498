/**
 * The process that gets certificates: it is told by the master what is wanted and tells it what there is. It listens on
 * nothing, and what it says to issuers and reads from them never meets a client's bytes.
 */
import { systemClock } from "./clock.ts";
import { CertificateKeeper } from "./keeper.ts";
import { LocalKeeper } from "./local-keeper.ts";
import type { AcmeCommand, AcmeReport } from "./messages.ts";
import type { AcmeSettings } from "./settings.ts";

function tellMaster(report: AcmeReport): void {
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
}

const keeper = new CertificateKeeper({ clock: systemClock, report: tellMaster, chance: Math.random });

const local = new LocalKeeper({ clock: systemClock, report: tellMaster });

async function end(): Promise<void> {
  local.stop();
  await keeper.stop();
  process.exit(0);
}

/** What the machine signs itself is there at once, and first. */
async function use(settings: AcmeSettings): Promise<void> {
  keeper.command({ kind: "settings", settings: await local.use(settings) });
}

process.on("message", (command: AcmeCommand) => {
  if (command.kind === "end") void end();
  else if (command.kind === "settings") void use(command.settings);
  else keeper.command(command);
});
// The master is gone, and with it whoever would serve a certificate.
process.on("disconnect", () => void end());
// Signals of a terminal reach the whole group; the master decides what they mean.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
  process.on(signal, () => undefined);
}
tellMaster({ kind: "started" });
