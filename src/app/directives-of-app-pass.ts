/**
 * app_pass, and what a location says about its application's responses: as nginx's directives of proxying, whose names
 * and defaults these are.
 */
import { appName } from "../config/nginx/app-name.ts";
import { choice, onOff, size, string } from "../config/nginx/argument-types.ts";
import type { Block } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import {
  type AppPassSettings, type ObeyedField, accelFields, hiddenFields, obeyedFields,
} from "../config/pass-settings.ts";

const common = { module: "tricorn", merge: "nearest", contexts: ["http", "server", "location"] } as const;

export const appPassRow: DirectiveRow<string> = {
  module: "tricorn",
  // Which handler a location has is its own word. In a server it is for requests that no location takes.
  merge: "none",
  contexts: ["server", "location", "if in location", "limit_except"],
  name: "app_pass",
  arguments: one(appName()),
  doc: "The application of this name answers; in a server it answers what no location takes.",
  example: "app_pass shop;",
};

const interceptErrorsRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  name: "app_intercept_errors",
  arguments: one(onOff()),
  default: "off",
  doc: "Responses of the application with a status of 300 or more are replaced by the page that error_page names " +
    "for it.",
  example: "app_intercept_errors on;",
};

const hideHeaderRow: DirectiveRow<string> = {
  ...common,
  name: "app_hide_header",
  arguments: one(string("field")),
  mayRepeat: true,
  doc: "A field of the application's responses that does not reach the client, besides those that speak to Tricorn " +
    "(X-Accel-Redirect and so on).",
  example: "app_hide_header X-Powered-By;",
};

const passHeaderRow: DirectiveRow<string> = {
  ...common,
  name: "app_pass_header",
  arguments: one(string("field")),
  mayRepeat: true,
  doc: "A field of the application's responses that reaches the client, though it is hidden by default.",
  example: "app_pass_header X-Accel-Expires;",
};

const ignoreHeadersRow: DirectiveRow<readonly ObeyedField[]> = {
  ...common,
  name: "app_ignore_headers",
  arguments: many(choice(obeyedFields)),
  mayRepeat: true,
  doc: "Fields of the application's responses that Tricorn does not obey.",
  example: "app_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate;",
};

const bufferingRow: DefaultedDirectiveRow<boolean> = {
  ...common,
  name: "app_buffering",
  arguments: one(onOff()),
  default: "on",
  doc: "Keep what a slow client has not taken yet, so that the worker is free; off: the application waits for the " +
    "client.",
  example: "app_buffering off;",
};

const requestBufferingRow: DirectiveRow<boolean> = {
  ...common,
  name: "app_request_buffering",
  arguments: one(onOff()),
  doc: "Gather a request's body before the application hears of the request. Left out: a WSGI application gets " +
    "bodies whole, an ASGI application as they come.",
  example: "app_request_buffering on;",
};

const maxTempFileSizeRow: DefaultedDirectiveRow<number> = {
  ...common,
  name: "app_max_temp_file_size",
  arguments: one(size()),
  default: "1024m",
  doc: "Bytes of one response that may wait for a slow client in a file; 0: only in memory.",
  example: "app_max_temp_file_size 0;",
};

/** What appPassSettings() depends on. */
export const appPassRows: readonly AnyDirectiveRow[] = [
  interceptErrorsRow,
  hideHeaderRow,
  passHeaderRow,
  ignoreHeadersRow,
  bufferingRow,
  requestBufferingRow,
  maxTempFileSizeRow,
];

export const appPassDirectives: readonly AnyDirectiveRow[] = [appPassRow, ...appPassRows];

/** What is in force in a block. */
export function appPassSettings(block: Block): AppPassSettings {
  const hideHeaders = hiddenFields(accelFields, block.all(hideHeaderRow), block.all(passHeaderRow));
  return {
    interceptErrors: block.one(interceptErrorsRow),
    hideHeaders,
    hidesMore: hideHeaders.some((name) => !accelFields.includes(name)),
    ignoreHeaders: [...new Set(block.all(ignoreHeadersRow).flat())],
    buffering: block.one(bufferingRow),
    requestBuffering: block.optional(requestBufferingRow),
    maxTempFileSize: block.one(maxTempFileSizeRow),
  };
}
