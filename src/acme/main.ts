/**
 * The process that gets certificates: it is told by the master what is wanted and tells it what there is. It listens on
 * nothing, and what it says to issuers and reads from them never meets a client's bytes.
 */
import { systemClock } from "./clock.ts";
import { CertificateKeeper } from "./keeper.ts";
import type { AcmeCommand, AcmeReport } from "./messages.ts";

function tellMaster(report: AcmeReport): void {
  if (process.connected) process.send?.(report, undefined, undefined, () => undefined);
}

const keeper = new CertificateKeeper({ clock: systemClock, report: tellMaster, chance: Math.random });

async function end(): Promise<void> {
  await keeper.stop();
  process.exit(0);
}

process.on("message", (command: AcmeCommand) => {
  if (command.kind === "end") void end();
  else keeper.command(command);
});
// The master is gone, and with it whoever would serve a certificate.
process.on("disconnect", () => void end());
// Signals of a terminal reach the whole group; the master decides what they mean.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const) {
  process.on(signal, () => undefined);
}
tellMaster({ kind: "started" });
