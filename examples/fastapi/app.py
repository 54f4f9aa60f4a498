"""
A small FastAPI application: JSON, a streamed response, an upload, Server-Sent Events and a chat, with a lifespan
that starts one background task for the whole worker.

    GET  /              the page that shows all of it
    GET  /api/hats      JSON, ?colour= filters it
    GET  /api/hats/{n}  JSON, or 404
    POST /api/hats      JSON in and out, validated, 201
    GET  /api/log       lines of text, one every quarter of a second
    POST /upload        multipart; answers size and SHA-256 of each file, keeps nothing
    GET  /events        Server-Sent Events, one every half second, until the client leaves
    GET  /chat          the chat's page; the chat itself is in chat.py
"""

import asyncio
import contextlib
import hashlib
import json
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import List, Optional, TypedDict

from fastapi import FastAPI, Header, HTTPException, Request, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

import chat

FOLDER = Path(__file__).resolve().parent
TICK_SECONDS = 0.5
LOG_SECONDS = 0.25
UPLOAD_CHUNK_SIZE = 256 * 1024


class Pulse:
    """A clock that all event streams of this worker share: each tick wakes everybody who waits for the next one."""

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.count = 0
        self.watchers = 0
        self._next = asyncio.Condition()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            async with self._next:
                self.count += 1
                self._next.notify_all()

    async def wait(self) -> dict:
        async with self._next:
            await self._next.wait()
        return {
            "tick": self.count,
            "uptime": round(time.monotonic() - self.started_at, 1),
            "watchers": self.watchers,
            "load": round(os.getloadavg()[0], 2),
            "worker": os.getpid(),
        }


class State(TypedDict):
    pulse: Pulse


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """Runs the pulse from before the first request until after the last one; requests see it as `request.state`."""
    pulse = Pulse()
    task = asyncio.create_task(pulse.run())
    try:
        yield {"pulse": pulse}
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Hat(BaseModel):
    name: str = Field(min_length=1, max_length=80)
    colour: str
    corners: int = Field(ge=0, le=12)


app = FastAPI(title="Tricorn's FastAPI demo", lifespan=lifespan)
app.include_router(chat.router)
app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")

HATS = [
    Hat(name="Tricorn", colour="black", corners=3),
    Hat(name="Bicorn", colour="blue", corners=2),
    Hat(name="Beret", colour="red", corners=0),
]


@app.get("/", include_in_schema=False)
async def page() -> FileResponse:
    return FileResponse(FOLDER / "static" / "index.html")


@app.get("/api/hats")
async def hats(colour: Optional[str] = None) -> List[Hat]:
    return [hat for hat in HATS if colour in (None, hat.colour)]


@app.get("/api/hats/{number}")
async def hat(number: int) -> Hat:
    if not 1 <= number <= len(HATS):
        raise HTTPException(404, f"There are hats 1 to {len(HATS)}.")
    return HATS[number - 1]


@app.post("/api/hats", status_code=201)
async def measure(hat: Hat) -> Hat:
    """Gives back what it understood; nothing is kept, because the next request may meet another worker."""
    return hat


@app.get("/api/log")
async def log(lines: int = 8) -> StreamingResponse:
    async def write() -> AsyncIterator[str]:
        for number in range(1, min(lines, 100) + 1):
            yield f"line {number} of {lines}, written at {time.strftime('%H:%M:%S')}\n"
            await asyncio.sleep(LOG_SECONDS)

    # Without nosniff a browser may hold back the first lines of a text in order to guess its type.
    headers = {"X-Content-Type-Options": "nosniff", "X-Accel-Buffering": "no"}
    return StreamingResponse(write(), media_type="text/plain", headers=headers)


@app.post("/upload")
async def upload(files: List[UploadFile]) -> List[dict]:
    answer = []
    for file in files:
        digest, size = hashlib.sha256(), 0
        while chunk := await file.read(UPLOAD_CHUNK_SIZE):
            digest.update(chunk)
            size += len(chunk)
        answer.append({"name": file.filename, "type": file.content_type, "size": size, "sha256": digest.hexdigest()})
    return answer


@app.get("/events")
async def events(request: Request, last_event_id: Optional[str] = Header(None)) -> StreamingResponse:
    pulse: Pulse = request.state.pulse

    async def write() -> AsyncIterator[str]:
        # A browser that lost its stream says which event was the last it saw; ours go on from there.
        number = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
        pulse.watchers += 1
        try:
            yield "retry: 1000\n\n"
            while True:
                number += 1
                yield f"id: {number}\nevent: tick\ndata: {json.dumps(await pulse.wait())}\n\n"
        finally:
            pulse.watchers -= 1

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(write(), media_type="text/event-stream", headers=headers)
