// Runs nginx's public test suite with Tricorn in the place of nginx, and prints what passed by group
// (docs/nginx-tests.md):
//   node tools/nginx-tests.ts FOLDER [--binary nginx] [--jobs 2] [word …]
// Words choose groups and files whose names contain one of them.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findProgram } from "./needs.ts";
import { root } from "./venv.ts";

/** The groups of what is here, and their files. */
const groups: Readonly<Record<string, string>> = {
  "http core": `body body_chunked http_error_page http_expect_100_continue http_header_buffers http_headers_multi
    http_keepalive http_keepalive_shutdown http_listen http_listen_wildcard http_max_headers http_method
    http_request_port ignore_invalid_headers trailers`,
  "rewrite, routing, variables": `geo geo_binary geo_ipv6 geo_unix geo_volatile http_host http_location
    http_location_auto http_server_name http_uri http_variables map map_complex map_volatile merge_slashes request_id
    rewrite rewrite_if rewrite_set rewrite_unescape split_clients userid userid_flags`,
  "HTTP/2": `h2 h2_absolute_redirect h2_auth_request h2_error_page h2_fastcgi_request_buffering h2_headers h2_host
    h2_http2 h2_keepalive h2_limit_conn h2_limit_req h2_max_headers h2_priority h2_proxy_cache
    h2_proxy_max_temp_file_size h2_proxy_protocol h2_proxy_request_buffering h2_proxy_request_buffering_redirect
    h2_proxy_request_buffering_ssl h2_proxy_ssl h2_request_body h2_request_body_extra h2_request_body_preread
    h2_server_tokens h2_ssl h2_ssl_proxy_cache h2_ssl_proxy_protocol h2_ssl_variables h2_ssl_verify_client h2_trailers
    h2_variables`,
  "static files": `autoindex autoindex_format empty_gif headers http_absolute_redirect http_disable_symlinks
    http_include http_try_files index msie_refresh not_modified not_modified_finalize not_modified_proxy random_index
    range range_charset range_clearing range_if_range`,
  "output filters, subrequests": `addition addition_buffered charset charset_gzip_static gunzip gunzip_static gzip
    mirror mirror_proxy post_action slice sub_filter sub_filter_buffering sub_filter_merge sub_filter_multi
    sub_filter_multi2 sub_filter_slice subrequest_output_buffer_size`,
  "limits and access": `access auth_basic auth_delay auth_request auth_request_satisfy auth_request_set limit_conn
    limit_conn_complex limit_conn_dry_run limit_rate limit_req limit_req2 limit_req_delay limit_req_dry_run referer
    secure_link`,
  "process control, logs": `access_log access_log_variables binary_upgrade config_dump debug_connection
    debug_connection_syslog debug_connection_unix error_log server_tokens stub_status syslog worker_shutdown_timeout
    worker_shutdown_timeout_h2 worker_shutdown_timeout_proxy_upgrade`,
  "realip, PROXY protocol": `proxy_protocol proxy_protocol2 proxy_protocol2_tlv proxy_protocol_ipv6
    proxy_protocol_unix realip realip_hostname realip_remote_addr realip_remote_port ssl_proxy_protocol`,
  "proxy core": `proxy proxy_available proxy_bind proxy_chunked proxy_chunked_extra proxy_connection_headers
    proxy_cookie proxy_cookie_flags proxy_duplicate_headers proxy_early_hints proxy_extra_data proxy_force_ranges
    proxy_if proxy_implicit proxy_intercept_errors proxy_keepalive proxy_limit_rate proxy_limit_rate2
    proxy_max_temp_file_size proxy_merge_headers proxy_method proxy_next_upstream proxy_next_upstream_tries
    proxy_noclose proxy_non_idempotent proxy_pass_request proxy_redirect proxy_request_buffering
    proxy_request_buffering_chunked proxy_request_buffering_keepalive proxy_request_buffering_ssl proxy_set_body
    proxy_ssi_body proxy_ssl proxy_ssl_certificate proxy_ssl_certificate_cache proxy_ssl_certificate_empty
    proxy_ssl_certificate_vars proxy_ssl_conf_command proxy_ssl_crl proxy_ssl_keepalive proxy_ssl_name
    proxy_ssl_verify proxy_store proxy_trailers proxy_unfinished proxy_unix proxy_upgrade proxy_upstream_cookie
    proxy_variables proxy_websocket proxy_xar`,
  "upstream, balancing": `upstream upstream_hash upstream_hash_memcached upstream_ip_hash upstream_ip_hash_ipv6
    upstream_keepalive upstream_least_conn upstream_least_time upstream_max_conns upstream_random upstream_zone
    upstream_zone_ssl`,
  "resolver": `http_resolver http_resolver_aaaa http_resolver_cleanup http_resolver_cname http_resolver_ipv4
    upstream_resolve upstream_resolve_reload upstream_resolver upstream_service upstream_service_reload`,
  "sticky": `upstream_max_conns_sticky upstream_sticky upstream_sticky_drain upstream_sticky_learn
    upstream_sticky_learn_header upstream_sticky_next upstream_sticky_resolve upstream_sticky_route`,
  "tls": `ssl ssl_certificate ssl_certificate_aux ssl_certificate_chain ssl_certificates ssl_client_escaped_cert
    ssl_conf_command ssl_crl ssl_curve ssl_password_file ssl_proxy_upgrade ssl_reject_handshake ssl_session_reuse
    ssl_session_ticket_key ssl_sni ssl_sni_protocols ssl_sni_reneg ssl_sni_sessions ssl_verify_client
    ssl_verify_client_trusted ssl_verify_depth`,
  "uwsgi, fastcgi": `fastcgi fastcgi_body fastcgi_body2 fastcgi_buffering fastcgi_extra_data fastcgi_header_params
    fastcgi_keepalive fastcgi_merge_params fastcgi_merge_params2 fastcgi_request_buffering
    fastcgi_request_buffering_chunked fastcgi_split fastcgi_unix fastcgi_variables uwsgi uwsgi_body uwsgi_ssl
    uwsgi_ssl_certificate uwsgi_ssl_certificate_vars uwsgi_ssl_verify`,
  "HTTP/2 to upstreams": `grpc grpc_early_hints grpc_next_upstream grpc_pass grpc_request_buffering grpc_ssl
    grpc_trailers proxy_h2 proxy_h2_body proxy_h2_body_discard proxy_h2_cache proxy_h2_early_hints proxy_h2_headers
    proxy_h2_keepalive proxy_h2_method proxy_h2_next_upstream proxy_h2_pass_request proxy_h2_request_buffering
    proxy_h2_set_body proxy_h2_ssl proxy_h2_trailers`,
};

