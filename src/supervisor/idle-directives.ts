/**
 * Directives of nginx's main context and of `events { }` that are accepted and have nothing to do here, and why.
 */
import { type ArgumentType, choice, number, offset, onOff, string, time } from "../config/nginx/argument-types.ts";
import { type AnyDirectiveRow, type Arguments, many, one } from "../config/nginx/directive-row.ts";
import { err, ok } from "../std/result.ts";

interface Idle {
  readonly name: string;
  readonly where: "main" | "events";
  readonly takes: Arguments<unknown>;
  readonly default?: string;
  readonly mayRepeat?: true;
  /** What it is in nginx. */
  readonly doc: string;
  /** Why there is nothing to do. */
  readonly why: string;
  readonly example: string;
}

const node = "Node waits for connections in its own way";

/** A number that may be negative: worker_priority. */
const signed: ArgumentType<number> = {
  label: "number",
  parse: (word, directive) => {
    if (/^[+-]?\d{1,9}$/.test(word)) return ok(Number(word));
    return err({ nginx: `"${directive}" directive invalid number`, expected: "a number from -20 to 20" });
  },
};

const cpuMask: ArgumentType<string> = {
  label: "auto | cpumask",
  parse: (word) => {
    const wrong = word === "auto" ? undefined : /[^01]/.exec(word)?.[0];
    if (wrong === undefined) return ok(word);
    const nginx = `invalid character "${wrong}" in "worker_cpu_affinity"`;
    return err({ nginx, expected: "auto, or ones and zeros, one for each processor" });
  },
};

const eventMethod: ArgumentType<string> = {
  label: "method",
  words: ["epoll", "poll", "select", "kqueue", "eventport", "/dev/poll"],
  parse: (word) => {
    const known = ["epoll", "poll", "select", "kqueue", "eventport", "/dev/poll"].includes(word);
    return known ? ok(word) : err({ nginx: `invalid event type "${word}"`, expected: "a method such as epoll" });
  },
};

const threadPool: Arguments<unknown> = {
  label: "name threads=number [max_queue=number]",
  countMin: 2,
  countMax: 3,
  parse: (words) => {
    const index = words.findIndex((word, at) => at > 0 && !/^(?:threads|max_queue)=\d{1,9}$/.test(word));
    if (index === -1) return ok(words);
    const nginx = `invalid parameter "${words[index] ?? ""}"`;
    return err({ nginx, expected: "threads=16 or max_queue=65536", index });
  },
};

const number31 = number({ min: 0, max: 2 ** 31 - 1 });

