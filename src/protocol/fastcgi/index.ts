/** What do FastCGI's bytes mean? (FastCGI Specification 1.0, 1996; the web server's side; pure) */
export { END_OF_STDIN, encodeBeginAndParams, encodeStdinHeader } from "./encode.ts";
export { FastCgiReader } from "./fastcgi-reader.ts";
export { RECORD_SIZE_MAX } from "./records.ts";
