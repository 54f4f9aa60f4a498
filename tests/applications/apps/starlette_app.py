"""Starlette as installed: what a request or a WebSocket can do with it, one route for each."""

import asyncio
import collections
import contextlib
import hashlib
import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.endpoints import WebSocketEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

BLOCK = bytes(range(256)) * 1200

# What happened, for the client to ask.
EVENTS = []
# The client opens a gate once for each piece that it wants to see next.
GATES = collections.defaultdict(asyncio.Queue)


@contextlib.asynccontextmanager
async def lifespan(app):
    path = Path(os.environ["APPLICATION_FOLDER"]) / "block.bin"
    path.write_bytes(BLOCK)
    yield {"path": path, "started": "by the lifespan"}


async def state(request):
    request.state.visits = getattr(request.state, "visits", 0) + 1
    return JSONResponse({"started": request.state.started, "visits": request.state.visits})


async def events(request):
    return JSONResponse(EVENTS)


async def open_gate(request):
    GATES[request.path_params["name"]].put_nowait(None)
    return PlainTextResponse("open")


async def scope(request):
    known = request.scope
    return JSONResponse({
        "type": known["type"], "asgi": known["asgi"], "method": known["method"], "scheme": known["scheme"],
        "http_version": known["http_version"], "path": known["path"], "root_path": known["root_path"],
        "raw_path": known["raw_path"].decode("latin-1"), "query_string": known["query_string"].decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in known["headers"]],
        "client": known["client"][0], "url": str(request.url),
    })


async def pieces(request):
    gate = GATES[request.path_params["name"]]

    async def write():
        try:
            for number in range(3):
                yield f"piece {number}\n"
                await gate.get()
        finally:
            EVENTS.append(f"{request.path_params['name']} ended")

    return StreamingResponse(write(), media_type="text/plain")


async def blocking_pieces(request):
    def write():
        for number in range(3):
            yield f"piece {number}\n"

    return StreamingResponse(write(), media_type="text/plain")


async def endless(request):
    name = request.path_params["name"]

    async def write():
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.01)
        finally:
            EVENTS.append(f"{name} ended")

    return StreamingResponse(write(), media_type="text/event-stream")


async def silent(request):
    """A stream that says one thing and then nothing: only a disconnect can end it."""
    name = request.path_params["name"]

    async def write():
        try:
            yield b"the only thing\n"
            await asyncio.Event().wait()
        finally:
            EVENTS.append(f"{name} ended")

    return StreamingResponse(write(), media_type="text/event-stream")


async def patient(request):
    while not await request.is_disconnected():
        await asyncio.sleep(0.01)
    EVENTS.append("the patient one saw it")
    return PlainTextResponse("nobody reads this")


async def background(request):
    name = request.path_params["name"]

    async def work():
        EVENTS.append(f"{name} started")
        await GATES[name].get()
        EVENTS.append(f"{name} done")

    return PlainTextResponse("accepted", status_code=202, background=BackgroundTask(work))


async def digest(request):
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in request.stream():
            digest.update(chunk)
            size += len(chunk)
    except ClientDisconnect:
        EVENTS.append("upload cut short")
        raise
    return JSONResponse({"size": size, "sha256": digest.hexdigest()})


async def form(request):
    async with request.form() as form:
        contents = await form["file"].read()
        return JSONResponse({"note": form["note"], "name": form["file"].filename, "size": len(contents)})


async def file(request):
    return FileResponse(request.state.path, media_type="application/octet-stream")


async def missing(request):
    raise HTTPException(418, "no coffee here", headers={"x-pot": "tea"})


async def broken(request):
    raise ValueError("broken on purpose")


async def cookies(request):
    response = PlainTextResponse("two cookies")
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


