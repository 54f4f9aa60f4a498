"""ASGI applications that send files by name or descriptor, one behaviour each."""
import asyncio
import os

from asgi_messages import SEEN, body, note, start


def descriptor(file, **more):
    return {"type": "http.response.zerocopysend", "file": file, **more}


async def path_send(scope, receive, send):
    path = os.path.abspath("sent.txt")
    with open(path, "wb") as file:
        file.write(b"0123456789" * 50_000)
    kind = scope["query_string"]
    headers = [(b"content-length", b"500000")] if kind == b"length" else []
    await send(start(headers=headers))
    if kind == b"late":
        await asyncio.sleep(0.05)
    if kind == b"missing":
        path += ".none"
    await send({"type": "http.response.pathsend", "path": path})


async def zero_copy(scope, receive, send):
    """Sends an open file as the query says."""
    kind = scope["query_string"].decode()
    path = os.path.abspath("zero.bin")
    with open(path, "wb") as file:
        file.write(bytes(range(250)) * 2000)
        if kind == "sparse":
            file.truncate(3 << 30)
    with open(path, "rb") as file:
        fd = file.fileno()
        headers = [(b"content-length", b"4")] if kind == "mismatch" else []
        await send(start(headers=headers))
        if kind == "whole":
            await send(descriptor(fd))
        elif kind == "part":
            await send(descriptor(file, offset=100, count=1000))
        elif kind == "beyond":
            await send(descriptor(file, offset=499_990, count=1000))
        elif kind == "buffered":
            file.read(10)
            await send(descriptor(file))
            SEEN.append(file.tell())
        elif kind == "several":
            os.lseek(fd, 5, os.SEEK_SET)
            await send(descriptor(fd, count=300_000, more_body=True))
            SEEN.append(os.lseek(fd, 0, os.SEEK_CUR))
            await send(body(b"|", True))
            await send(descriptor(fd, offset=0, count=10, more_body=True))
            SEEN.append(os.lseek(fd, 0, os.SEEK_CUR))
            await send(descriptor(fd))
        elif kind == "unlinked":
            os.unlink(path)
            await send(descriptor(fd))
        elif kind == "sparse":
            await send(descriptor(fd))
        elif kind == "mismatch":
            await send(descriptor(fd, count=3))
        elif kind == "wrong":
            ours, theirs = os.pipe()
            for message in (descriptor(ours), descriptor(ours, offset=0), descriptor(fd, offset=-1),
                            descriptor(fd, count=-1), descriptor("name"), descriptor(10_000)):
                await note(send, message)
            os.close(ours)
            os.close(theirs)
            await send(body(b"x"))


async def sends_and_deletes(scope, receive, send):
    path = os.path.abspath("deleted.txt")
    with open(path, "wb") as file:
        file.write(b"x" * 1000)
    await send(start())
    await send({"type": "http.response.pathsend", "path": path})
    os.unlink(path)
    SEEN.append("deleted")


async def strange_paths(scope, receive, send):
    fifo = os.path.abspath("fifo")
    if not os.path.exists(fifo):
        os.mkfifo(fifo)
    await send(start())
    for path in (fifo, os.getcwd(), "/none", 5.5):
        await note(send, {"type": "http.response.pathsend", "path": path})
    await send(body(b"x"))
