"""ASGI WebSocket applications, one behaviour each, chosen by the path."""
import asyncio

SEEN = []


def text(data):
    return {"type": "websocket.send", "text": data}


async def accept(receive, send, **more):
    """Receives the connect and accepts."""
    assert await receive() == {"type": "websocket.connect"}
    await send({"type": "websocket.accept", **more})


async def echo(scope, receive, send):
    await accept(receive, send)
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            SEEN.append(message)
            return
        await send({**message, "type": "websocket.send"})


async def seen(scope, receive, send):
    await accept(receive, send)
    await send(text(repr(SEEN)))
    del SEEN[:]


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["database"] = "connected"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("lifespan shutdown", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    name = scope["path"].strip("/").replace("-", "_")
    return await globals()[name](scope, receive, send)
