"""Client of both applications of a2wsgi_app."""

import asyncio
import hashlib
import os

from scenarios import play, scenario


@scenario
async def requests(origin, http):
    address, headers = "/hello/%C3%BC%20x?q=%C3%BC", {"x-twice": "1, 2"}
    return [(await http.get(address, headers=headers)).json(), (await http.post(address, headers=headers)).json(),
            (await http.head("/hello/x")).status_code, (await http.get("/nowhere")).status_code]


@scenario
async def bodies(origin, http):
    """Only with a length: a2wsgi sees no others."""
    body = os.urandom(2_000_000)
    expected = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    answers = [await http.post("/digest", content=content) for content in (body, b"")]
    return [answers[0].json() == expected, answers[1].json()["size"]]


@scenario
async def stream(origin, http):
    answers = await asyncio.gather(*(http.get("/stream") for _ in range(10)))
    expected = "".join(f"piece {number} {'x' * 1000}\n" for number in range(100))
    return [answer.text == expected for answer in answers].count(True)


@scenario
async def teapot(origin, http):
    response = await http.get("/teapot")
    cookies = [value.partition(";")[0] for value in response.headers.get_list("set-cookie")]
    return [response.status_code, response.text, cookies]


@scenario
async def broken(origin, http):
    response = await http.get("/broken", headers={"connection": "close"})
    return [response.status_code, (await http.get("/hello/again")).status_code]


play()