const idle: readonly Idle[] = [
  {
    name: "worker_rlimit_nofile",
    where: "main",
    takes: one(number31),
    doc: "The limit of open files of nginx's processes.",
    why: "the limit that the program is started with holds (ulimit -n, LimitNOFILE=), up to its hard one",
    example: "worker_rlimit_nofile 65536;",
  },
  {
    name: "worker_rlimit_core",
    where: "main",
    takes: one(offset()),
    doc: "The largest core dump of nginx's processes.",
    why: "the limit that the program is started with holds (ulimit -c, LimitCORE=)",
    example: "worker_rlimit_core 500m;",
  },
  {
    name: "worker_cpu_affinity",
    where: "main",
    takes: many(cpuMask),
    doc: "Which processors nginx's processes run on.",
    why: "threads run where the system puts them; taskset and CPUAffinity= bind the whole program",
    example: "worker_cpu_affinity auto;",
  },
  {
    name: "worker_priority",
    where: "main",
    takes: one(signed),
    default: "0",
    doc: "The priority of nginx's processes.",
    why: "the priority that the program is started with holds (nice, Nice=)",
    example: "worker_priority -5;",
  },
  {
    name: "working_directory",
    where: "main",
    takes: one(string("directory")),
    doc: "Where core dumps of nginx's processes are written.",
    why: "the directory that the program is started in holds; that of an application is its chdir",
    example: "working_directory /var/tmp;",
  },
  {
    name: "master_process",
    where: "main",
    takes: one(onOff()),
    default: "on",
    doc: "Whether nginx starts worker processes.",
    why: "there always is a master: applications run in processes of their own",
    example: "master_process on;",
  },
  {
    name: "pcre_jit",
    where: "main",
    takes: one(onOff()),
    default: "off",
    doc: "Whether PCRE compiles regular expressions to machine code.",
    why: "regular expressions are V8's, which compiles those that are used often",
    example: "pcre_jit on;",
  },
  {
    name: "lock_file",
    where: "main",
    takes: one(string("file")),
    default: "logs/nginx.lock",
    doc: "A file for locks between nginx's processes.",
    why: "no lock of a file is needed",
    example: "lock_file logs/nginx.lock;",
  },
  {
    name: "debug_points",
    where: "main",
    takes: one(choice(["abort", "stop"])),
    doc: "What nginx does when it finds a fault of its own.",
    why: "a fault of ours ends the edge, and another one is started",
    example: "debug_points stop;",
  },
  {
    name: "timer_resolution",
    where: "main",
    takes: one(time()),
    doc: "How often nginx asks for the time.",
    why: "the time is asked for at most once a turn of the event loop",
    example: "timer_resolution 100ms;",
  },
  {
    name: "thread_pool",
    where: "main",
    takes: threadPool,
    default: "default threads=32 max_queue=65536",
    mayRepeat: true,
    doc: "Threads that read files for nginx.",
    why: "files are read by the threads of libuv, whose number UV_THREADPOOL_SIZE says",
    example: "thread_pool default threads=32 max_queue=65536;",
  },
  {
    name: "ssl_engine",
    where: "main",
    takes: one(string("device")),
    doc: "A device that does OpenSSL's work.",
    why: "there is no TLS here yet",
    example: "ssl_engine rdrand;",
  },
  {
    name: "ssl_object_cache_inheritable",
    where: "main",
    takes: one(onOff()),
    default: "on",
    doc: "Whether certificates that have not changed survive a reload.",
    why: "there is no TLS here yet",
    example: "ssl_object_cache_inheritable on;",
  },
  {
    name: "use",
    where: "events",
    takes: one(eventMethod),
    doc: "How nginx waits for events.",
    why: node,
    example: "use epoll;",
  },
  {
    name: "multi_accept",
    where: "events",
    takes: one(onOff()),
    default: "off",
    doc: "Whether all connections that wait are accepted at once.",
    why: node,
    example: "multi_accept on;",
  },
  {
    name: "accept_mutex",
    where: "events",
    takes: one(onOff()),
    default: "off",
    doc: "Whether nginx's processes take turns in accepting connections.",
    why: "each thread has a socket of its own (SO_REUSEPORT), and the system shares connections out",
    example: "accept_mutex off;",
  },
  {
    name: "accept_mutex_delay",
    where: "events",
    takes: one(time()),
    default: "500ms",
    doc: "How long a process waits for its turn.",
    why: "each thread has a socket of its own (SO_REUSEPORT), and the system shares connections out",
    example: "accept_mutex_delay 500ms;",
  },
  {
    name: "worker_aio_requests",
    where: "events",
    takes: one(number31),
    default: "32",
    doc: "Asynchronous reads that one of nginx's processes may have open.",
    why: "files are read by the threads of libuv, whose number UV_THREADPOOL_SIZE says",
    example: "worker_aio_requests 32;",
  },
  {
    name: "debug_connection",
    where: "events",
    takes: one(string("address | CIDR | unix:")),
    mayRepeat: true,
    doc: "Clients whose connections are logged at nginx's level debug.",
    why: "the level of a log holds for all connections: error_log … debug in a server or a location",
    example: "debug_connection 127.0.0.1;",
  },
  {
    name: "stall_threshold",
    where: "events",
    takes: one(time()),
    default: "1000ms",
    doc: "After how long a turn of the event loop is reported.",
    why: "nothing is reported about turns of the event loop",
    example: "stall_threshold 1000ms;",
  },
];

export const idleDirectives: readonly AnyDirectiveRow[] = idle.map(({ where, takes, why, ...row }) => ({
  ...row,
  module: "ngx_core_module",
  contexts: [where],
  arguments: takes,
  merge: "none",
  withoutEffect: why,
}));
