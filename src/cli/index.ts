/** What can the operator type? */
export { buildLines, versionLine } from "./build-text.ts";
export { realFiles } from "./configuration-files.ts";
export { type ConfigurationPlace, type Face, placeOf } from "./configuration-place.ts";
export { DaemonPipe, startDaemon } from "./daemon.ts";
export { explanation } from "./explanation.ts";
export { strangerIn, unusedVariables, withShortNames } from "./file-arguments.ts";
export { type MasterCommand, type NginxCommandLine, nginxHelp, parseNginxCommandLine } from "./nginx-command-line.ts";
export { signalMaster, signalOf } from "./signal-master.ts";
export { StartLog } from "./start-log.ts";
export { realWorld } from "./world.ts";
