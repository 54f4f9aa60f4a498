"""Litestar as installed: handlers, streams, events, WebSocket handlers, listeners and streams, channels."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from litestar import Litestar, Request, WebSocket, get, post, websocket, websocket_listener
from litestar.background_tasks import BackgroundTask
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend
from litestar.datastructures import State, UploadFile
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException, NotAuthorizedException, WebSocketDisconnect
from litestar.handlers import WebsocketListener, send_websocket_stream, websocket_stream
from litestar.params import Body
from litestar.response import Response, ServerSentEvent, ServerSentEventMessage, Stream

# What happened, for the client to ask.
EVENTS = []
GATE = asyncio.Queue()


@dataclass
class Hat:
    name: str
    corners: int


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncGenerator[None, None]:
    app.state.model = "loaded"
    yield


async def provide_session() -> AsyncGenerator[str, None]:
    EVENTS.append("session opened")
    try:
        yield "session"
    finally:
        EVENTS.append("session closed")


@get("/model")
async def model(state: State) -> dict[str, Any]:
    return {"model": state.model}


@get("/events")
async def events() -> list[Any]:
    return EVENTS


@post("/open")
async def open_gate() -> None:
    GATE.put_nowait(None)


@post("/hats")
async def make_hat(data: Hat) -> Hat:
    return data


@get("/blocking/{number:int}", sync_to_thread=True)
def blocking(number: int, words: list[str], request: Request) -> dict[str, Any]:
    return {"number": number, "words": words, "path": request.scope["path"], "host": request.client.host}


@get("/session", dependencies={"session": provide_session})
async def session(session: str) -> str:
    return session


@get("/stream")
async def stream() -> Stream:
    async def write() -> AsyncGenerator[str, None]:
        for number in range(3):
            yield f"piece {number}\n"
            await GATE.get()

    return Stream(write, media_type="text/plain")


@get("/sse")
async def sse() -> ServerSentEvent:
    async def write() -> AsyncGenerator[ServerSentEventMessage, None]:
        try:
            for number in range(3):
                yield ServerSentEventMessage(data=f"event {number}", event="count", id=str(number))
            await asyncio.Event().wait()
        finally:
            EVENTS.append("sse ended")

    return ServerSentEvent(write())


@get("/background")
async def background() -> Response[str]:
    async def work() -> None:
        EVENTS.append("background done")

    return Response("accepted", status_code=202, background=BackgroundTask(work))


@post("/upload")
async def upload(request: Request) -> dict[str, Any]:
    form = await request.form()
    file: UploadFile = form["file"]
    return {"note": form["note"], "name": file.filename, "size": len(await file.read())}


@post("/form")
async def form(data: dict[str, str] = Body(media_type=RequestEncodingType.URL_ENCODED)) -> dict[str, str]:
    return data


@get("/teapot")
async def teapot() -> None:
    raise HTTPException("no coffee", status_code=418)


@get("/broken")
async def broken() -> None:
    raise ValueError("broken on purpose")


@websocket("/ws/echo/{name:str}")
async def echo(socket: WebSocket, name: str, state: State) -> None:
    await socket.accept(subprotocols="hat" if "hat" in socket.scope["subprotocols"] else None,
                        headers={"x-model": state.model})
    try:
        async for text in socket.iter_data("text"):
            await socket.send_json({"name": name, "text": text})
    except WebSocketDisconnect:
        pass
    EVENTS.append("echo ended")


@websocket_listener("/ws/listener")
async def listener(data: dict[str, Any]) -> Hat:
    return Hat(name=data["name"].upper(), corners=data["corners"] + 1)


@websocket_listener("/ws/blocking-listener", sync_to_thread=True)
def blocking_listener(data: str) -> str:
    return data[::-1]


class ClassListener(WebsocketListener):
    path = "/ws/class-listener"
    receive_mode = "binary"
    send_mode = "binary"

    async def on_accept(self, socket: WebSocket) -> None:
        await socket.send_text("welcome")

    async def on_disconnect(self, socket: WebSocket) -> None:
        EVENTS.append("class listener left")

    async def on_receive(self, data: bytes) -> bytes:
        return data + b"!"


@websocket_stream("/ws/stream")
async def numbers() -> AsyncGenerator[int, None]:
    for number in range(5):
        yield number


@websocket("/ws/both")
async def both(socket: WebSocket) -> None:
    """Streams until the client leaves, while nobody receives."""
    await socket.accept()

    async def write() -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "tick"
                await asyncio.sleep(0.01)
        finally:
            EVENTS.append("stream ended")

    await send_websocket_stream(socket, write(), listen_for_disconnect=True)


@websocket("/ws/denied")
async def denied(socket: WebSocket) -> None:
    raise NotAuthorizedException("no ticket")


@websocket("/ws/fails")
async def fails(socket: WebSocket) -> None:
    await socket.accept()
    raise HTTPException("no", status_code=403)


channels = ChannelsPlugin(backend=MemoryChannelsBackend(), channels=["hats"], create_ws_route_handlers=True,
                          ws_handler_base_path="/ws/channels")


@post("/publish")
async def publish(data: dict[str, str]) -> None:
    await channels.wait_published(data, "hats")


app = Litestar(
    [model, events, open_gate, make_hat, blocking, session, stream, sse, background, upload, form, teapot, broken,
     publish, echo, listener, blocking_listener, ClassListener, numbers, both, denied, fails],
    lifespan=[lifespan], plugins=[channels],
)
