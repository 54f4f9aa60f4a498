"""The other end, for tests: a master and edge threads in Python, over real sockets, and a worker process."""
from __future__ import annotations

import itertools
import json
import marshal
import mmap
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

WORKER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tricorn", "worker")
TIMEOUT_S = 20.0


def encode(frame, keys=()):
    """
    A whole frame. The head of a request may be given as one dict, which is made values of `keys` and the rest, and its
    fields may be missing, when all of them are in its head.
    """
    if len(frame) > 4 and frame[0] == 1 and type(frame[3]) is dict:
        kind, id, base, head, body, *fields = frame
        there = list(itertools.takewhile(head.__contains__, keys))
        own = {key: value for key, value in head.items() if key not in there}
        frame = (kind, id, base, tuple(head[key] for key in there), own, body, *(fields or [{}]))
    payload = marshal.dumps(frame, 2)
    return struct.pack("<I", len(payload)) + payload


class Lines:
    """JSON lines over a socket."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(TIMEOUT_S)
        self.buffer = b""

    def send(self, message):
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def receive(self):
        while b"\n" not in self.buffer:
            data = self.sock.recv(65536)
            if not data:
                return None
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)


class Link:
    """One connection to a worker, frames both ways."""

    def __init__(self, path, role, edge, bases):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT_S)
        self.sock.connect(path)
        self.buffer = b""
        self.keys = () if role == "steward" else ASGI_KEYS if any("type" in base for base in bases) else WSGI_KEYS
        self.send((0, 3, role, edge, bases, list(self.keys)))
        self.hello = self.receive()

    def send(self, *frames):
        self.sock.sendall(b"".join(encode(frame, self.keys) for frame in frames))

    def receive(self):
        """The next frame; None at the end of file."""
        while True:
            if len(self.buffer) >= 4:
                size = struct.unpack_from("<I", self.buffer)[0]
                if len(self.buffer) >= 4 + size:
                    frame = marshal.loads(self.buffer[4:4 + size])
                    self.buffer = self.buffer[4 + size:]
                    return frame
            try:
                data = self.sock.recv(1 << 20)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.buffer += data

    def quiet(self, seconds):
        """Waits so long for a frame, returns whether none came."""
        return not self.buffer and not select.select([self.sock], [], [], seconds)[0]

    def response(self, id):
        """Gathers one response: (status, headers, body, frames)."""
        frames, body, status, headers = [], b"", None, None
        while True:
            frame = self.receive()
            if frame is None:
                raise EOFError("the worker has gone")
            if frame[1] != id:
                continue
            frames.append(frame)
            if frame[0] in (1, 2):
                _, _, block, status, headers = frame
                body += block
                if frame[0] == 2 and block:
                    self.send((4, id, len(block)))
            elif frame[0] == 3:
                body += frame[2]
                self.send((4, id, len(frame[2])))
            if frame[0] == 5:
                # The file is open.
                self.send((4, id, 1))
            if frame[0] in (1, 4, 5, 6):
                return status, headers, body, frames

    def close(self):
        self.sock.close()


WSGI_KEYS = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "RAW_URI", "REQUEST_URI", "REMOTE_ADDR", "REMOTE_PORT")
ASGI_KEYS = ("path", "raw_path", "query_string", "client", "method")
WSGI_BASE = {"SERVER_NAME": "localhost", "SERVER_PORT": "8000", "SERVER_PROTOCOL": "HTTP/1.1", "SCRIPT_NAME": "",
             "wsgi.url_scheme": "http"}
ASGI_BASE = {"type": "http", "http_version": "1.1", "scheme": "http", "root_path": "", "server": ("localhost", 8000)}


def environ(path="/", method="GET", **more):
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "RAW_URI": path, "REQUEST_URI": path,
            "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "5000", "HTTP_HOST": "localhost", **more}


def scope(path="/", method="GET", headers=(), **more):
    return {"method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
            "client": ("127.0.0.1", 5000), "headers": [(b"host", b"localhost"), *headers], **more}


def websocket_scope(path="/", subprotocols=(), headers=(), **more):
    return {"type": "websocket", "scheme": "ws", "subprotocols": list(subprotocols), "path": path,
            "raw_path": path.encode(), "query_string": b"", "client": ("127.0.0.1", 5000),
            "headers": [(b"host", b"localhost"), *headers], **more}


class Worker:
    """A worker process with its master's end of the control channel. Use as a context manager."""

    def __init__(self, app, python=None, name="worker-1", environment=None, expect="ready", wait=True, **settings):
        self.directory = tempfile.mkdtemp(prefix="wire-")
        self.name = name
        control = os.path.join(self.directory, "control.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(control)
        listener.listen()
        listener.settimeout(TIMEOUT_S)
        self.listener = listener
        self.stderr_file = open(os.path.join(self.directory, "stderr"), "w+b")
        self.process = subprocess.Popen(
            [python or sys.executable, WORKER, control, name], stdout=self.stderr_file, stderr=self.stderr_file,
            cwd=self.directory, env={**os.environ, **(environment or {})})
        sock, _ = listener.accept()
        self.control = Lines(sock)
        self.hello = self.control.receive()
        self.start = {
            "type": "start", "app": app, "factory": False, "interface": "auto", "chdir": self.directory, "app_dir": "",
            "pythonpath": [os.path.join(os.path.dirname(os.path.abspath(__file__)), "apps")], "threads": 1,
            "loop": "asyncio", "lifespan": "auto", "root_path": "", "workers": 1, "max_requests": 0,
            "max_requests_jitter": 0, "graceful_timeout_s": 5, "socket": os.path.join(self.directory, name + ".sock"),
            "state": os.path.join(self.directory, name + ".state"), "log": None, "uid": None, "gid": None,
            "umask": None, "edge_pid": os.getpid(), "software": "tricorn/0.1.0", **settings}
        self.messages = []
        self.links = []
        if wait:
            self.control.send(self.start)
            self.wait_for(expect)

    def wait_for(self, kind):
        """Reads control messages up to one of this type, which is returned."""
        while True:
            message = self.control.receive()
            if message is None:
                raise EOFError("the worker has gone:\n%s\n%s" % (self.messages, self.log()))
            self.messages.append(message)
            if message["type"] == kind:
                return message

    def data(self, edge=0, bases=None):
        asgi = any(message.get("interface") == "asgi" for message in self.messages)
        link = Link(self.start["socket"], "data", edge, bases or [ASGI_BASE if asgi else WSGI_BASE])
        self.links.append(link)
        return link

    def steward(self, edge=0):
        link = Link(self.start["socket"], "steward", edge, [])
        self.links.append(link)
        return link

    def state(self):
        """(clocks, ids of the last started requests, answered)."""
        with open(self.start["state"], "rb") as file, mmap.mmap(file.fileno(), 4096, access=mmap.ACCESS_READ) as view:
            return (struct.unpack_from("256d", view), struct.unpack_from("64I", view, 2048),
                    struct.unpack_from("I", view, 2304)[0])

    def log(self):
        with open(self.stderr_file.name, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_log(self, text):
        """Waits until the log holds a text."""
        until = time.monotonic() + TIMEOUT_S
        while text not in self.log():
            if time.monotonic() > until:
                raise AssertionError("%r is not in the log:\n%s" % (text, self.log()))
            time.sleep(0.01)

    def stop(self, grace_s=5):
        """Stops it and returns its exit status."""
        self.control.send({"type": "stop", "grace_s": grace_s})
        return self.process.wait(TIMEOUT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for link in self.links:
            link.close()
        self.control.sock.close()
        self.listener.close()
        self.stderr_file.close()
        shutil.rmtree(self.directory, ignore_errors=True)
