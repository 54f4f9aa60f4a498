"""Quart as installed: requests, streams, uploads, background tasks, WebSockets."""

import asyncio
import hashlib

from quart import Quart, ResponseReturnValue, abort, jsonify, request, session, stream_with_context, websocket

app = Quart(__name__)
app.secret_key = "a key for tests"

# What happened, for the client to ask.
EVENTS = []
GATE = asyncio.Queue()
MEMBERS = set()


@app.before_serving
async def start():
    app.config["MODEL"] = "loaded"


@app.after_request
async def mark(response):
    response.headers["x-quart"] = request.method
    return response


@app.get("/model")
async def model():
    return jsonify(model=app.config["MODEL"], host=request.host, remote=request.remote_addr, scheme=request.scheme,
                   path=request.path, root=request.root_path, words=request.args.getlist("word"))


@app.get("/events")
async def events():
    return jsonify(EVENTS)


@app.post("/open")
async def open_gate():
    GATE.put_nowait(None)
    return "", 204


@app.get("/visits")
async def visits():
    session["visits"] = session.get("visits", 0) + 1
    return str(session["visits"])


@app.post("/echo")
async def echo_body():
    return await request.get_data(), 201, {"content-type": request.content_type}


@app.post("/digest")
async def digest():
    """Reads the body piece by piece, as it comes."""
    digest, size = hashlib.sha256(), 0
    async for data in request.body:
        digest.update(data)
        size += len(data)
    return jsonify(size=size, sha256=digest.hexdigest())


@app.post("/form")
async def form():
    fields, files = await request.form, await request.files
    return jsonify(note=fields["note"], name=files["file"].filename, size=len(files["file"].read()))


@app.get("/stream")
async def stream() -> ResponseReturnValue:
    @stream_with_context
    async def write():
        for number in range(3):
            yield f"piece {number} of {request.path}\n"
            await GATE.get()

    return write(), {"content-type": "text/plain"}


@app.get("/sse")
async def sse():
    async def write():
        try:
            while True:
                yield b"data: tick\r\n\r\n"
                await asyncio.sleep(0.01)
        finally:
            EVENTS.append("sse ended")

    response = await app.make_response(write())
    response.timeout = None
    response.mimetype = "text/event-stream"
    return response


@app.get("/blocking")
def blocking():
    """A plain function, which Quart runs in a thread."""
    return request.path


@app.post("/background")
async def background():
    async def work():
        await GATE.get()
        EVENTS.append("background done")

    app.add_background_task(work)
    return "accepted", 202


@app.get("/broken")
async def broken():
    raise ValueError("broken on purpose")


@app.get("/forbidden")
async def forbidden():
    abort(403)


@app.websocket("/ws/echo")
async def echo():
    try:
        while True:
            data = await websocket.receive()
            if data == "close":
                await websocket.close(4321, "as you wish")
            await websocket.send(data)
    except asyncio.CancelledError:
        EVENTS.append("echo cancelled")
        raise


@app.websocket("/ws/accepted/<name>")
async def accepted(name):
    await websocket.accept(headers={"x-name": name}, subprotocol="hat")
    await websocket.send_json({"name": name, "wanted": websocket.requested_subprotocols,
                               "word": websocket.args.get("word"), "cookie": websocket.cookies.get("c")})


@app.websocket("/ws/denied")
async def denied():
    abort(401)


@app.websocket("/ws/fails")
async def fails():
    await websocket.accept()
    raise ValueError("broken on purpose")


@app.websocket("/ws/both")
async def both():
    """One task sends, the other receives."""
    async def sending():
        number = 0
        while True:
            await websocket.send(str(number))
            number += 1
            await asyncio.sleep(0.005)

    async def receiving():
        while True:
            EVENTS.append(f"heard {await websocket.receive()}")

    await asyncio.gather(sending(), receiving())


@app.websocket("/ws/room")
async def room():
    queue = asyncio.Queue()
    MEMBERS.add(queue)

    async def sending():
        while True:
            await websocket.send(await queue.get())

    task = asyncio.ensure_future(sending())
    try:
        while True:
            message = await websocket.receive()
            for member in MEMBERS:
                member.put_nowait(message)
    finally:
        task.cancel()
        MEMBERS.discard(queue)
        EVENTS.append(f"{len(MEMBERS)} in the room")
