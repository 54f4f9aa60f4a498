"""A chat room of Starlette: what one says, all hear."""
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocketDisconnect

room = set()


async def chat(websocket):
    await websocket.accept()
    room.add(websocket)
    try:
        while True:
            text = await websocket.receive_text()
            for member in list(room):
                await member.send_text(text)
    except WebSocketDisconnect:
        room.discard(websocket)


async def hello(_):
    return PlainTextResponse("Hello, World!")


app = Starlette(routes=[Route("/", hello), WebSocketRoute("/", chat)])
