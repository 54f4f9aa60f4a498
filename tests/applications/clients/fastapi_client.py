"""Client of fastapi_app."""

import asyncio
import hashlib
import json
import os

from scenarios import closing, connect, drop, event, play, refusal, scenario


@scenario
async def lifespan(origin, http):
    return (await http.get("/model")).json()


@scenario
async def validation(origin, http):
    good = await http.post("/hats", json={"name": "Tricorn", "corners": 3})
    bad = await http.post("/hats", json={"name": "", "corners": -1})
    broken = await http.post("/hats", content=b"{", headers={"content-type": "application/json"})
    wrong = await http.delete("/hats")
    return [good.status_code, good.json(), bad.status_code, [error["loc"] for error in bad.json()["detail"]],
            broken.status_code, wrong.status_code, wrong.headers["allow"]]


@scenario
async def documentation(origin, http):
    return [(await http.get("/docs")).status_code, "/hats" in (await http.get("/openapi.json")).json()["paths"]]


@scenario
async def sessions(origin, http):
    """A session is closed behind the response, maybe while the next request is already there."""
    seen = [(await http.get("/with-session?name=a")).json()]
    await event(http, "a closed")
    seen.append((await http.get("/with-blocking-session?name=b")).json())
    await event(http, "b closed in a thread")
    seen.append((await http.get("/failing-session?name=c")).status_code)
    await event(http, "c closed")
    return [*seen, [entry for entry in (await http.get("/events")).json() if entry[0] in "abc"]]


@scenario
async def session_of_a_stream(origin, http):
    seen = []
    async with http.stream("GET", "/stream-with-session?name=streamer") as response:
        async for piece in response.aiter_text():
            seen.append(piece)
            await http.post("/open/streamer")
    await event(http, "streamer closed")
    return seen


@scenario
async def background(origin, http):
    response = await http.post("/notify/ada")
    before = "ada first" in (await http.get("/events")).json()
    await http.post("/open/ada")
    await event(http, "ada second, in a thread")
    return [response.status_code, response.json(), before]


@scenario
async def upload(origin, http):
    first, second = os.urandom(2_500_000), b"small"
    files = [("files", ("größe.bin", first, "application/x-hat")), ("files", ("b.txt", second, "text/plain"))]
    response = await http.post("/upload", data={"note": "a ü b"}, files=files)
    body = response.json()
    digests = [hashlib.sha256(data).hexdigest() for data in (first, second)]
    return [body["note"], [file[:3] for file in body["files"]], [file[3] for file in body["files"]] == digests]


@scenario
async def static(origin, http):
    whole = await http.get("/static/style.css")
    again = await http.get("/static/style.css", headers={"if-none-match": whole.headers["etag"]})
    part = await http.get("/static/style.css", headers={"range": "bytes=0-3"})
    head = await http.head("/static/style.css")
    outside = await http.get("/static/%2e%2e/%2e%2e/etc/passwd")
    return [whole.status_code, whole.headers["content-type"], len(whole.content), again.status_code, again.text,
            part.status_code, part.text, head.headers["content-length"], outside.status_code]


@scenario
async def tokens(origin, http):
    """Each token is asked for when the one before has been read: nobody may hold one back."""
    seen = []
    async with http.stream("GET", "/tokens/answer") as response:
        async for piece in response.aiter_text():
            seen.append(piece)
            await http.post("/open/answer")
    return [response.headers["content-type"], seen]


@scenario
async def leaving_an_answer(origin, http):
    async with http.stream("GET", "/tokens/left") as response:
        await anext(response.aiter_text())
    return await event(http, "left ended")


@scenario
async def server_sent_events(origin, http):
    return (await http.get("/sse")).text.replace("\r\n", "\n").strip().split("\n\n")


@scenario
async def blocking(origin, http):
    answers = await asyncio.gather(*(http.get("/blocking") for _ in range(20)))
    return [answer.json() == {"client": "127.0.0.1", "base": f"{origin}/"} for answer in answers].count(True)


@scenario
async def websocket_parameters(origin, http):
    seen = []
    for path, headers in [("/items/7/ws?token=t&q=1", {}), ("/items/8/ws", {"cookie": "session=s"})]:
        async with connect(origin, path, additional_headers=headers) as socket:
            await socket.send("hällo")
            seen.append(json.loads(await socket.recv()))
    return seen


@scenario
async def websocket_refusals(origin, http):
    paths = ("/items/7/ws", "/items/no-number/ws?token=t", "/nowhere")
    return [(await refusal(origin, path)).status_code for path in paths]


@scenario
async def websocket_exception(origin, http):
    async with connect(origin, "/items/7/ws?token=t") as socket:
        await socket.send("fail")
        return await closing(socket)


@scenario
async def websocket_session(origin, http):
    async with connect(origin, "/session/ws?name=polite") as socket:
        seen = [await socket.recv()]
        await socket.send("hello")
        seen.append(await socket.recv())
    await event(http, "polite closed")
    async with connect(origin, "/session/ws?name=rude") as socket:
        await socket.recv()
        drop(socket)
    await event(http, "rude closed")
    return seen


@scenario
async def chat(origin, http):
    async with connect(origin, "/chat/ada") as ada:
        seen = [await ada.recv()]
        async with connect(origin, "/chat/bob") as bob:
            seen += [await ada.recv(), await bob.recv()]
            await bob.send("hello 👋")
            seen += [await ada.recv(), await bob.recv()]
        return [*seen, await ada.recv()]


play()
