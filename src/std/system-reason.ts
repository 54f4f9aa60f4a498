/**
 * Why the system refused, as C programs print it: "2: No such file or directory". Pure: the error says its number.
 */

/** glibc's words where libuv has others. */
const WORDS: Readonly<Record<string, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  ESRCH: "No such process",
  EIO: "Input/output error",
  EACCES: "Permission denied",
  ENOTDIR: "Not a directory",
  EISDIR: "Is a directory",
  EMFILE: "Too many open files",
  ENFILE: "Too many open files in system",
  EFBIG: "File too large",
  ENOSPC: "No space left on device",
  EROFS: "Read-only file system",
  ENXIO: "No such device or address",
  ENAMETOOLONG: "File name too long",
  ELOOP: "Too many levels of symbolic links",
  EAGAIN: "Resource temporarily unavailable",
  EPIPE: "Broken pipe",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  ENETUNREACH: "Network is unreachable",
  ECONNABORTED: "Software caused connection abort",
  ECONNRESET: "Connection reset by peer",
  ETIMEDOUT: "Connection timed out",
  ECONNREFUSED: "Connection refused",
  EHOSTUNREACH: "No route to host",
};

/** @param problem what a call of node:fs or process.kill threw */
export function systemReason(problem: unknown): string {
  if (!(problem instanceof Error)) return String(problem);
  const number = "errno" in problem && typeof problem.errno === "number" ? `${Math.abs(problem.errno)}: ` : "";
  // libuv: "EXDEV: cross-device link not permitted, link '/a' -> '/b'".
  const [, words] = /^[A-Z0-9]+: ([^,]+)/.exec(problem.message) ?? [];
  return number + (WORDS[systemCode(problem)] ?? words ?? problem.message);
}

/** The name of the refusal, "ENOENT"; "" for other errors. @param problem as above, or what Node's own code threw */
export function systemCode(problem: unknown): string {
  return problem instanceof Error && "code" in problem && typeof problem.code === "string" ? problem.code : "";
}
