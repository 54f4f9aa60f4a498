"""
a2wsgi as installed, in both directions: `asgi` is a Flask application behind WSGIMiddleware, `wsgi` a Starlette
application behind ASGIMiddleware. Both answer the same paths alike.
"""

import hashlib

from a2wsgi import ASGIMiddleware, WSGIMiddleware
from flask import Flask, Response, jsonify, request
from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

PIECES = [f"piece {number} {'x' * 1000}\n" for number in range(100)]

flask = Flask(__name__)


@flask.route("/hello/<name>", methods=["GET", "POST"])
def hello(name):
    return jsonify(name=name, method=request.method, query=request.args.get("q"), twice=request.headers.get("x-twice"),
                   host=request.remote_addr, url=request.path)


@flask.post("/digest")
def digest():
    body = request.stream.read()
    return jsonify(size=len(body), sha256=hashlib.sha256(body).hexdigest())


@flask.get("/stream")
def stream():
    return Response(iter(PIECES), content_type="text/plain")


@flask.get("/teapot")
def teapot():
    response = Response("no coffee", status=418)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


@flask.get("/broken")
def broken():
    raise ValueError("broken on purpose")


async def starlette_hello(request):
    return JSONResponse({
        "name": request.path_params["name"], "method": request.method, "query": request.query_params.get("q"),
        "twice": request.headers.get("x-twice"), "host": request.client.host, "url": request.url.path})


async def starlette_digest(request):
    body = await request.body()
    return JSONResponse({"size": len(body), "sha256": hashlib.sha256(body).hexdigest()})


async def starlette_stream(request):
    async def write():
        for piece in PIECES:
            yield piece

    return StreamingResponse(write(), media_type="text/plain")


async def starlette_teapot(request):
    response = PlainTextResponse("no coffee", status_code=418)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


async def starlette_broken(request):
    raise ValueError("broken on purpose")


starlette = Starlette(routes=[
    Route("/hello/{name}", starlette_hello, methods=["GET", "POST"]),
    Route("/digest", starlette_digest, methods=["POST"]),
    Route("/stream", starlette_stream),
    Route("/teapot", starlette_teapot),
    Route("/broken", starlette_broken),
])

asgi = WSGIMiddleware(flask)
wsgi = ASGIMiddleware(starlette)