/** The slowest file takes nginx ten seconds, where it stops requests. */
const fileTimeoutMs = 120_000;

/** What one file of the suite said (TAP). */
export interface FileResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the whole file was left out. */
  readonly reason: string | undefined;
  /** Lines of what failed, and what the program said when it did not start. */
  readonly lines: readonly string[];
}

/** The protocol's mark, in two parts, since tidy takes it for our own. */
const expectedToFail = new RegExp("# TO" + "DO");

/** Reads the Test Anything Protocol. Tests that were planned and did not come have failed. */
export function readTap(text: string, isTimeout: boolean): FileResult {
  const plan = /^1\.\.(\d+)(?: # SKIP (.*))?/m.exec(text);
  const planned = Number(plan?.[1] ?? 0);
  if (plan !== null && planned === 0) {
    return { passed: 0, failed: 0, skipped: 1, reason: plan[2] ?? "no reason given", lines: [] };
  }
  const tests = [...text.matchAll(/^(not )?ok \d+(.*)$/gm)];
  const skipped = tests.filter(([, , title = ""]) => /# skip/i.test(title)).length;
  // What the suite itself expects to fail counts for nobody.
  const expected = tests.filter(([, , title = ""]) => expectedToFail.test(title)).length;
  const failures = tests.filter(([, isNot, title = ""]) => isNot !== undefined && !expectedToFail.test(title));
  const missing = Math.max(0, planned - tests.length);
  const lines = [
    ...failures.map(([line]) => line), ...(missing > 0 ? [`${missing} tests did not come`] : []),
    ...(isTimeout ? [`stopped after ${fileTimeoutMs / 1000} s`] : []),
    ...(text.match(/^nginx: \[emerg\].*$/gm) ?? []).slice(0, 3),
  ];
  const failed = failures.length + missing + (plan === null ? 1 : 0);
  const passed = tests.length - failures.length - skipped - expected;
  return { passed, failed, skipped: skipped + expected, reason: undefined, lines };
}

/**
 * The suite ends lines of its requests with a bare LF, which nginx takes and Tricorn refuses (docs/differences.md): the
 * sockets write CRLF instead, in heads that begin as requests do, and in nothing else. And its Huffman code fills a
 * string that ends with an octet by eight further bits, which RFC 7541 §5.2 has as an error: they are left out.
 */
export const suiteFaults: string = String.raw`package SuiteFaults;
use strict;
use warnings;
use IO::Handle;
no warnings 'redefine';
# A server of the suite may write into a connection that was reset.
$SIG{PIPE} = 'IGNORE';
sub ended {
	my ($text) = @_;
	# What the suite's own name servers are told to say is read by the suite, which expects no CR.
	return $text if $text =~ /^X-ERROR:/m;
	my $changed = '';
	# The PROXY protocol's header may stand in front.
	if ($text =~ /\A(?:PROXY [^\n]*\n|\r\n\r\n\0\r\nQUIT\n..(..))/s) {
		$changed = substr $text, 0, defined $1 ? 16 + unpack('n', $1) : $+[0], '';
	}
	while ($text =~ s/\A([A-Z]+ [^\n]*HTTP\/1\.[01]\n(?:[^\n]+\n)*(?:\n|[^\n]*\z))//) {
		my $head = $1;
		$head =~ s/(?<!\r)\n/\r\n/g;
		$changed .= $head;
		last if $head =~ /^(?:content-length|transfer-encoding):/im;
	}
	return $changed . $text;
}
*IO::Handle::print = sub {
	my ($self, @parts) = @_;
	return CORE::print { $self } ended(join '', @parts);
};
if (eval { require IO::Socket::SSL; 1 }) {
	my $print = \&IO::Socket::SSL::print;
	*IO::Socket::SSL::print = sub {
		my ($self, @parts) = @_;
		return $print->($self, ended(join '', @parts));
	};
}
if (eval { require Net::SSLeay; 1 }) {
	my $write = \&Net::SSLeay::write;
	*Net::SSLeay::write = sub ($$) {
		my ($ssl, $text) = @_;
		return $write->($ssl, ended($text));
	};
}
# Behind the suite's own modules.
INIT {
	if (defined &Test::Nginx::HTTP2::huff) {
		*Test::Nginx::HTTP2::huff = sub {
			my ($string) = @_;
			my $code = Test::Nginx::HTTP2::huff_code();
			my $bits = join '', map { $code->{$_} } split //, $string;
			my $size = length($bits) + -length($bits) % 8;
			return pack "B$size", $bits . $code->{_eos};
		};
	}
}
1;
`;

/** A folder with the program under the name that the suite gives it; `-V` must not promise what cannot be loaded. */
function prepare(folder: string, binary: string): string {
  const program = join(folder, "nginx");
  const dynamic = spawnSync(binary, ["-V"], { encoding: "utf8" }).stderr.includes("=dynamic");
  if (!dynamic) {
    symlinkSync(binary, program);
    return program;
  }
  const version = `"${binary}" -V 2>&1 | sed 's/ --with-[a-z_]*=dynamic//g' >&2`;
  writeFileSync(program, `#!/bin/sh\nif [ "$1" = -V ]; then ${version}; exit 0; fi\nexec "${binary}" "$@"\n`);
  chmodSync(program, 0o755);
  return program;
}

function runFile(suite: string, file: string, environment: NodeJS.ProcessEnv): Promise<FileResult> {
  return new Promise((done) => {
    // A group of its own, so that what a stopped test leaves behind can be ended with it.
    const child = spawn("perl", ["-Ilib", `${file}.t`], {
      cwd: suite, env: environment, detached: true, stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    let isTimeout = false;
    const timer = setTimeout(() => {
      isTimeout = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, fileTimeoutMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => (text += part));
    }
    // "close" waits for whoever holds the pipes; a server that the test forgot would be waited for until the timeout.
    child.once("exit", () => {
      setTimeout(() => {
        clearTimeout(timer);
        done(readTap(text, isTimeout));
      }, 50);
    });
    child.once("error", (error) => {
      clearTimeout(timer);
      done({ passed: 0, failed: 1, skipped: 0, reason: undefined, lines: [String(error)] });
    });
  });
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { binary: { type: "string" }, jobs: { type: "string", default: "2" } },
  });
  const [suite = "", ...words] = positionals;
  if (!existsSync(join(suite, "lib/Test/Nginx.pm"))) {
    process.stderr.write("usage: node tools/nginx-tests.ts FOLDER [--binary nginx] [--jobs 2] [word …]\n");
    return 2;
  }
  if (findProgram("perl") === undefined) {
    process.stderr.write("nginx-tests: needs perl and its modules (docs/nginx-tests.md)\n");
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "tricorn-nginx-tests-"));
  try {
    const program = prepare(folder, values.binary === undefined ? join(root, "bin/tricorn") : resolve(values.binary));
    mkdirSync(join(folder, "tmp"));
    writeFileSync(join(folder, "SuiteFaults.pm"), suiteFaults);
    const environment = {
      ...process.env, TMPDIR: join(folder, "tmp"), TEST_NGINX_BINARY: program,
      PERL5OPT: `-I${folder} -MSuiteFaults`,
      ...(process.getuid?.() === 0 && { TEST_NGINX_GLOBALS: "user root;" }),
    };
    const queue = Object.entries(groups).flatMap(([group, files]) => files.split(/\s+/)
      .filter((file) => words.length === 0 || words.some((word) => file === word || group.includes(word)))
      .filter((file) => existsSync(join(suite, `${file}.t`))).map((file) => ({ group, file })));
    const results = new Map<string, FileResult>();
    const next = queue.values();
    await Promise.all(Array.from({ length: Number(values.jobs) }, async () => {
      for (const { file } of next) {
        const result = await runFile(resolve(suite), file, environment);
        results.set(file, result);
        process.stdout.write(describe(file, result));
      }
    }));
    process.stdout.write(`\n${table(queue, results)}`);
    return [...results.values()].some(({ failed }) => failed > 0) ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe(file: string, { passed, failed, skipped, reason, lines }: FileResult): string {
  if (reason !== undefined) return `${file}: left out: ${reason}\n`;
  const counts = `${file}: ${passed} passed${skipped > 0 ? `, ${skipped} left out` : ""}`;
  return failed === 0 ? `${counts}\n` : `${counts}, ${failed} failed\n${lines.map((line) => `    ${line}\n`).join("")}`;
}

/** The closing table, in Markdown. */
function table(queue: readonly { group: string; file: string }[], results: ReadonlyMap<string, FileResult>): string {
  const rows = ["| group | files passed | failed | left out | assertions passed | failed | left out | share |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |"];
  for (const group of [...Object.keys(groups), "all"]) {
    const files = queue.filter((each) => group === "all" || each.group === group)
      .flatMap(({ file }) => results.get(file) ?? []);
    if (files.length === 0) continue;
    const sum = (of: (result: FileResult) => number): number => files.reduce((total, result) => total + of(result), 0);
    const ran = files.filter(({ reason }) => reason === undefined);
    const [passed, failed] = [sum((result) => result.passed), sum((result) => result.failed)];
    const share = passed + failed === 0 ? "–" : `${((100 * passed) / (passed + failed)).toFixed(1)} %`;
    const bad = ran.filter((result) => result.failed > 0).length;
    rows.push(`| ${group} | ${ran.length - bad} | ${bad} | ${files.length - ran.length} | ${passed} | ${failed} | ` +
      `${ran.reduce((total, { skipped }) => total + skipped, 0)} | ${share} |`);
  }
  return `${rows.join("\n")}\n`;
}

if (import.meta.main) process.exitCode = await main();
