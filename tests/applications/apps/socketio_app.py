"""python-socketio as installed: polling and WebSocket, acknowledgements, rooms, bytes, who comes and who goes."""

import socketio
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

# Pings so often that some come while the client plays.
server = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*", ping_interval=0.3, ping_timeout=10)

# What happened, for the client to ask.
EVENTS = []


@server.event
async def connect(sid, environ, auth):
    if auth and auth.get("token") == "wrong":
        raise socketio.exceptions.ConnectionRefusedError("no ticket")
    await server.save_session(sid, {"name": (auth or {}).get("name", "nobody"), "path": environ["PATH_INFO"]})


@server.event
async def disconnect(sid, reason):
    EVENTS.append(["disconnect", reason])


@server.event
async def who(sid):
    session = await server.get_session(sid)
    return session["name"], session["path"], server.transport(sid)


@server.event
async def echo(sid, data):
    return data


@server.event
async def enter(sid, room):
    await server.enter_room(sid, room)
    return "entered"


@server.event
async def say(sid, room, text):
    await server.emit("heard", {"text": text}, room=room, skip_sid=sid)


@server.event
async def ask_me(sid):
    """The server asks, the client answers."""
    answer = await server.call("question", "how many corners?", to=sid)
    await server.emit("answered", answer, to=sid)


@server.event
async def throw_me_out(sid):
    await server.disconnect(sid)


async def events(request):
    return JSONResponse(EVENTS)


app = socketio.ASGIApp(server, Starlette(routes=[Route("/events", events)]))
