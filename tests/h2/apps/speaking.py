"""An application for each interface that does what HTTP/2 has of its own, or tells what it was asked."""
import asyncio
import hashlib
import json


def wsgi(environ, start_response):
    size, digest = 0, hashlib.sha256()
    while True:
        block = environ["wsgi.input"].read(65536)
        if not block:
            break
        size += len(block)
        digest.update(block)
    fields = {key: value for key, value in environ.items() if key.startswith("HTTP_")}
    text = json.dumps({
        "protocol": environ["SERVER_PROTOCOL"], "method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"], "scheme": environ["wsgi.url_scheme"], "size": size,
        "length": environ.get("CONTENT_LENGTH"), "sha": digest.hexdigest(), "fields": fields,
    }).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("X-Upper", "Case"), ("Connection", "close")])
    return [text]


async def body_of(receive):
    size, digest = 0, hashlib.sha256()
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        digest.update(message.get("body", b""))
        if not message.get("more_body"):
            return size, digest.hexdigest()


async def asgi(scope, receive, send):
    if scope["type"] == "websocket":
        return await talk(scope, receive, send)
    path = scope["path"]
    if path.endswith("/refuse"):
        await send({"type": "http.response.start", "status": 403, "headers": []})
        return await send({"type": "http.response.body", "body": b"no"})
    if path.endswith("/hints"):
        await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
    if path.endswith("/endless"):
        return await endless(receive, send)
    if path.endswith("/broken"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a part", "more_body": True})
        raise RuntimeError("on purpose")
    size, sha = await body_of(receive)
    has_trailers = path.endswith("/trailers")
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers, "trailers": has_trailers})
    text = json.dumps({
        "version": scope["http_version"], "method": scope["method"], "path": path, "scheme": scope["scheme"],
        "size": size, "sha": sha,
        "fields": [[name.decode(), value.decode()] for name, value in scope["headers"]],
    }).encode()
    await send({"type": "http.response.body", "body": text})
    if has_trailers:
        await send({"type": "http.response.trailers", "headers": [(b"X-Sum", b"42")]})


async def endless(receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    sending = asyncio.create_task(repeat(send))
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
    print("the client is gone", flush=True)


async def repeat(send):
    while True:
        await send({"type": "http.response.body", "body": b"x" * 16384, "more_body": True})


async def talk(scope, receive, send):
    await receive()
    if scope["path"].endswith("/refuse"):
        return await send({"type": "websocket.close", "code": 1000})
    subprotocols = scope["subprotocols"]
    await send({"type": "websocket.accept", "subprotocol": subprotocols[0] if subprotocols else None,
                "headers": [(b"x-version", scope["http_version"].encode())]})
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            print(f"{scope['query_string'].decode()} disconnected with {message['code']}", flush=True)
            return
        if message.get("text") == "bye":
            return await send({"type": "websocket.close", "code": 1000, "reason": "bye"})
        if message.get("text") is not None:
            await send({"type": "websocket.send", "text": message["text"].upper()})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})
