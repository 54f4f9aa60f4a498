/** Bounds of one head. Precedents: nginx 4 × 8k and 1000 fields, gunicorn 4094 / 100 × 8190, Node 16 KiB in all. */
export interface HeadLimits {
  readonly requestLineSizeMax: number;
  readonly fieldCountMax: number;
  readonly fieldSizeMax: number;
  readonly headSizeMax: number;
}
