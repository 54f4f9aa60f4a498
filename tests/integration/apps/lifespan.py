"""An ASGI application that writes down its lifespan, and one whose start-up fails when a file says so."""
import os

FOLDER = os.environ["TEST_FOLDER"]


def note(text):
    with open(os.path.join(FOLDER, "lifespan"), "a") as file:
        file.write("%s %d\n" % (text, os.getpid()))


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        if os.path.exists(os.path.join(FOLDER, "broken")):
            await send({"type": "lifespan.startup.failed", "message": "the database is away"})
            return
        note("startup")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        note("shutdown")
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
