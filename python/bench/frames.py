"""How much processor time a worker takes for one request, in microseconds, for batches of 1, 8 and 64 frames.

    python python/bench/frames.py [--python PYTHON] [--seconds N] [--spike WORKER.py] TARGET [PATH]

It acts as the edge: it sends a batch of a browser's requests in one write and waits for all answers. Processor
time is the worker's own (schedstat, all threads, kernel included), so the harness does not count.
`--spike` runs another worker program that connects to a socket and speaks (id, environ or scope, body).
"""
from __future__ import annotations

import argparse
import glob
import marshal
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from tests import edge  # noqa: E402

FIELDS = [
    ("host", "localhost:8000"), ("connection", "keep-alive"), ("cache-control", "max-age=0"),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"),
    ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-user", "?1"),
    ("sec-fetch-dest", "document"), ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("cookie", "csrftoken=abcdefghijklmnopqrstuvwxyz012345; theme=dark"),
]


def request_of(interface, path):
    """The head and the fields of one request, as the edge writes them."""
    if interface == "asgi":
        head = edge.scope(path)
        del head["headers"]
        return head, [(name.encode(), value.encode()) for name, value in FIELDS]
    return edge.environ(path), {"HTTP_" + name.upper().replace("-", "_"): value for name, value in FIELDS}


def _write(value, key=False):
    if isinstance(value, bool) or value is None:
        return marshal.dumps(value, 2)
    if isinstance(value, str):
        if value.isascii() and len(value) < 256:
            return (b"Z" if key else b"z") + bytes([len(value)]) + value.encode()
        return marshal.dumps(value, 2)
    if isinstance(value, tuple):
        return b")" + bytes([len(value)]) + b"".join(map(_write, value))
    if isinstance(value, list):
        return b"[" + struct.pack("<I", len(value)) + b"".join(map(_write, value))
    if isinstance(value, dict):
        return b"{" + b"".join(_write(k, True) + _write(v) for k, v in value.items()) + b"0"
    return marshal.dumps(value, 2)


def cpu_s(pid):
    """Processor seconds of all threads of a process."""
    total = 0
    for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total / 1e9


def measure(sock, pid, frame_of, batch, seconds):
    """Returns (processor microseconds a request, requests a second by the wall clock)."""
    id, done, buffer = 1, 0, b""
    begun, cpu = time.monotonic(), cpu_s(pid)
    while time.monotonic() - begun < seconds:
        sock.sendall(b"".join([frame_of(id + n) for n in range(batch)]))
        id += batch
        left = batch
        while left:
            buffer += sock.recv(1 << 18)
            at = 0
            while len(buffer) - at >= 4:
                end = at + 4 + struct.unpack_from("<I", buffer, at)[0]
                if end > len(buffer):
                    break
                at, left, done = end, left - 1, done + 1
            buffer = buffer[at:]
    wall = time.monotonic() - begun
    return (cpu_s(pid) - cpu) / done * 1e6, done / wall


def framer(parts):
    """Returns a function of the id that gives a whole frame: only the id differs."""
    before, after = parts
    size = struct.pack("<I", len(before) + 5 + len(after))

    def frame_of(id):
        return size + before + b"i" + struct.pack("<I", id) + after
    return frame_of


def table(sock, pid, frame_of, seconds):
    for batch in (1, 8, 64):
        # The best of five: what else the machine does only adds.
        cpu, rate = min(measure(sock, pid, frame_of, batch, seconds / 5) for _ in range(5))
        print("  batch %2d: %6.2f us of processor time a request, %7d requests/s" % (batch, cpu, rate))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("path", nargs="?", default="/")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--spike")
    parser.add_argument("--interface", default="wsgi", help="of the --spike worker")
    options = parser.parse_args()
    if options.spike:
        with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
            listener.bind(directory + "/s")
            listener.listen()
            child = subprocess.Popen([options.python, options.spike, directory + "/s", options.target])
            try:
                sock, _ = listener.accept()
                head, fields = request_of(options.interface, options.path)
                if options.interface == "asgi":
                    head = {**edge.ASGI_BASE, **head, "headers": fields}
                else:
                    head = {**head, **fields}
                print("%s %s" % (options.spike, options.target))
                table(sock, child.pid, framer((b")\x03", _write(head) + _write(b""))), options.seconds)
            finally:
                child.kill()
                child.wait()
        return
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    with edge.Worker(options.target, python=options.python, pythonpath=paths, loop="auto",
                     threads=options.threads) as worker:
        link = worker.data()
        head, fields = request_of(link.hello[3], options.path)
        link.send((5, 0, 0, fields))
        print(" ".join(str(worker.messages[0][key]) for key in ("python", "application", "framework", "loop")))
        table(link.sock, worker.process.pid, framer((b")\x06i\x01\0\0\0", b"i\0\0\0\0" + _write(head) + _write(b"")
                                                      + b"i\0\0\0\0")), options.seconds)
        if worker.log():
            print(worker.log())


if __name__ == "__main__":
    main()