class Wrapped(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        response.headers["x-wrapped"] = "yes"
        return response


async def echo(socket):
    await socket.accept(subprotocol="second" if "second" in socket.scope["subprotocols"] else None,
                        headers=[(b"x-seen", b"before the WebSocket")])
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                EVENTS.append(["echo", message["code"], message.get("reason")])
                return
            if message.get("text") == "close":
                await socket.close(4321, "as you wish")
            elif "text" in message:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
    except WebSocketDisconnect as error:
        EVENTS.append(["echo", error.code, error.reason])


class Endpoint(WebSocketEndpoint):
    encoding = "json"

    async def on_connect(self, websocket):
        await websocket.accept()
        await websocket.send_json({"hello": websocket.query_params["name"]})

    async def on_receive(self, websocket, data):
        await websocket.send_json({"got": data})

    async def on_disconnect(self, websocket, close_code):
        EVENTS.append(["endpoint", close_code])


async def websocket_scope(socket):
    await socket.accept()
    known = socket.scope
    await socket.send_json({
        "type": known["type"], "scheme": known["scheme"], "http_version": known["http_version"],
        "path": known["path"], "raw_path": known["raw_path"].decode("latin-1"),
        "query_string": known["query_string"].decode("latin-1"), "subprotocols": list(known["subprotocols"]),
        "has_method": "method" in known, "state": known["state"]["started"], "url": str(socket.url),
        "denial": "websocket.http.response" in known.get("extensions", {}), "cookies": socket.cookies,
    })
    await socket.close()


async def denied(socket):
    response = JSONResponse({"why": "no ticket"}, status_code=401, headers={"www-authenticate": "Ticket"})
    await socket.send_denial_response(response)


async def denied_in_pieces(socket):
    async def write():
        for number in range(3):
            yield f"no {number}\n"

    await socket.send_denial_response(StreamingResponse(write(), status_code=403, media_type="text/plain"))


async def refused(socket):
    await socket.close(4000, "never accepted")


async def raises_before(socket):
    raise ValueError("broken before accept")


async def returns_before(socket):
    return


async def raises_after(socket):
    await socket.accept()
    raise ValueError("broken after accept")


async def returns_after(socket):
    await socket.accept()
    await socket.send_text("goodbye")


async def two_tasks(socket):
    """Counts up while it listens: one task sends, the other receives."""
    await socket.accept()

    async def count():
        number = 0
        while True:
            await socket.send_text(str(number))
            number += 1
            await asyncio.sleep(0.005)

    counting = asyncio.create_task(count())
    heard = [text async for text in socket.iter_text()]
    counting.cancel()
    EVENTS.append(["two tasks", heard])


async def late(socket):
    """Receives nothing until the gate opens: what has come in the meantime must not be lost."""
    await socket.accept()
    await GATES["late"].get()
    heard = [text async for text in socket.iter_text()]
    EVENTS.append(["late", heard])


async def talks_to_nobody(socket):
    await socket.accept()
    try:
        while True:
            await socket.send_text("is anybody there?")
            await asyncio.sleep(0.01)
    except WebSocketDisconnect as error:
        EVENTS.append(["nobody", error.code])


async def flood(socket):
    await socket.accept()
    for number in range(5000):
        await socket.send_text(f"message {number}")
    await socket.close()


class Room:
    def __init__(self):
        self.members = set()

    async def join(self, socket):
        await socket.accept()
        self.members.add(socket)
        try:
            async for text in socket.iter_text():
                for member in list(self.members):
                    await member.send_text(text)
        finally:
            self.members.discard(socket)


PAGE = """<!doctype html><title>Starlette</title><ol id="said"></ol><ol id="events"></ol><script>
const socket = new WebSocket(`ws://${location.host}/ws/room`);
const add = (list, text) => document.getElementById(list).append(
  Object.assign(document.createElement("li"), { textContent: text }));
socket.onopen = () => add("said", "joined");
socket.onmessage = ({ data }) => add("said", data);
socket.onclose = ({ code, reason }) => add("said", `closed ${code}`);
new EventSource("/ticks").onmessage = ({ data }) => add("events", data);
</script>"""


async def page(request):
    return HTMLResponse(PAGE)


async def ticks(request):
    async def write():
        for number in range(3):
            yield f"data: tick {number}\n\n"
            await asyncio.sleep(0.2)
        await asyncio.Event().wait()

    return StreamingResponse(write(), media_type="text/event-stream")


ROUTES = [
    Route("/pieces/{name}", pieces),
    Route("/endless/{name}", endless),
    Route("/silent/{name}", silent),
    Route("/background/{name}", background),
    Route("/digest", digest, methods=["POST"]),
    Route("/file", file),
    Route("/broken", broken),
]

app = Starlette(lifespan=lifespan, routes=[
    *ROUTES,
    Mount("/wrapped", routes=ROUTES, middleware=[Middleware(Wrapped)]),
    Route("/", page),
    Route("/ticks", ticks),
    Route("/state", state),
    Route("/events", events),
    Route("/open/{name}", open_gate, methods=["POST"]),
    Route("/scope/{rest:path}", scope, methods=["GET", "PURGE"]),
    Route("/blocking-pieces", blocking_pieces),
    Route("/patient", patient),
    Route("/form", form, methods=["POST"]),
    Route("/missing", missing),
    Route("/cookies", cookies),
    WebSocketRoute("/ws/echo", echo),
    WebSocketRoute("/ws/endpoint", Endpoint),
    WebSocketRoute("/ws/scope/{rest:path}", websocket_scope),
    WebSocketRoute("/ws/denied", denied),
    WebSocketRoute("/ws/denied-in-pieces", denied_in_pieces),
    WebSocketRoute("/ws/refused", refused),
    WebSocketRoute("/ws/raises-before", raises_before),
    WebSocketRoute("/ws/returns-before", returns_before),
    WebSocketRoute("/ws/raises-after", raises_after),
    WebSocketRoute("/ws/returns-after", returns_after),
    WebSocketRoute("/ws/two-tasks", two_tasks),
    WebSocketRoute("/ws/late", late),
    WebSocketRoute("/ws/nobody", talks_to_nobody),
    WebSocketRoute("/ws/flood", flood),
    WebSocketRoute("/ws/room", Room().join),
])
