// Which programs serve which application, or which site: the rows of the comparison.
import { join } from "node:path";
import { root } from "./machine.ts";

/** One program (or two, one behind the other) that serves an application. */
export interface Contender {
  readonly name: string;
  /** What is run in front of `command`, given the port that the application listens on. */
  readonly isBehindNginx: boolean;
  readonly command: (place: Place) => readonly string[];
}

/** Where an application, or a site, is to be served. */
export interface Place {
  /** The virtual environment of the peers. */
  readonly venv: string;
  readonly nginx: string;
  /** Of the server's own; a scenario's site is in `site.conf` there. */
  readonly directory: string;
  /** `module:attribute`, importable from `apps`. */
  readonly app: string;
  readonly port: number;
}

export interface Scenario {
  readonly name: string;
  /** "" where a site is served. */
  readonly app: string;
  /** A site with TLS, with a certificate of this kind, in place of an application. */
  readonly site?: CertificateKind;
  /** What every contender must answer to a plain request. */
  readonly body: string;
  /** What is counted: answers to requests, messages of WebSockets that arrive, connections that TLS has opened. */
  readonly load: "requests" | "echo" | "broadcast" | "full" | "resumed";
  /** As many clients; those of the command line if left out. */
  readonly connections?: number;
  /** The first is ours. */
  readonly contenders: readonly Contender[];
}

/** Of a certificate's key: what `openssl genpkey` is told. */
export type CertificateKind = "ec" | "rsa";

/** The directory of the applications. */
export const apps: string = join(root, "bench/apps");

const address = ({ port }: Place): string => `127.0.0.1:${port}`;
const host = ({ port }: Place): readonly string[] => ["--host", "127.0.0.1", "--port", String(port)];
const program = ({ venv }: Place, name: string): string => join(venv, "bin", name);

// Each as it comes, with one Python process and without an access log.
const tricorn: Contender = {
  name: "tricorn",
  isBehindNginx: false,
  command: (place) => [
    join(root, "bin/tricorn"), place.app, "--bind", address(place), "--python", place.venv, "--app-dir", apps,
  ],
};
const gunicorn: Contender = {
  name: "gunicorn",
  isBehindNginx: false,
  // The class that its documentation names for Python code behind keep-alive connections.
  command: (place) => [
    program(place, "gunicorn"), place.app, "--bind", address(place), "--worker-class", "gthread", "--threads", "4",
  ],
};
const uvicorn: Contender = {
  name: "uvicorn",
  isBehindNginx: false,
  command: (place) => [program(place, "uvicorn"), place.app, ...host(place), "--no-access-log"],
};
const granianWsgi: Contender = {
  name: "granian",
  isBehindNginx: false,
  command: (place) => [
    program(place, "granian"), place.app, ...host(place), "--interface", "wsgi", "--blocking-threads", "1",
  ],
};
const granianAsgi: Contender = {
  name: "granian",
  isBehindNginx: false,
  command: (place) => [program(place, "granian"), place.app, ...host(place), "--interface", "asgi"],
};

const gunicornAsgi: Contender = {
  name: "gunicorn",
  isBehindNginx: false,
  command: (place) => [program(place, "gunicorn"), place.app, "--bind", address(place), "--worker-class", "asgi"],
};
const uvicornWsproto: Contender = {
  ...uvicorn,
  name: "uvicorn, wsproto",
  command: (place) => [...uvicorn.command(place), "--ws", "wsproto"],
};

const tricornSite: Contender = {
  ...tricorn, command: ({ directory }) => [join(root, "bin/tricorn"), "-c", join(directory, "site.conf")],
};
const nginxSite: Contender = {
  name: "nginx", isBehindNginx: false, command: ({ nginx, directory }) => [nginx, "-c", join(directory, "site.conf")],
};

function behindNginx(contender: Contender): Contender {
  return { ...contender, name: `nginx+${contender.name}`, isBehindNginx: true };
}

const wsgi = [tricorn, granianWsgi, gunicorn, behindNginx(granianWsgi), behindNginx(gunicorn)];
const asgi = [tricorn, granianAsgi, uvicorn, behindNginx(granianAsgi), behindNginx(uvicorn)];
const webSocket = [tricorn, granianAsgi, uvicorn, uvicornWsproto, gunicornAsgi, behindNginx(uvicorn)];
const sites = [tricornSite, nginxSite];
const hello = "Hello, World!";
const json = '{"colours":["black","red","green"],"corners":3,"name":"tricorn"}';

export const scenarios: readonly Scenario[] = [
  { name: "wsgi-hello", app: "wsgi_hello:app", body: hello, load: "requests", contenders: wsgi },
  { name: "flask", app: "flask_json:app", body: json, load: "requests", contenders: wsgi },
  { name: "django", app: "django_json:app", body: json, load: "requests", contenders: wsgi },
  { name: "asgi-hello", app: "asgi_hello:app", body: hello, load: "requests", contenders: asgi },
  { name: "fastapi", app: "fastapi_json:app", body: json, load: "requests", contenders: asgi },
  { name: "ws-echo", app: "asgi_websocket:app", body: hello, load: "echo", contenders: webSocket },
  {
    name: "ws-broadcast", app: "starlette_room:app", body: hello, load: "broadcast", connections: 1000,
    contenders: [tricorn, granianAsgi, uvicorn, uvicornWsproto, gunicornAsgi],
  },
  { name: "tls-request", app: "", site: "ec", body: hello, load: "requests", contenders: sites },
  { name: "tls-full-ec", app: "", site: "ec", body: hello, load: "full", connections: 8, contenders: sites },
  { name: "tls-full-rsa", app: "", site: "rsa", body: hello, load: "full", connections: 8, contenders: sites },
  { name: "tls-resumed", app: "", site: "ec", body: hello, load: "resumed", connections: 8, contenders: sites },
];

/**
 * A site with TLS, the same file for both.
 * @param directory with cert.pem and key.pem, for its pid file and temporary files
 */
export function siteConf({ directory, port }: { readonly directory: string; readonly port: number }): string {
  return `${mainConf(directory)}
  ssl_session_cache shared:TLS:10m;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${directory}/cert.pem;
    ssl_certificate_key ${directory}/key.pem;
    location / { return 200 "${hello}"; }
  }
}
`;
}

/**
 * nginx as people put it in front of such a server: connections to it are kept, nothing is logged.
 * @param directory for its pid file and temporary files
 */
export function nginxConf({ directory, port, upstream }: {
  readonly directory: string;
  readonly port: number;
  readonly upstream: number;
}): string {
  return `${mainConf(directory)}
  map $http_upgrade $connection_option { default upgrade; "" ""; }
  upstream app {
    server 127.0.0.1:${upstream};
    keepalive 64;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_option;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;
}

/** What both files begin with. */
function mainConf(directory: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `  ${name}_temp_path ${directory}/${name};`)
    .join("\n");
  return `worker_processes 1;
daemon off;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  # As many requests a connection as come: the peers have no limit either.
  keepalive_requests 100000000;
${temporary}`;
}
