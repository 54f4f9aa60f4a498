/** Who makes the response? */
export { handleApp } from "./app.ts";
export type { AppExchange, AppHandlerSettings, BodyReceiver } from "./app.ts";
export { statusResponse } from "./status.ts";
export type { FixedResponse } from "./status.ts";
export type { StaticSettings } from "./static/index.ts";
