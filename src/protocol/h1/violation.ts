/** What a peer did that RFC 9112 forbids, as a value: the reader never throws on input. */

/** Every reason for which a message is refused before anybody sees it; logged once, with the peer. */
export type ViolationReason =
  | "request_line" | "method" | "request_target" | "version" | "request_line_size"
  | "bare_cr" | "bare_lf" | "obs_fold" | "field_name" | "field_value" | "field_size" | "field_count" | "head_size"
  | "host_missing" | "host_repeated" | "host_invalid" | "content_type_repeated"
  | "content_length_invalid" | "content_length_repeated" | "length_and_transfer_encoding"
  | "transfer_encoding_invalid" | "transfer_encoding_version" | "expectation"
  | "chunk_size" | "chunk_extension" | "chunk_end" | "trailer_section"
  // Of responses only.
  | "status_line" | "status_line_size" | "status_field" | "informational_count" | "response_unexpected"
  | "response_incomplete" | "fastcgi_record" | "fastcgi_refused" | "fastcgi_stderr";

export interface Violation {
  readonly kind: "violation";
  /** The status that tells the client, before the connection closes; 502 for whatever a server did. */
  readonly status: 400 | 414 | 417 | 431 | 502 | 505;
  readonly reason: ViolationReason;
}

export function violation(reason: ViolationReason, status: Violation["status"] = 400): Violation {
  return { kind: "violation", status, reason };
}
