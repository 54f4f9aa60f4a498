/** What a server, a location or an `if` says, gathered from the rooms: one group of settings each. */
import { accessRows, accessSettings } from "../access/directives.ts";
import { appPassRow, appPassRows, appPassSettings } from "../app/directives.ts";
import type { Block } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import { httpRows, httpSettings, webSocketRows, webSocketSettings } from "../edge/directives.ts";
import type { HandlerSettings, LocationSettings } from "../edge/model.ts";
import { charsetRow, isUtf8Said, responseRows, responseSettings } from "../filters/directives.ts";
import {
  type PassPlaces, contentTypes, emptyGifRow, fastcgiPassRow, fastcgiRows, fastcgiSettings, grpcPassRow, grpcRows,
  grpcSettings, mirrorRows, mirrorSettings,
  proxyPassRow, proxyRows, proxySettings, staticRows, staticSettings, stubStatusRow, typesRows, uwsgiPassRow, uwsgiRows,
  uwsgiSettings,
} from "../handlers/directives.ts";
import { accessLogRows, accessLogSettings, errorLogRows, errorLogSettings } from "../observe/directives.ts";
import { errorPageRow, tryFilesRow } from "../route/directives.ts";
import type { LocationMatch } from "../route/index.ts";
import { tlsRows, tlsSettings } from "../tls/directives.ts";
import { resolverRows, resolverSettings } from "../upstream/directives.ts";
import { Inheritance, type Group } from "./inheritance.ts";

/** Where relative paths begin. */
export interface SettingPlaces {
  /** The prefix, absolute, without a slash at its end. */
  readonly prefix: string;
  /** The directory of the main file, likewise. */
  readonly directory: string;
  /** Where errors go that no error_log sends anywhere. */
  readonly errorLog: string;
}

/** All of a location's settings but what it is itself: its name, its handler, where its files lie. */
type GroupedSettings = Omit<LocationSettings, "title" | "serverNames" | "handler" | "mapping">;

export class SettingsOf {
  readonly #inheritance = new Inheritance();
  readonly #groups: { readonly [Name in keyof Omit<GroupedSettings, "tryFiles">]: Group<GroupedSettings[Name]> };
  readonly #types: Group<Readonly<Record<string, string>> | undefined> = { rows: typesRows, build: contentTypes };

  constructor({ prefix, directory, errorLog }: SettingPlaces) {
    const inheritance = this.#inheritance;
    const places: PassPlaces = { prefix: `${prefix}/`, directory: `${directory}/` };
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
      proxy: { rows: proxyRows, build: (block) => proxySettings(block, places) },
      grpc: { rows: grpcRows, build: (block) => grpcSettings(block, places) },
      uwsgi: { rows: uwsgiRows, build: (block) => uwsgiSettings(block, places) },
      fastcgi: { rows: fastcgiRows, build: (block) => fastcgiSettings(block, places) },
      mirror: { rows: mirrorRows, build: mirrorSettings },
      resolver: { rows: resolverRows, build: resolverSettings },
      errorPages: { rows: [errorPageRow], build: (block) => block.all(errorPageRow) },
      responses: { rows: responseRows, build: responseSettings },
      accessLogs: { rows: accessLogRows, build: (block) => accessLogSettings(block, prefix) },
      tls: { rows: tlsRows, build: (block) => tlsSettings(block, `${directory}/`) },
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
      proxy: inheritance.of(block, groups.proxy),
      grpc: inheritance.of(block, groups.grpc),
      uwsgi: inheritance.of(block, groups.uwsgi),
      fastcgi: inheritance.of(block, groups.fastcgi),
      mirror: inheritance.of(block, groups.mirror),
      resolver: inheritance.of(block, groups.resolver),
      errorPages: inheritance.of(block, groups.errorPages),
      responses: inheritance.of(block, groups.responses),
      accessLogs: inheritance.of(block, groups.accessLogs),
      errorLogs: inheritance.of(block, groups.errorLogs),
      tls: inheritance.of(block, groups.tls),
    };
  }

  /**
   * Who answers, if this very block says it; of several the last, as in nginx.
   * @param match what the location is for; undefined for a server, an if, a limit_except
   */
  handler(block: Block, match: LocationMatch | undefined): HandlerSettings | undefined {
    const handlers = block.directives.flatMap(({ row, directive }): readonly HandlerSettings[] => {
      switch (row) {
        case appPassRow: return [{ kind: "app", app: read(appPassRow, directive) }];
        case proxyPassRow: {
          const prefix = match?.kind === "prefix" || match?.kind === "exact" ? match.uri : undefined;
          return [{ kind: "proxy", url: read(proxyPassRow, directive), prefix }];
        }
        case grpcPassRow: return [{ kind: "grpc", url: read(grpcPassRow, directive), prefix: undefined }];
        case uwsgiPassRow: return [{ kind: "uwsgi", ...read(uwsgiPassRow, directive) }];
        case fastcgiPassRow: return [{ kind: "fastcgi", address: read(fastcgiPassRow, directive).address }];
        case emptyGifRow: return [{ kind: "empty_gif" }];
        case stubStatusRow: return [{ kind: "stub_status" }];
        default: return [];
      }
    });
    return handlers.at(-1);
  }
}
