"""A WSGI application with one path for each behaviour that the tests of the edge look at."""
import hashlib
import json
import os
import threading
import time
from urllib.parse import parse_qs

# What happened in this worker, for the tests to ask: generators closed, uploads read, requests begun.
EVENTS = []
LOCK = threading.Lock()
BLOCK = bytes(range(256)) * 256


def text(start_response, body, status="200 OK", headers=()):
    body = body.encode("latin-1") if isinstance(body, str) else body
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *headers])
    return [body]


def as_json(start_response, value):
    return text(start_response, json.dumps(value))


def hello(environ, start_response, query):
    return text(start_response, "hello " + query.get("n", "world"))


def environ_(environ, start_response, query):
    """Everything of the environ that is text."""
    return as_json(start_response, {key: value for key, value in environ.items() if isinstance(value, str)})


def tls(environ, start_response, query):
    """What is known of the connection's TLS."""
    return as_json(start_response, {
        key: value for key, value in environ.items()
        if key.startswith("SSL_") or key in ("HTTPS", "wsgi.url_scheme")})


def hash_(environ, start_response, query):
    """Reads the body in pieces; tells its size and hash."""
    EVENTS.append("begun")
    digest, size = hashlib.sha256(), 0
    while True:
        part = environ["wsgi.input"].read(65_536)
        if not part:
            break
        digest.update(part)
        size += len(part)
    EVENTS.append("read")
    return as_json(start_response, {"size": size, "sha256": digest.hexdigest(),
                                    "length": environ.get("CONTENT_LENGTH")})


def who(environ, start_response, query):
    """Notes whom it takes the client for."""
    EVENTS.append(environ["REMOTE_ADDR"])
    return text(start_response, environ["REMOTE_ADDR"])


def sleep(environ, start_response, query):
    EVENTS.append("begun")
    time.sleep(float(query["s"]))
    return text(start_response, "slept " + query.get("n", ""))


def record(environ, start_response, query):
    """Appends a number, the process and the milliseconds of the clock to a file, works a little, answers."""
    with open(os.environ["TEST_FOLDER"] + "/record", "ab", buffering=0) as file:
        file.write(b"%s %d %d\n" % (query["n"].encode(), os.getpid(), time.monotonic() * 1000))
    time.sleep(float(query.get("s", "0")))
    return text(start_response, "recorded")


def pid(environ, start_response, query):
    return text(start_response, str(os.getpid()))


def events(environ, start_response, query):
    """What happened since the last time."""
    with LOCK:
        happened, EVENTS[:] = list(EVENTS), []
    return as_json(start_response, happened)


class Stream:
    """`count` blocks of `size` bytes with a pause before each but the first."""

    def __init__(self, query):
        self.left = int(query["count"])
        self.size = int(query.get("size", "10"))
        self.pause = float(query.get("s", "0"))
        self.first = True
        self.name = query.get("n", "")

    def __iter__(self):
        return self

    def __next__(self):
        if self.left == 0:
            EVENTS.append("exhausted " + self.name)
            raise StopIteration
        if not self.first:
            time.sleep(self.pause)
        self.first = False
        self.left -= 1
        return BLOCK[:self.size] if self.size <= len(BLOCK) else BLOCK * (self.size // len(BLOCK))

    def close(self):
        EVENTS.append("closed " + self.name)


def stream(environ, start_response, query):
    headers = [("Content-Type", query.get("type", "application/octet-stream"))]
    if "length" in query:
        headers.append(("Content-Length", query["length"]))
    if "close" in query:
        headers.append(("Connection", "close"))
    start_response("200 OK", headers)
    return Stream(query)


def head_status(environ, start_response, query):
    """A status whose responses have no body, with a body all the same."""
    start_response(query["status"] + " Something", [])
    return [b"not to be sent"]


def fail(environ, start_response, query):
    """Raises before the head, or after some blocks."""
    if "after" not in query:
        raise RuntimeError("before the head")
    start_response("200 OK", [("Content-Type", "text/plain")])

    def blocks():
        for _ in range(int(query["after"])):
            yield b"x" * 1000
        raise RuntimeError("after the head")
    return blocks()


def file(environ, start_response, query):
    """A file by wsgi.file_wrapper."""
    name = os.environ["TEST_FOLDER"] + "/" + query["name"]
    opened = open(name, "rb")
    opened.seek(int(query.get("offset", "0")))
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return environ["wsgi.file_wrapper"](opened, 65_536)


PATHS = {"/": hello, "/who": who, "/environ": environ_, "/hash": hash_, "/sleep": sleep, "/record": record, "/pid": pid,
         "/events": events, "/stream": stream, "/status": head_status, "/fail": fail, "/file": file, "/tls": tls}


def app(environ, start_response):
    query = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
    return PATHS.get(environ["PATH_INFO"], environ_)(environ, start_response, query)
