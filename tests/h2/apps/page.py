"""What a page may want of an application: a stream of events, somewhere to upload to, and a WebSocket."""
import asyncio
import hashlib
import json
import os


async def app(scope, receive, send):
    if scope["type"] == "websocket":
        await echo(scope, receive, send)
    elif scope["path"].endswith("/events"):
        await events(scope, receive, send)
    else:
        await upload(scope, receive, send)


async def upload(scope, receive, send):
    size, digest, more = 0, hashlib.sha256(), True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        digest.update(message.get("body", b""))
        more = message.get("more_body", False)
    text = json.dumps({"version": scope["http_version"], "size": size, "sha": digest.hexdigest()}).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": text})


async def events(scope, receive, send):
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    number = 0
    leaving = asyncio.create_task(gone(receive))
    while not leaving.done():
        number += 1
        await send({"type": "http.response.body", "body": b"data: event %d\n\n" % number, "more_body": True})
        await asyncio.wait([leaving], timeout=0.05)
    print("the events are over", flush=True)


async def gone(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def echo(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "text": f"{message['text']} over HTTP/{scope['http_version']}"})


def files(environ, start_response):
    """Serves what is below FILES, by WSGI."""
    with open(os.path.join(os.environ["FILES"], "files", os.path.basename(environ["PATH_INFO"])), "rb") as file:
        body = file.read()
    start_response("200 OK", [("Content-Type", "text/javascript")])
    return [body]
