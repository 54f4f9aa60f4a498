/** May this client do this, now? And who is it? */
export { TrustedProxies, forwardedScheme, plainAddress } from "./forwarded.ts";
