/** What this room may ask about files; the answer may need the file system, and so be late. */

/** "executable" is a regular file that may be executed, "other" a socket, device or the like. */
export type FileKind = "none" | "file" | "executable" | "directory" | "other";

export type FileFinder = (path: string) => FileKind | Promise<FileKind>;
