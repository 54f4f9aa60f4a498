/** Which program this is; the version is package.json's, and `tools/version.test.ts` says so. */
export const VERSION = "0.1.0";
export const SOFTWARE: string = `tricorn/${VERSION}`;
