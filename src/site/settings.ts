/** What a server, a location or an `if` says, gathered from the rooms: one group of settings each. */
import { accessRows, accessSettings } from "../access/directives.ts";
import { appPassRow, appPassRows, appPassSettings } from "../app/directives.ts";
import type { Block } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import { httpRows, httpSettings, webSocketRows, webSocketSettings } from "../edge/directives.ts";
import type { HandlerSettings, LocationSettings } from "../edge/model.ts";
import { charsetRow, isUtf8Said, responseRows, responseSettings } from "../filters/directives.ts";
import {
  contentTypes, emptyGifRow, staticRows, staticSettings, stubStatusRow, typesRows,
} from "../handlers/directives.ts";
import { accessLogRows, accessLogSettings, errorLogRows, errorLogSettings } from "../observe/directives.ts";
import { errorPageRow, tryFilesRow } from "../route/directives.ts";
import { Inheritance, type Group } from "./inheritance.ts";

/** Where relative paths begin. */
export interface LogPlaces {
  /** The prefix, absolute. */
  readonly prefix: string;
  /** Where errors go that no error_log sends anywhere. */
  readonly errorLog: string;
}

/** All of a location's settings but what it is itself: its name, its handler, where its files lie. */
type GroupedSettings = Omit<LocationSettings, "title" | "serverNames" | "handler" | "mapping">;

export class SettingsOf {
  readonly #inheritance = new Inheritance();
  readonly #groups: { readonly [Name in keyof Omit<GroupedSettings, "tryFiles">]: Group<GroupedSettings[Name]> };
  readonly #types: Group<Readonly<Record<string, string>> | undefined> = { rows: typesRows, build: contentTypes };

  constructor({ prefix, errorLog }: LogPlaces) {
    const inheritance = this.#inheritance;
    this.#groups = {
      http: { rows: httpRows, build: httpSettings },
      webSocket: { rows: webSocketRows, build: webSocketSettings },
      access: { rows: accessRows, build: accessSettings },
      files: {
        rows: [...staticRows, charsetRow],
        build: (block) =>
          ({ ...staticSettings(block, inheritance.of(block, this.#types)), isUtf8: isUtf8Said(block) }),
      },
      appPass: { rows: appPassRows, build: appPassSettings },
      errorPages: { rows: [errorPageRow], build: (block) => block.all(errorPageRow) },
      responses: { rows: responseRows, build: responseSettings },
      accessLogs: { rows: accessLogRows, build: (block) => accessLogSettings(block, prefix) },
      errorLogs: { rows: errorLogRows, build: (block) => errorLogSettings(block, prefix, errorLog) },
    };
  }

  of(block: Block): GroupedSettings {
    const groups = this.#groups;
    const inheritance = this.#inheritance;
    const [tryFiles] = block.own(tryFilesRow);
    return {
      http: inheritance.of(block, groups.http),
      webSocket: inheritance.of(block, groups.webSocket),
      access: inheritance.of(block, groups.access),
      files: inheritance.of(block, groups.files),
      tryFiles: tryFiles === undefined ? undefined : read(tryFilesRow, tryFiles.directive),
      appPass: inheritance.of(block, groups.appPass),
      errorPages: inheritance.of(block, groups.errorPages),
      responses: inheritance.of(block, groups.responses),
      accessLogs: inheritance.of(block, groups.accessLogs),
      errorLogs: inheritance.of(block, groups.errorLogs),
    };
  }

  /** Who answers, if this very block says it. */
  handler(block: Block): HandlerSettings | undefined {
    const [app] = block.own(appPassRow);
    if (app !== undefined) return { kind: "app", app: read(appPassRow, app.directive) };
    if (block.own(emptyGifRow).length > 0) return { kind: "empty_gif" };
    return block.own(stubStatusRow).length > 0 ? { kind: "stub_status" } : undefined;
  }
}
