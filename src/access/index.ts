/** May this client do this, now? And who is it? */
export { AccessCheck } from "./access-check.ts";
export { TrustedProxies, forwardedScheme, plainAddress } from "./forwarded.ts";
export { RealIp } from "./real-ip.ts";
export { RefererCheck } from "./referers.ts";
export type { AccessRule, AccessSettings, RealIpHeader, RealIpSettings, RefererSettings } from "./settings.ts";
