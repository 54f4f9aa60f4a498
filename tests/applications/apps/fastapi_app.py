"""FastAPI as installed: dependencies that clean up, background tasks, uploads, files, token streams, WebSockets."""

import asyncio
import collections
import contextlib
import hashlib
import os
from pathlib import Path
from typing import Annotated

from fastapi import (
    BackgroundTasks, Cookie, Depends, FastAPI, Form, Header, HTTPException, Query, Request, UploadFile, WebSocket,
    WebSocketDisconnect, WebSocketException, status,
)
from fastapi.responses import StreamingResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

STYLE = "body { color: black }\n" * 2000

# What happened, for the client to ask.
EVENTS = []
# The client opens a gate once for each token that it wants to see next.
GATES = collections.defaultdict(asyncio.Queue)


@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.model = "loaded"
    yield


app = FastAPI(lifespan=lifespan)

static = Path(os.environ["APPLICATION_FOLDER"]) / "static"
static.mkdir(exist_ok=True)
(static / "style.css").write_text(STYLE)
app.mount("/static", StaticFiles(directory=static), name="static")


async def session(name: str = "nobody"):
    """A dependency with something to clean up, as a database's session is."""
    EVENTS.append(f"{name} opened")
    try:
        yield name
    except Exception as error:
        EVENTS.append(f"{name} rolled back: {type(error).__name__}")
        raise
    finally:
        EVENTS.append(f"{name} closed")


def blocking_session(name: str = "nobody"):
    """The same in a thread."""
    EVENTS.append(f"{name} opened in a thread")
    yield name
    EVENTS.append(f"{name} closed in a thread")


Session = Annotated[str, Depends(session)]


class Hat(BaseModel):
    name: str = Field(min_length=1)
    corners: int = Field(ge=0)


@app.get("/events")
async def events():
    return EVENTS


@app.post("/open/{gate}")
async def open_gate(gate: str):
    GATES[gate].put_nowait(None)


@app.get("/model")
async def model(request: Request):
    return request.app.state.model


@app.post("/hats", status_code=201)
async def make_hat(hat: Hat, agent: Annotated[str, Header(alias="user-agent")]) -> Hat:
    return hat


@app.get("/with-session")
async def with_session(session: Session):
    return {"session": session, "closed already": f"{session} closed" in EVENTS}


@app.get("/with-blocking-session")
def with_blocking_session(session: Annotated[str, Depends(blocking_session)]):
    return {"session": session}


@app.get("/failing-session")
async def failing_session(session: Session):
    raise HTTPException(409, "conflict")


@app.get("/stream-with-session")
async def stream_with_session(session: Session):
    async def write():
        for number in range(3):
            yield f"{number} {'closed' if f'{session} closed' in EVENTS else 'open'}\n"
            await GATES[session].get()

    return StreamingResponse(write(), media_type="text/plain")


@app.post("/notify/{name}", status_code=202)
async def notify(name: str, tasks: BackgroundTasks):
    async def first():
        await GATES[name].get()
        EVENTS.append(f"{name} first")

    def second():
        EVENTS.append(f"{name} second, in a thread")

    tasks.add_task(first)
    tasks.add_task(second)
    return {"accepted": name}


@app.post("/upload")
async def upload(note: Annotated[str, Form()], files: list[UploadFile]):
    seen = []
    for file in files:
        digest = hashlib.sha256()
        while chunk := await file.read(65536):
            digest.update(chunk)
        seen.append([file.filename, file.content_type, file.size, digest.hexdigest()])
    return {"note": note, "files": seen}


@app.get("/tokens/{gate}")
async def tokens(gate: str):
    """The way of a language model's answer: one event a token."""
    async def write():
        try:
            for token in ("three", "corner", "ed"):
                yield f"data: {token}\n\n"
                await GATES[gate].get()
            yield "data: [DONE]\n\n"
        finally:
            EVENTS.append(f"{gate} ended")

    return StreamingResponse(write(), media_type="text/event-stream", headers={"cache-control": "no-cache"})


@app.get("/sse", response_class=EventSourceResponse)
async def sse():
    for number in range(3):
        yield ServerSentEvent(data={"number": number}, event="count", id=str(number))


@app.get("/blocking")
def blocking(request: Request):
    """Runs in a thread of its own, as every plain function does."""
    return {"client": request.client.host, "base": str(request.base_url)}


async def ticket(socket: WebSocket, token: Annotated[str | None, Query()] = None,
                 session: Annotated[str | None, Cookie()] = None):
    if token is None and session is None:
        raise WebSocketException(code=status.WS_1008_POLICY_VIOLATION, reason="no ticket")
    return token or session


@app.websocket("/items/{number}/ws")
async def items(socket: WebSocket, number: int, ticket: Annotated[str, Depends(ticket)], q: int | None = None):
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            if text == "fail":
                raise WebSocketException(code=4003, reason="as you wish")
            await socket.send_json({"number": number, "ticket": ticket, "q": q, "text": text})
    except WebSocketDisconnect as error:
        EVENTS.append(["items", error.code])


@app.websocket("/session/ws")
async def websocket_with_session(socket: WebSocket, session: Session):
    await socket.accept()
    await socket.send_text("closed" if f"{session} closed" in EVENTS else "open")
    async for text in socket.iter_text():
        await socket.send_text(text)


class Connections:
    def __init__(self):
        self.active = []

    async def broadcast(self, message):
        for socket in self.active:
            await socket.send_text(message)


connections = Connections()


@app.websocket("/chat/{name}")
async def chat(socket: WebSocket, name: str):
    await socket.accept()
    connections.active.append(socket)
    await connections.broadcast(f"{name} joined")
    try:
        while True:
            await connections.broadcast(f"{name}: {await socket.receive_text()}")
    except WebSocketDisconnect:
        connections.active.remove(socket)
        await connections.broadcast(f"{name} left")
