/** What does a client say before anything is secret? TLS's first message and its alerts (pure: no input or output). */
export { ALERT, type AlertName, alertRecord } from "./alert.ts";
export { CLIENT_HELLO_SIZE_MAX, readClientHello } from "./client-hello.ts";
export type { ClientHello, FirstBytes } from "./client-hello.ts";
