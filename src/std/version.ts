/** Which program this is; the version is package.json's, kept equal by `tools/tidy`. */
export const VERSION = "0.1.0";
export const SOFTWARE: string = `tricorn/${VERSION}`;
