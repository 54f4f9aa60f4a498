"""An ASGI application whose lifespan does what LIFESPAN_CASE tells; it prints what happens, each line with "app:"."""
import asyncio
import contextvars
import os

CASE = os.environ.get("LIFESPAN_CASE", "ordinary")
VARIABLE = contextvars.ContextVar("variable", default="nothing")


def say(text):
    print("app: " + text, flush=True)


async def lifespan(scope, receive, send):
    say("lifespan %s %s" % (",".join(sorted(scope)), scope["asgi"]["spec_version"]))
    if CASE == "raises at once":
        raise ValueError("no lifespan here")
    if CASE == "returns at once":
        return
    message = await receive()
    say(message["type"])
    if CASE == "raises in startup":
        raise ValueError("broken startup")
    if CASE == "leaves in startup":
        raise SystemExit(7)
    if CASE == "says startup failed":
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    if CASE == "starts slowly":
        await asyncio.sleep(4)
    if CASE == "sends nonsense":
        try:
            await send({"type": "lifespan.nonsense"})
        except Exception as error:
            say(type(error).__name__)
    scope["state"]["shared"] = []
    scope["state"]["number"] = 1
    VARIABLE.set("of startup")
    await send({"type": "lifespan.startup.complete"})
    if CASE == "completes twice":
        try:
            await send({"type": "lifespan.startup.complete"})
        except Exception as error:
            say(type(error).__name__)
    if CASE == "ends early":
        return
    if CASE == "raises early":
        raise ValueError("broken while serving")
    task = asyncio.current_task()
    message = await receive()
    say("%s, variable %s, same task %s, state %s" % (
        message["type"], VARIABLE.get(), asyncio.current_task() is task, sorted(scope["state"].items())))
    if CASE == "raises in shutdown":
        raise ValueError("broken shutdown")
    if CASE == "says shutdown failed":
        await send({"type": "lifespan.shutdown.failed", "message": "no goodbye"})
        return
    await send({"type": "lifespan.shutdown.complete"})
    await asyncio.sleep(0)
    say("end of lifespan")


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    state = scope["state"]
    body = repr(sorted(state.items())).encode()
    state.get("shared", []).append(1)
    state["number"] = 2
    if scope["path"] in ("/stream", "/events"):
        kind = b"text/event-stream" if scope["path"] == "/events" else b"text/plain"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        say("stream begins")
        await receive()
        say("the stream hears %s" % (await receive())["type"])
        await send({"type": "http.response.body", "body": b", bye"})
        return
    if scope["path"] == "/slow":
        say("slow request begins")
        await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
    if scope["path"] == "/slow":
        say("slow request answered")
        await asyncio.sleep(0.3)
        say("background work done")
