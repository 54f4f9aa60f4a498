"""An ASGI application that accepts every WebSocket, greets it and listens until it ends."""


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        raise RuntimeError("only WebSockets are expected")
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "hello"})
    while (await receive())["type"] != "websocket.disconnect":
        pass
