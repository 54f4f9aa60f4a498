// The PROXY protocol: both versions, what is none, and who the client is then.
import { differential } from "./group.ts";

const request = "GET / HTTP/1.0\r\n\r\n";
const signature = "\r\n\r\n\0\r\nQUIT\n";
const tcp4 = "\x01\x02\x03\x04\x05\x06\x07\x08\x04\x57\x08\xae";
const tcp6 = `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01${"\0".repeat(10)}\xff\xff\x09\x08\x07\x06\x04\x57\x08\xae`;

function second(command: number, family: number, rest: string): string {
  return signature + String.fromCharCode(command, family, rest.length >> 8, rest.length & 0xff) + rest;
}

const lines = [
  "PROXY TCP4 1.2.3.4 5.6.7.8 111 222", "PROXY TCP6 2001:DB8::1 ::1 111 222", "PROXY TCP4 ::1 ::2 111 222",
  "PROXY TCP4 999.2.3.4 5.6.7.8 111 222", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2", "PROXY UNKNOWN",
  "PROXY UNKNOWN ffff::1 x", "PROXY UNKNOWNX", "PROXY TCP4 1.2.3.4 5.6.7.8 65536 222",
  "PROXY TCP4 1.2.3.4 5.6.7.8 0 65535", "PROXY TCP4 1.2.3.4 5.6.7.8 00111 222", "PROXY TCP4 1.2.3.4 5.6.7.8  ",
  "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3", "proxy TCP4 1.2.3.4 5.6.7.8 1 2", "PROXY  TCP4 1.2.3.4 5.6.7.8 1 2",
  "PROXY UDP4 1.2.3.4 5.6.7.8 1 2", "PROXY TCP4 1.2.3.4 5.6.7.8 1", "PROXY TCP4 x y 1 2", "PROXY", "PROXY ",
  "PROXY TCP5 1.2.3.4 5.6.7.8 1 2", "PROXY TCP4 1.2.3.4 5.6.7.8 -1 2", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 ",
];
const binary: readonly (readonly [name: string, header: string])[] = [
  ["IPv4", second(0x21, 0x11, tcp4)], ["IPv6", second(0x21, 0x21, tcp6)], ["LOCAL", second(0x20, 0x11, tcp4)],
  ["LOCAL without addresses", second(0x20, 0, "")], ["another command", second(0x22, 0x11, tcp4)],
  ["version 1 in the second", second(0x11, 0x11, tcp4)], ["version 3", second(0x31, 0x11, tcp4)],
  ["UDP", second(0x21, 0x12, tcp4)], ["no transport", second(0x21, 0x10, tcp4)], ["no family", second(0x21, 0, "")],
  ["another family", second(0x21, 0x41, tcp4)], ["a short Unix socket", second(0x21, 0x31, "a")],
  ["too short for IPv4", second(0x21, 0x11, tcp4.slice(1))], ["too short for IPv6", second(0x21, 0x21, tcp6.slice(1))],
  ["a TLV", second(0x21, 0x11, `${tcp4}\x01\0\x02h2`)], ["a cut TLV", second(0x21, 0x11, `${tcp4}\x01\0\xffh2`)],
  ["more than 4096 bytes", second(0x21, 0x11, tcp4 + "\0".repeat(5000))],
  ["many TLVs", second(0x21, 0x11, `${tcp4}\x04\x03\xe8${"\0".repeat(1000)}`)],
  ["another signature", `\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c${tcp4}`],
];
const said = String.raw`"$remote_addr|$proxy_protocol_addr|$proxy_protocol_port|$proxy_protocol_server_addr|` +
  String.raw`$proxy_protocol_server_port|$realip_remote_addr|$realip_remote_port|$remote_port\n"`;
/** The client's own port. */
const masks = [/(?<=\|)\d{5}(?=[|\n])(?!\|127)/g];

differential({
  title: "the PROXY protocol",
  http: `
    log_format who "$remote_addr $proxy_protocol_addr $status";
    server { listen 127.0.0.1:%PORT% proxy_protocol; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
      location / { return 200 ${said}; }
      location /denied { deny 1.2.3.4; return 200 "in"; }
      location /file { deny 1.2.3.4; root %ROOT%; } }
    server { listen 127.0.0.1:%PORT2% proxy_protocol; access_log %PREFIX%/who.log who;
      location / { return 200 ${said}; } }
    server { listen 127.0.0.1:%PORT3% proxy_protocol; set_real_ip_from 10.0.0.0/8; real_ip_header proxy_protocol;
      location / { return 200 ${said}; } }
    server { listen 127.0.0.1:%PORT4%; set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
      location / { return 200 ${said}; } }
    server { listen unix:%PREFIX%/s proxy_protocol; set_real_ip_from unix:; real_ip_header proxy_protocol;
      access_log %PREFIX%/who.log who; location / { return 200 ${said}; } }`,
  files: { file: "file" },
  differs: {
    "proxy-protocol-addresses": [
      "PROXY TCP4 ::1 ::2 111 222", "PROXY TCP4 999.2.3.4 5.6.7.8 111 222", "PROXY TCP4 01.2.3.4 5.6.7.8 1 2",
    ],
    "long-proxy-protocol-headers": ["many TLVs"],
  },
  cases: [
    ...lines.map((line) => ({ name: line, request: `${line}\r\n${request}`, methods: ["GET"], masks })),
    ...binary.map(([name, header]) => ({ name, request: header + request, methods: ["GET"], masks })),
    { name: "a line with a bare LF", request: `PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n${request}` },
    { name: "a request without a header", request },
    { name: "two headers", request: `${lines[0]}\r\n${lines[0]}\r\n${request}`, methods: ["GET"] },
    ...[2, 3, "s"].flatMap((to) => [lines[0], "PROXY UNKNOWN"].map((line) =>
      ({ name: `${line}`, request: `${line}\r\n${request}`, methods: ["GET"], masks, to }))),
    { name: "no header where none is wanted", request, methods: ["GET"], masks, to: 4 },
    { name: "a header where none is wanted", request: `${lines[0]}\r\n${request}`, methods: ["GET"], to: 4 },
    ...["/denied", "/file"].map((path) =>
      ({ name: path, request: `${lines[0]}\r\nGET ${path} HTTP/1.0\r\n\r\n`, methods: ["GET"] })),
    {
      name: "two requests", masks, methods: ["GET", "GET"],
      request: `${lines[0]}\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    },
  ],
  logs: ["who.log"],
});
