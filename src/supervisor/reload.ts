/**
 * From a HUP to the plan of the next generation: the configuration is read again, and all is made ready that it needs
 * while the generation of before goes on as if nothing were.
 */
import { isDeepStrictEqual } from "node:util";
import { error, formatDiagnostics } from "../config/diagnostic.ts";
import type { Configuration } from "../edge/model.ts";
import { err, ok, type Result } from "../std/result.ts";
import { unopenableLogs } from "./open-logs.ts";
import type { Place } from "./place.ts";
import { housed, logHint, type Plan, type Problem, staffOf } from "./plan.ts";

/** @returns a plan that differs from `current`; else that nothing has changed, or in words why it is refused */
export async function readAgain(place: Place, current: Plan): Promise<Result<Plan | "unchanged", string>> {
  const read = await readConfiguration(place);
  if (!read.ok) return read;
  const configuration = read.value;
  if (isDeepStrictEqual(configuration, current.configuration)) return ok("unchanged");
  const staff = staffOf(configuration, true);
  if (!staff.ok) return err(inWords(staff.error));
  if (!isDeepStrictEqual(staff.value.identity, current.identity)) {
    const hint = "stop Tricorn and start it again";
    return err(inWords([{ message: "another user or group needs a new start", hint }]));
  }
  const crews = housed(staff.value.crews, place.run);
  if (!crews.ok) return err(inWords([crews.error]));
  const log = place.log.prepare(configuration.process);
  if (!log.ok) return err(inWords([{ message: log.error, hint: logHint }]));
  const [unopenable] = unopenableLogs(configuration, staff.value.identity);
  if (unopenable !== undefined) {
    log.value.drop();
    return err(inWords([{ message: unopenable, hint: logHint }]));
  }
  const { workerProcesses: threads, umask } = configuration.process;
  const listeners = await place.sockets.bind(configuration.site.listeners, {
    threads,
    umask,
    owner: staff.value.identity,
    isReplaceable: true,
  });
  if (!listeners.ok) {
    log.value.drop();
    return err(inWords([listeners.error]));
  }
  const { adopt: adoptLog, drop: dropLog } = log.value;
  return ok({ ...staff.value, crews: crews.value, configuration, listeners: listeners.value, adoptLog, dropLog });
}

async function readConfiguration({ readAgain: read }: Place): Promise<Result<Configuration, string>> {
  try {
    return (await read?.()) ?? err("there is no file to read again");
  } catch (problem) {
    // A fault of ours in reading must not end what serves.
    return err(problem instanceof Error ? (problem.stack ?? problem.message) : String(problem));
  }
}

function inWords(problems: readonly Problem[]): string {
  return formatDiagnostics(problems.map(({ message, hint }) => error(message, hint)));
}
