/** Who holds the conversation? (Another process: the master knows its messages, nothing else of it.) */
export type { EdgeCommand, EdgeNews, EdgeReport, InheritedListener, WorkerAddress } from "./messages.ts";
