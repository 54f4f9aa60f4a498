// The same bars as a picture, for the README. No scripts, no fonts of its own, readable on light and dark pages.
import { rateOf, type Result, whole } from "./report.ts";

const width = 760, nameWidth = 130, barsWidth = 480, rowHeight = 22, barHeight = 15, titleHeight = 34;

/** @returns SVG: for each scenario one bar a contender, as long as its requests per second */
export function plot(results: readonly Result[], caption: string): string {
  let y = 8;
  const parts: string[] = [];
  for (const { scenario, rows } of results) {
    parts.push(`<text class="title" x="${nameWidth}" y="${y + 20}">${escaped(scenario)}</text>`);
    y += titleHeight;
    const fastest = Math.max(...rows.map(rateOf));
    for (const [index, row] of rows.entries()) {
      const length = Math.max(1, Math.round((rateOf(row) / fastest) * barsWidth));
      const middle = y + barHeight / 2 + 4;
      const kind = index === 0 ? "ours" : "theirs";
      parts.push(
        `<text class="name" x="${nameWidth - 8}" y="${middle}">${escaped(row.name)}</text>`,
        `<rect class="${kind}" x="${nameWidth}" y="${y}" width="${length}" height="${barHeight}" rx="2"/>`,
        `<text x="${nameWidth + length + 6}" y="${middle}">${whole(rateOf(row))}</text>`,
      );
      y += rowHeight;
    }
  }
  y += 24;
  parts.push(`<text class="caption" x="8" y="${y - 4}">${escaped(caption)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 8}" role="img" \
aria-label="requests per second of one processor core">
<style>
text { font: 12px system-ui, sans-serif; fill: #555 }
.name { text-anchor: end }
.title { font-weight: 600; font-size: 13px; fill: #333 }
.caption { font-size: 11px }
.ours { fill: #2a7f9e }
.theirs { fill: #b9c4ca }
@media (prefers-color-scheme: dark) { text { fill: #aaa } .title { fill: #ddd } .theirs { fill: #5a666d } }
</style>
${parts.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
