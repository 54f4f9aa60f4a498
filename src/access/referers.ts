/** `$invalid_referer`: do requests come from where valid_referers says? */
import type { ServerName } from "../route/index.ts";
import type { RefererSettings } from "./settings.ts";

export class RefererCheck {
  /** @param serverNames of the server that the block is in */
  constructor(settings: RefererSettings, serverNames: readonly ServerName[]) {
    void [settings, serverNames];
  }

  /** The variable's value. @param referer the request's Referer */
  invalid(referer: string | undefined): "" | "1" {
    void referer;
    return "";
  }
}
