/**
 * nginx's entity tag of a file (RFC 9110 §8.8.3): time of its last change and size, both hexadecimal.
 * Strong, although two changes within a second that keep the size have one tag: others accept that, too.
 * @param mtimeS seconds since the epoch; @param size bytes
 */
export function fileEtag(mtimeS: number, size: number): string {
  return `"${Math.floor(mtimeS).toString(16)}-${size.toString(16)}"`;
}
