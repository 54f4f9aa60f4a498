"""
The chat: rooms over WebSocket, with who is there and what was said last. A room lives in the memory of one worker, from
its first member to its last; with several workers each has rooms of its own.

    GET  /chat                       the page
    GET  /chat/rooms/{room}?name=…   WebSocket

A member sends texts. It gets JSON, one object a message, whose `kind` is one of
    welcome   its own name (another one, if the name was taken), who is there, what was said last
    said      id, name, text, when (seconds since 1970)
    members   who has come or gone, and who is there now
"""

import asyncio
import contextlib
import itertools
import os
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Dict, List
from uuid import uuid4

from fastapi import APIRouter, Query, WebSocket
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

PAGE = Path(__file__).resolve().parent / "static" / "chat.html"
TEXT_SIZE_MAX = 500
RECENT_MAX = 30
# What a member may be behind before it has to go: it reads too slowly for this room.
BEHIND_MAX = 200

router = APIRouter()

Name = Annotated[str, Query(min_length=1, max_length=24, pattern=r"\S")]
RoomName = Annotated[str, PathParameter(pattern=r"^[a-z][a-z-]{0,23}$")]


class Member:
    """Somebody in a room. What it is to be told waits in a queue, so that nobody waits for its connection."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: asyncio.Queue = asyncio.Queue(BEHIND_MAX)

    def tell(self, message: dict) -> bool:
        """False when it is so far behind that it should leave."""
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait(message)
            return True
        return False

    async def write(self, socket: WebSocket) -> None:
        while True:
            await socket.send_json(await self._queue.get())


class Room:
    def __init__(self) -> None:
        self._members: Dict[Member, WebSocket] = {}
        self._recent: deque = deque(maxlen=RECENT_MAX)

    @property
    def is_empty(self) -> bool:
        return not self._members

    @property
    def names(self) -> List[str]:
        return [member.name for member in self._members]

    @contextlib.asynccontextmanager
    async def member(self, name: str, socket: WebSocket) -> AsyncIterator[Member]:
        """Lets somebody in, and out at the end."""
        member = Member(self._free(name))
        self._members[member] = socket
        member.tell({"kind": "welcome", "name": member.name, "members": self.names, "recent": list(self._recent),
                     "worker": os.getpid()})
        self._tell_others(member, {"kind": "members", "came": member.name, "members": self.names})
        writer = asyncio.create_task(member.write(socket))
        try:
            yield member
        finally:
            writer.cancel()
            # A writer ends with its connection, in whatever way that ends.
            await asyncio.gather(writer, return_exceptions=True)
            del self._members[member]
            self._tell_others(member, {"kind": "members", "gone": member.name, "members": self.names})

    async def say(self, member: Member, text: str) -> None:
        message = {"kind": "said", "id": str(uuid4()), "name": member.name, "text": text, "when": time.time()}
        self._recent.append(message)
        slow = [socket for each, socket in list(self._members.items()) if not each.tell(message)]
        for socket in slow:
            await socket.close(1013, "too far behind")

    def _tell_others(self, member: Member, message: dict) -> None:
        for each in self._members:
            if each is not member:
                each.tell(message)

    def _free(self, name: str) -> str:
        """The name as it is, or with a number when somebody has it."""
        numbered = (f"{name} {number}" for number in itertools.count(2))
        return next(each for each in itertools.chain([name], numbered) if each not in self.names)


ROOMS: Dict[str, Room] = {}


@router.get("/chat", include_in_schema=False)
async def page() -> FileResponse:
    return FileResponse(PAGE)


@router.websocket("/chat/rooms/{room_name}")
async def chat(socket: WebSocket, room_name: RoomName, name: Name) -> None:
    await socket.accept()
    room = ROOMS.setdefault(room_name, Room())
    try:
        async with room.member(" ".join(name.split()), socket) as member:
            async for text in socket.iter_text():
                if text.strip():
                    await room.say(member, text.strip()[:TEXT_SIZE_MAX])
    finally:
        if room.is_empty and ROOMS.get(room_name) is room:
            del ROOMS[room_name]
