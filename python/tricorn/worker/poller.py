"""Waits for readable descriptors: epoll where the system has it, else what `selectors` finds."""
from __future__ import annotations

import select
import selectors

_epoll = getattr(select, "epoll", None)
_EPOLLIN = getattr(select, "EPOLLIN", 1)


class EpollPoller:
    """Descriptors may be registered by another thread while one waits."""

    def __init__(self) -> None:
        self._epoll = _epoll()

    def register(self, fd: int) -> None:
        self._epoll.register(fd, _EPOLLIN)

    def unregister(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except (OSError, ValueError):
            # Closed before, and so gone from the set by itself.
            pass

    def poll(self, timeout: float) -> list:
        """Returns readable descriptors after at most `timeout` seconds (negative: for ever)."""
        return [fd for fd, _ in self._epoll.poll(timeout)]


class SelectorPoller:
    """The same over `selectors`, which wakes up now and then to see what was registered meanwhile."""

    ROUND_S = 0.1

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int) -> None:
        self._selector.register(fd, selectors.EVENT_READ)

    def unregister(self, fd: int) -> None:
        try:
            self._selector.unregister(fd)
        except (KeyError, OSError, ValueError):
            # Not registered any more.
            pass

    def poll(self, timeout: float) -> list:
        """Returns readable descriptors after at most `timeout` seconds (negative: for ever)."""
        while True:
            found = self._selector.select(self.ROUND_S if timeout < 0 else timeout)
            if found or timeout >= 0:
                return [key.fd for key, _ in found]


Poller = EpollPoller if _epoll is not None else SelectorPoller
