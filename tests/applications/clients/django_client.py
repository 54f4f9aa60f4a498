"""Client of django_app."""

import asyncio
import os

from scenarios import event, play, scenario, until


@scenario
async def views(origin, http):
    token = (await http.get("/log-in/")).json()["token"]
    fields = {"csrfmiddlewaretoken": token, "password": "three corners"}
    without_token = await http.post("/log-in/", data={"password": "three corners"})
    wrong = await http.post("/log-in/", data={**fields, "password": "two corners"})
    right = await http.post("/log-in/", data=fields)
    return [without_token.status_code, wrong.status_code, right.text, (await http.get("/blocking/")).json(),
            (await http.get("/waiting/")).json()]


@scenario
async def many_at_once(origin, http):
    paths = ["/blocking/", "/waiting/"] * 10
    answers = await asyncio.gather(*(http.get(path) for path in paths))
    return [answer.status_code for answer in answers].count(200)


@scenario
async def meta(origin, http):
    response = await http.get("/meta/%C3%BC%20x//y?q=%C3%BC", headers=[("x-twice", "1"), ("x-twice", "2"),
                                                                      ("cookie", "a=1; b=2"), ("host", "hats.example")])
    return [response.json(), response.headers["x-thread"]]


@scenario
async def common(origin, http):
    slash = await http.get("/visits")
    host = await http.get("/visits/", headers={"host": "evil.example", "connection": "close"})
    head = await http.head("/meta/x")
    return [slash.status_code, slash.headers["location"], host.status_code, head.status_code, head.text,
            (await http.get("/nowhere/")).status_code,
            (await http.get("/broken/", headers={"connection": "close"})).status_code]


@scenario
async def session(origin, http):
    return [(await http.get("/visits/")).text for _ in range(3)]


@scenario
async def stream(origin, http):
    seen = []
    async with http.stream("GET", "/stream/plain/") as response:
        async for piece in response.aiter_text():
            seen.append(piece)
            await http.post("/open/plain")
    await event(http, "plain ended")
    return [seen, (await http.get("/sync-stream/")).text]


@scenario
async def leaving(origin, http):
    async with http.stream("GET", "/endless/") as response:
        seen = [(await anext(response.aiter_text())).splitlines()[0]]
    seen.append(await event(http, "endless cancelled"))
    task = asyncio.create_task(http.get("/forever/"))
    await event(http, "forever began")
    task.cancel()
    await asyncio.wait([task])
    return [*seen, await event(http, "forever cancelled")]


@scenario
async def file(origin, http):
    response = await http.get("/file/")
    return [response.headers["content-length"], response.headers["content-disposition"],
            response.content == bytes(range(256)) * 1200]


@scenario
async def upload(origin, http):
    large = os.urandom(3_500_000)
    form = await http.post("/upload/", data={"note": "ü"}, files={"file": ("hüte.bin", large)})
    small = await http.post("/body/", content=b"x" * 100_000)
    return [form.json(), small.json()]


@scenario
async def upload_cut_short(origin, http):
    """The view is not called, and Django answers the next request."""
    async def calls():
        return (await http.get("/events")).json().count("body view called")

    before = await calls()
    host, port = origin.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /body/ HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\nonly this")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await asyncio.sleep(0.1)
    return await calls() - before


@scenario
async def signals(origin, http):
    """Whatever has become of a request, it has finished, or Django would leak its connections to the database."""
    async def balanced():
        counts = (await http.get("/counts")).json()
        # The request that asks has begun and is not finished.
        return counts["started"] == counts["finished"] + 1
    return await until(balanced)


play()
