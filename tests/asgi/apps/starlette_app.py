"""A Starlette application: what its responses and middlewares rely on, and notes of what happened."""
import asyncio
import contextvars

import anyio
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

NOTES = {}
# How many blocks of a stream its client has seen.
GONE_ON = {}
VARIABLE = contextvars.ContextVar("variable", default="clean")


def note(request, value):
    NOTES.setdefault(request.query_params["key"], []).append(value)


async def notes(request):
    wait, key = int(request.query_params.get("wait", "0")), request.query_params["key"]
    with anyio.move_on_after(10):
        while len(NOTES.get(key, ())) < wait:
            await asyncio.sleep(0.005)
    return JSONResponse(NOTES.pop(key, []))


async def peek(request):
    return PlainTextResponse(str(len(NOTES.get(request.query_params["key"], []))))


async def go(request):
    GONE_ON[request.query_params["key"]] = GONE_ON.get(request.query_params["key"], 0) + 1
    return PlainTextResponse("")


async def stream(request):
    """Streams three blocks, with `gate` each after its predecessor was seen; then nothing for `idle` seconds."""
    async def blocks():
        try:
            for n in range(3):
                while "gate" in request.query_params and GONE_ON.get(request.query_params["key"], 0) < n:
                    await asyncio.sleep(0.005)
                yield b"block %d\n" % n
                note(request, "sent")
            await asyncio.sleep(float(request.query_params.get("idle", "0")))
            note(request, "finished")
        except BaseException as error:
            note(request, type(error).__name__)
            raise

    return StreamingResponse(blocks())


async def background(request):
    async def work():
        await asyncio.sleep(1)
        note(request, "worked")
    return PlainTextResponse("answered", background=BackgroundTask(work))


async def upload(request):
    note(request, "begun")
    try:
        async for _ in request.stream():
            pass
        note(request, "whole")
    except ClientDisconnect:
        note(request, "ClientDisconnect")
        raise
    return PlainTextResponse("whole")


async def url(request):
    return PlainTextResponse("%s %s %s" % (request.url.path, request.url_for("url").path, request.path_params))


async def variable(request):
    return PlainTextResponse(VARIABLE.get())


async def fail(request):
    raise RuntimeError("of Starlette")


async def poll(request):
    """Asks again and again whether the client is there."""
    note(request, "begun")
    while not await request.is_disconnected():
        await asyncio.sleep(0.01)
    note(request, "left")
    return PlainTextResponse("nobody reads this")


async def listen(request):
    """Waits for the client to leave."""
    note(request, "begun")
    while (await request.receive())["type"] != "http.disconnect":
        pass
    note(request, "left")
    return PlainTextResponse("nobody reads this")


class Passing(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        VARIABLE.set("of the middleware")
        response = await call_next(request)
        response.headers["x-passed"] = "yes"
        return response


ROUTES = [Route("/notes", notes), Route("/peek", peek), Route("/stream", stream), Route("/poll", poll),
          Route("/background", background), Route("/upload", upload, methods=["POST"]), Route("/url/{name:path}", url),
          Route("/url", url, name="url"), Route("/variable", variable), Route("/fail", fail),
          Route("/listen", listen), Route("/go", go)]
inner = Starlette(routes=[*ROUTES, Mount("/sub", routes=ROUTES)])
wrapped = Starlette(routes=ROUTES, middleware=[Middleware(Passing), Middleware(Passing)])


async def app(scope, receive, send):
    """`/middleware/…` runs below two middlewares, `/2.4/…` with another spec_version."""
    application = inner
    if scope["type"] == "http":
        for prefix in ("/middleware", "/2.4"):
            if scope["path"].startswith(prefix + "/"):
                scope["path"] = scope["path"][len(prefix):]
                if prefix == "/2.4":
                    scope["asgi"]["spec_version"] = "2.4"
                else:
                    application = wrapped
    await application(scope, receive, send)
