"""The control channel to the master: one JSON object a line, both ways."""
from __future__ import annotations

import json
import os
import socket
from _thread import allocate_lock
from collections import deque
from typing import Optional

from tricorn.worker.wire import raise_descriptor

LINE_SIZE_MAX = 1_048_576


class Control:
    """The worker's end. End of file means that the master is gone; it is told as {"type": "stop"}."""

    def __init__(self, path: str, name: str, role: str) -> None:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(path)
        self.sock = raise_descriptor(sock)
        self.path = path
        self.name = name
        self.ended = False
        self._buffer = b""
        self._messages: deque = deque()
        self._sending = allocate_lock()
        self.send({"type": "hello", "name": name, "pid": os.getpid(), "role": role})

    def fileno(self) -> int:
        return self.sock.fileno()

    def send(self, message: dict) -> None:
        """Writes one message; with the master gone there is nobody to tell."""
        line = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        with self._sending:
            try:
                self.sock.sendall(line)
            except OSError:
                self.ended = True

    def receive(self, wait: bool) -> Optional[dict]:
        """Returns the next message, None when there is none now. Raises EOFError once the master is gone."""
        while not self._messages:
            if self.ended:
                raise EOFError("the master is gone")
            try:
                data = self.sock.recv(65_536, 0 if wait else socket.MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                return None
            except OSError:
                data = b""
            if not data:
                self.ended = True
                raise EOFError("the master is gone")
            *lines, self._buffer = (self._buffer + data).split(b"\n")
            if len(self._buffer) > LINE_SIZE_MAX:
                self.ended = True
                raise EOFError("the master sent a line without an end")
            self._messages.extend(json.loads(line) for line in lines if line)
        return self._messages.popleft()

    def wait_for(self, *types: str) -> dict:
        """Waits for a message of one of these types; others are dropped. Raises EOFError."""
        while True:
            message = self.receive(True)
            if message is not None and message.get("type") in types:
                return message

    def close(self) -> None:
        self.ended = True
        self.sock.close()
