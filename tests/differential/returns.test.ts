// return with every status that nginx treats in its own way, and what error_page and HEAD make of it.
import { differential } from "./group.ts";

const statuses = [
  200, 201, 202, 203, 204, 205, 206, 207, 299, 300, 301, 302, 303, 304, 305, 307, 308, 309, 400, 401, 402, 403, 404,
  405,
  406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 426, 428, 429, 431, 444, 451,
  494,
  495, 496, 497, 498, 499, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 599, 600, 666, 799, 999,
];

differential({
  title: "return in odd statuses",
  http: `
    server {
      listen 127.0.0.1:%PORT%;
      ${statuses.map((status) => `location = /${status} { return ${status}; }`).join("\n")}
      ${statuses.map((status) => `location = /text/${status} { return ${status} text; }`).join("\n")}
      location = /0 { return 0; }
      location = /1 { return 1; }
      location = /99 { return 99; }
      location = /100 { return 100; }
      location = /101 { return 101; }
      location = /102 { return 102; }
    }`,
  differs: {
    "older-phrases": [/^the phrase of /],
    "reason-phrases": [/^GET \/(?:text\/)?(?:203|205|207|300|305)$/, /^GET \/text\/4(?:07|17|18|22|23|24|26|28|31|51)$/,
      /^GET \/text\/5(?:06|08|11)$/],
    "pages-for-all-statuses": [/^GET \/4(?:07|17|18|22|23|24|26|28|31|51)$/, /^GET \/5(?:06|08|10|11|99)$/,
      /^GET \/(?:600|666|799|999)$/],
    "silent-statuses": ["GET /408"],
    "no-status": ["GET /text/444", "GET /0", "GET /99"],
    "redirect-without-place": [/^GET \/30[12378]$/],
  },
  cases: [
    ...statuses.map((status) => `GET /${status}`), ...statuses.map((status) => `GET /text/${status}`),
    "HEAD /200", "HEAD /204", "HEAD /304", "HEAD /404", "HEAD /text/200", "HEAD /text/404", "POST /405", "POST /404",
    "GET /200 HTTP/1.0", "GET /404 HTTP/1.0", "GET /text/200 HTTP/1.0",
    "GET /0", "GET /99",
    ...[302, 405, 408, 413, 414, 416, 503, 504].map((status) =>
      ({ request: `GET /text/${status}`, bare: /^HTTP.*$/m, name: `the phrase of ${status}` })),
  ],
});
