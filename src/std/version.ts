/** Which program this is; the version is package.json's, and `tools/version.test.ts` says so. */
export const VERSION = "0.1.0";
export const SOFTWARE: string = `tricorn/${VERSION}`;
/** The version of nginx whose directives and behaviour are ours: what tools that ask `nginx -v` are told. */
export const NGINX_VERSION = "1.29.8";
