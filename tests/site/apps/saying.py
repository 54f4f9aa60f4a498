"""Two applications, WSGI and ASGI, that say what a request's X-Say field tells them to, as JSON:

status, headers, parts (the body), mode:
    whole     all parts in one
    stream    the head first, then part by part
    endless   the head, then the same part for ever; how it ends is in the file that EVENTS names
    file      parts[0] is the path of a file
    fail      an exception
    hang      nothing, and the process does nothing else either
    die       the process ends
Without X-Say, and below /echo, they say what they were asked.
"""
import asyncio
import hashlib
import json
import os
import time

NAME = os.environ.get("NAME", "unnamed")


def note(event):
    with open(os.environ["EVENTS"], "a") as file:
        file.write(event + "\n")


def said(text):
    what = json.loads(text)
    parts = [part.encode() * what.get("times", 1) for part in what.get("parts", [])]
    return what.get("status", 200), what.get("headers", []), parts, what.get("mode", "whole"), what


def refuse(mode):
    if mode == "fail":
        raise RuntimeError("asked to fail")
    if mode == "hang":
        time.sleep(60)
    if mode == "die":
        os._exit(3)


def wsgi(environ, start_response):
    if "HTTP_X_SAY" not in environ or environ["PATH_INFO"].startswith("/echo"):
        return echo(environ, start_response)
    status, headers, parts, mode, what = said(environ["HTTP_X_SAY"])
    refuse(mode)
    start_response(f"{status} Said", [(name, value) for name, value in headers])
    if mode == "whole":
        return [b"".join(parts)]
    if mode == "file":
        return environ["wsgi.file_wrapper"](open(parts[0], "rb"))
    return stream(parts, mode, what.get("pause", 0))


def stream(parts, mode, pause):
    try:
        for part in parts:
            yield part
            time.sleep(pause)
        while mode == "endless":
            yield parts[0]
            time.sleep(0.005)
        note("complete")
    finally:
        note("closed")


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    text = json.dumps({
        "name": NAME,
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ["QUERY_STRING"],
        "uri": environ["REQUEST_URI"],
        "raw": environ["RAW_URI"],
        "client": environ["REMOTE_ADDR"],
        "scheme": environ["wsgi.url_scheme"],
        "length": environ.get("CONTENT_LENGTH"),
        "size": len(body),
        "sha": hashlib.sha256(body).hexdigest(),
        "fields": {key: value for key, value in environ.items() if key.startswith("HTTP_")},
    }).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]


async def asgi(scope, receive, send):
    if scope["type"] == "websocket":
        return await talk(scope, receive, send)
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    fields = dict(scope["headers"])
    if b"x-say" not in fields or scope["path"].startswith("/echo"):
        return await asgi_echo(scope, receive, send, fields)
    status, headers, parts, mode, what = said(fields[b"x-say"])
    refuse(mode)
    lines = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    if mode == "whole":
        return await send({"type": "http.response.body", "body": b"".join(parts)})
    if mode == "file":
        return await send({"type": "http.response.pathsend", "path": parts[0].decode()})
    # As frameworks do it: a task that waits for the disconnect, and ends the other one.
    sending = asyncio.create_task(asgi_stream(parts, mode, what.get("pause", 0), send))
    listening = asyncio.create_task(until_disconnect(receive))
    await asyncio.wait([sending, listening], return_when=asyncio.FIRST_COMPLETED)
    sending.cancel()
    listening.cancel()


async def until_disconnect(receive):
    while (await receive())["type"] != "http.disconnect":
        pass


async def asgi_stream(parts, mode, pause, send):
    try:
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(pause)
        while mode == "endless":
            await send({"type": "http.response.body", "body": parts[0], "more_body": True})
            await asyncio.sleep(0.005)
        await send({"type": "http.response.body", "body": b""})
        note("complete")
    finally:
        note("closed")


async def talk(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"{NAME} {scope['path']} {scope['client'][0]} {scope['scheme']}"})
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return note("disconnected")
        await send({"type": "websocket.send", "text": event["text"]})


async def asgi_echo(scope, receive, send, fields):
    size, sha, events = 0, hashlib.sha256(), 0
    while True:
        event = await receive()
        events += 1
        if event["type"] == "http.disconnect":
            return
        size += len(event["body"])
        sha.update(event["body"])
        if not event.get("more_body"):
            break
    text = json.dumps({
        "name": NAME,
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "raw": scope["raw_path"].decode("latin-1"),
        "client": scope["client"][0],
        "scheme": scope["scheme"],
        "length": fields.get(b"content-length", b"").decode() or None,
        "size": size,
        "sha": sha.hexdigest(),
        "events": events,
        "fields": {name.decode(): value.decode("latin-1") for name, value in scope["headers"]},
    }).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})
