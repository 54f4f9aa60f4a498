/**
 * The one typed configuration: what the operator meant, as plain frozen data.
 *
 * Text (a command line, the environment, later nginx's language) becomes this model once; nothing else
 * is consulted afterwards. It holds no sockets and no functions, so it can be printed and compared.
 * Durations are milliseconds, sizes are bytes, unless a name says otherwise.
 */

/** Where a listening socket is: an address and port, a path, or a descriptor that was inherited. */
export type Bind =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string; readonly mode: number | undefined }
  | { readonly kind: "fd"; readonly fd: number };

/** What a connection of HTTP/2 keeps to; names are nginx's, without their prefix. */
export interface Http2Settings {
  readonly enabled: boolean;
  readonly maxConcurrentStreams: number;
  /** Bytes of a request's body that may come before it is wanted. */
  readonly bodyPrereadSize: number;
  /** Bytes of a DATA frame. */
  readonly chunkSize: number;
}

/** Limits and timeouts of HTTP at the edge; names are nginx's directives. */
export interface HttpSettings {
  /** Longest request line in bytes (nginx: one of large_client_header_buffers, 8k; gunicorn: limit_request_line). */
  readonly requestLineSizeMax: number;
  /** Most field lines of one request (nginx: max_headers; gunicorn: limit_request_fields). */
  readonly fieldCountMax: number;
  /** Longest field line in bytes (gunicorn: limit_request_field_size, 8190). */
  readonly fieldSizeMax: number;
  /** Longest head, request line and all fields, in bytes (nginx: large_client_header_buffers, 4 × 8k). */
  readonly headSizeMax: number;
  /** Largest request body in bytes (nginx: client_max_body_size). */
  readonly clientMaxBodySize: number;
  /** Bodies up to this size stay in memory, larger ones go to a file (nginx: client_body_buffer_size). */
  readonly clientBodyBufferSize: number;
  /** Bodies always go to a file, which stays behind the request or does not (nginx: client_body_in_file_only). */
  readonly clientBodyInFileOnly: "off" | "on" | "clean";
  readonly clientHeaderTimeoutMs: number;
  readonly clientBodyTimeoutMs: number;
  readonly sendTimeoutMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Requests that one connection may carry (nginx: keepalive_requests, 1000). */
  readonly keepaliveRequests: number;
  /** Longest life of a connection before it is closed after an answer (nginx: keepalive_time, 1h). */
  readonly keepaliveTimeMs: number;
  /** Browsers whose connections are closed: "msie6" (Internet Explorer 4 to 6) behind a POST, "safari" always. */
  readonly keepaliveDisable: readonly ("msie6" | "safari")[];
  /** Accept field names with underscores (nginx: underscores_in_headers). */
  readonly underscoresInHeaders: boolean;
  readonly mergeSlashes: boolean;
  /** Value of the Server field, undefined for none (nginx: server_tokens). */
  readonly serverHeader: string | undefined;
  readonly dateHeader: boolean;
  /** Said in a Keep-Alive field, 0 for none (nginx: the second argument of keepalive_timeout). */
  readonly keepaliveHeaderMs: number;
  /** Responses without a length are chunked to HTTP/1.1 clients. */
  readonly chunkedTransferEncoding: boolean;
  /** "off": a connection that ends is closed at once; else the client may close it first. */
  readonly lingeringClose: "off" | "on" | "always";
  readonly lingeringTimeoutMs: number;
  /** A connection whose client takes nothing, or that gets no answer, is closed with a reset. */
  readonly resetTimedoutConnection: boolean;
  /** Errors about files that are not found are logged. */
  readonly logNotFound: boolean;
  readonly recursiveErrorPages: boolean;
  readonly http2: Http2Settings;
}

/** WebSockets of an ASGI application; names are uvicorn's. */
export interface WebSocketSettings {
  /** False: requests for a WebSocket are plain requests. */
  readonly enabled: boolean;
  /** Largest message of a client in bytes, after decompression. */
  readonly messageSizeMax: number;
  /** Messages of one client that may wait for the application. */
  readonly queueMax: number;
  /** Silence after which a client is sent a ping; 0 for never. */
  readonly pingIntervalMs: number;
  /** How long after a ping the client may stay silent. */
  readonly pingTimeoutMs: number;
  /** Offered compression is taken (RFC 7692). */
  readonly perMessageDeflate: boolean;
}

/** One pool of Python workers running one application. */
export interface AppSettings {
  /** What `app_pass` calls it. */
  readonly name: string;
  /** `module:attribute`, `module`, `module:factory()`, a file's path, or "" to look in the current directory. */
  readonly app: string;
  readonly factory: boolean;
  readonly interface: "auto" | "wsgi" | "asgi3" | "asgi2";
  /** Interpreter or virtual environment as given; undefined to look for one. */
  readonly python: string | undefined;
  readonly chdir: string;
  readonly appDir: string;
  readonly pythonpath: readonly string[];
  /** Variables added to the worker's environment: --env, then --env-file (which never overrides). */
  readonly env: readonly (readonly [name: string, value: string])[];
  /** As whom its workers run; undefined for the process's own user and group. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly workers: number;
  readonly threads: number;
  readonly preload: boolean;
  readonly loop: string;
  readonly lifespan: "auto" | "on" | "off";
  readonly rootPath: string;
  /** A request (WSGI) or an event loop (ASGI) silent for longer is killed; 0 turns it off. */
  readonly timeoutMs: number;
  readonly gracefulTimeoutMs: number;
  readonly maxRequests: number;
  readonly maxRequestsJitter: number;
  /** Requests that may wait for a worker; beyond it 503 (gunicorn: backlog, also given to listen). */
  readonly backlog: number;
}

export type LogLevel = "critical" | "error" | "warning" | "info" | "debug" | "trace";

/** A log of what went wrong, and of what the application prints. */
export interface ErrorLogSettings {
  /** "-" for standard error, else a file's path, or "syslog:…" as written. */
  readonly path: string;
  readonly level: LogLevel;
}

export interface ProcessSettings {
  /** Edge threads (nginx: worker_processes). */
  readonly workerProcesses: number;
  /** Client connections that one edge thread keeps open (nginx and gunicorn: worker_connections). */
  readonly workerConnections: number;
  /** Requests and connections in progress at once before 503 (uvicorn: --limit-concurrency); 0 for none. */
  readonly limitConcurrency: number;
  /** Time for what runs when the program ends or a configuration is replaced (nginx: worker_shutdown_timeout). */
  readonly gracefulTimeoutMs: number;
  readonly pid: string | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly umask: number | undefined;
  /** Leave the terminal (nginx: daemon). */
  readonly daemon: boolean;
  /** Errors of the whole program; the first is the one that `-e` names. */
  readonly errorLogs: readonly ErrorLogSettings[];
  readonly useColors: boolean | undefined;
}
