/** Why there is no staple: a sentence in nginx's words, and what the operator can do about it. */
export interface OcspFault {
  readonly nginx: string;
  /** The next action, without a full stop. */
  readonly hint: string;
}
