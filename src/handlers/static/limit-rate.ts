/** limit_rate and limit_rate_after, which may have variables, for one request. */
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import { parseSizeText } from "../../config/nginx/units.ts";
import type { RateSettings } from "../../net/index.ts";
import { type Evaluation, type Variables, compileText } from "../../route/index.ts";

/** The two directives of one location. */
export interface WrittenRate {
  readonly limitRate: ComplexValue;
  readonly limitRateAfter: ComplexValue;
}

/** How slowly the response to a request is sent; undefined for as fast as it goes. */
export type Rate = (evaluation: Evaluation) => RateSettings | undefined;

/**
 * Compiles what the directives say. `$limit_rate` and X-Accel-Limit-Rate, which override the rate, are the caller's.
 * @returns undefined where there is never a limit
 */
export function compileRate({ limitRate, limitRateAfter }: WrittenRate, variables: Variables): Rate | undefined {
  const rateText = constantOf(limitRate);
  const afterText = constantOf(limitRateAfter);
  if (rateText !== undefined && !(sizeOf(rateText) > 0)) return undefined;
  if (rateText !== undefined && afterText !== undefined) {
    const constant = { rate: sizeOf(rateText), after: sizeOf(afterText) };
    return () => constant;
  }
  const rateOf = compileText(limitRate, variables);
  const afterOf = compileText(limitRateAfter, variables);
  return (evaluation) => {
    const rate = evaluated(rateOf(evaluation), evaluation);
    return rate === 0 ? undefined : { rate, after: evaluated(afterOf(evaluation), evaluation) };
  };
}

function sizeOf(text: string): number {
  return parseSizeText(text, false) ?? 0;
}

/** nginx: what is no size is none, and the error log says so. */
function evaluated(text: string, { facts }: Evaluation): number {
  const size = text === "" ? 0 : parseSizeText(text, false);
  if (size === undefined) facts.report("error", `invalid size "${text}"`);
  return size ?? 0;
}
