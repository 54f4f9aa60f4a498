"""WSGI applications, one behaviour each, chosen by the path."""
import contextvars
import io
import os
import sys
import tempfile
import threading
import time
from wsgiref.validate import validator

SEEN = []
VARIABLE = contextvars.ContextVar("variable", default="clean")


class Closing:
    """An iterable that tells when it is closed."""

    def __init__(self, blocks, name):
        self.blocks, self.name = blocks, name

    def __iter__(self):
        return iter(self.blocks)

    def close(self):
        SEEN.append("closed " + self.name)


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def seen(environ, start_response):
    start_response("200 OK", [])
    body = ",".join(map(str, SEEN)).encode()
    del SEEN[:]
    return [body]


def show(environ, start_response):
    start_response("200 OK", [])
    shown = {key: value for key, value in sorted(environ.items()) if isinstance(value, (str, tuple, bool))}
    return [repr(shown).encode()]


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [])
    return [body]


def reads(environ, start_response):
    stream = environ["wsgi.input"]
    parts = [stream.read(3), stream.readline(), stream.readline(2), stream.readlines(2), stream.read(0),
             next(iter(stream), b""), stream.read(-1), stream.read(), stream.readline(), stream.read(5)]
    start_response("200 OK", [])
    return [repr(parts).encode()]


def read_cut(environ, start_response):
    try:
        environ["wsgi.input"].read()
    except OSError as error:
        SEEN.append(type(error).__name__)
    raise RuntimeError("after the cut")


def wrapped_input(environ, start_response):
    text = io.TextIOWrapper(environ["wsgi.input"], encoding="utf-8").read()
    start_response("200 OK", [])
    return [text.encode()]


def no_start(environ, start_response):
    return [b"x"]


def late_start(environ, start_response):
    start_response("202 Accepted", [])
    yield b""
    yield b"late"


def generator(environ, start_response):
    start_response("200 OK", [])
    yield b"one"
    yield b"two"


def slow_blocks(environ, start_response):
    start_response("200 OK", [])
    yield b"first"
    time.sleep(1)
    yield b"second"


def exc_before(environ, start_response):
    start_response("200 OK", [("X-Old", "1"), ("Content-Length", "100")])
    try:
        raise ValueError("inner")
    except ValueError:
        start_response("500 Oops", [("X-New", "1")], exc_info=sys.exc_info())
    return [b"replaced"]


def exc_after(environ, start_response):
    start_response("200 OK", [])
    yield b"part"
    try:
        raise ValueError("inner of exc_after")
    except ValueError:
        start_response("500 Oops", [], sys.exc_info())
    yield b"never"


def twice(environ, start_response):
    start_response("200 OK", [])
    try:
        start_response("200 OK", [])
    except AssertionError:
        SEEN.append("AssertionError")
    return [b""]


def bad_headers(environ, start_response):
    found = []
    for status, headers in (
            ("200 OK", [("X", "a\r\nb")]), ("200 OK", [("X y", "a")]), ("200 OK", [(b"X", "a")]),
            ("200 OK", [("X", 5)]), ("200 OK", [("X", "\u20ac")]),
            ("OK", []), (200, []), ("100 Continue", []), ("200 a\nb", []),
            ("200 OK", [("Content-Length", "-1")]), ("200 OK", [("Content-Length", "1"), ("Content-Length", "2")]),
            ("200 OK", ["X: y"])):
        try:
            start_response(status, headers, None if not found else (ValueError, ValueError(), None))
        except Exception as error:
            found.append(type(error).__name__)
        else:
            found.append("fine")
    start_response("200", [["X-List", "1"], ("Transfer-Encoding", "chunked"), ("Connection", "keep-alive"),
                           ("Connection", "close"), ("X-Latin", "\xe9"),
                           ("Content-Length", "1000"), ("Content-Length", "1000")],
                   (ValueError, ValueError(), None))
    start_response("200", iter([["X-List", "1"], ("Transfer-Encoding", "chunked"), ("Connection", "close")]),
                   (ValueError, ValueError(), None))
    return [",".join(found).encode()]


class Text(str):
    """A subclass of str, as Django's SafeString is."""


def text_subclass(environ, start_response):
    start_response(Text("200 OK"), [(Text("X-Safe"), Text("1")), ("X-Safe", "1")])
    return [b"fine"]


def writes(environ, start_response):
    write = start_response("200 OK", [])
    write(b"one,")
    write(b"two,")
    return [b"three"]


def write_too_much(environ, start_response):
    write = start_response("200 OK", [("Content-Length", "3")])
    write(b"one")
    try:
        write(b"more")
    except ValueError:
        SEEN.append("ValueError")
    return []


def closes(environ, start_response):
    start_response("200 OK", [])
    return Closing([b"a", b"b"], "normal")


def closes_on_error(environ, start_response):
    def blocks():
        yield b"a"
        raise RuntimeError("in the middle")
    start_response("200 OK", [])
    return Closing(blocks(), "error")


def close_raises(environ, start_response):
    class Result(list):
        def close(self):
            raise RuntimeError("from close")
    start_response("200 OK", [])
    return Result([b"sent all the same"])


def too_long(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return Closing((block for block in (b"abc", b"defgh", b"never")), "too long")


def too_long_list(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"abc", b"defgh"]


def too_short(environ, start_response):
    start_response("200 OK", [("Content-Length", "50")])
    return [b"abc"]


def exact(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    yield b"abc"
    SEEN.append("after the last block")


def large_list(environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 300_000, b"y" * 300_000]


def quarter(environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 200_000]


def large_blocks(environ, start_response):
    start_response("200 OK", [])
    for n in range(6):
        yield bytes([97 + n]) * 200_000


class One:
    """Not a list, but its length says that there is one block."""

    def __len__(self):
        return 1

    def __iter__(self):
        return iter([b"just one"])


def one(environ, start_response):
    start_response("200 OK", [])
    return One()


def strange(kind):
    def application(environ, start_response):
        start_response("200 OK", [])
        return {"none": None, "bytes": b"abc", "str": ["text"], "number": 5,
                "bytearray": [bytearray(b"fi"), memoryview(b"ne")]}[kind]
    return application


def exits(environ, start_response):
    raise SystemExit(4)


def interrupts(environ, start_response):
    raise KeyboardInterrupt


class Hostile(Exception):
    def __str__(self):
        raise SystemExit("no text")


def hostile(environ, start_response):
    raise Hostile


def deep(environ, start_response):
    return deep(environ, start_response)


def head_of_generator(environ, start_response):
    start_response("200 OK", [("Content-Length", "6")])
    return Closing(iter([b"abc", b"def"]), "head")


def nothing(environ, start_response):
    start_response("304 Not Modified", [("Content-Length", "5"), ("ETag", '"x"')])
    return []


def empty_generator(environ, start_response):
    start_response("200 OK", [])
    return iter(())


def files(environ, start_response):
    kind = environ["QUERY_STRING"]
    path = os.path.join(os.getcwd(), "file.txt")
    with open(path, "wb") as file:
        file.write(b"0123456789" * 1000)
    file = open(path, "rb")
    headers = []
    if kind == "offset":
        # The descriptor has read ahead by now: the object's own position counts.
        file.read(10)
    elif kind == "length":
        file.read(5)
        headers.append(("Content-Length", "7"))
    elif kind == "gone":
        os.unlink(path)
    elif kind == "memory":
        file = io.BytesIO(b"from memory")
    elif kind == "temporary":
        file = tempfile.NamedTemporaryFile()
        file.write(b"temporary")
        file.seek(0)
    start_response("200 OK", headers)
    return environ["wsgi.file_wrapper"](file, 4096)


def hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload"), (b"Link", b"</b.js>")])
    try:
        environ["wsgi.early_hints"]([("Link", "a\r\nb")])
    except ValueError:
        SEEN.append("ValueError")
    start_response("200 OK", [])
    return [b"hinted"]


def variable(environ, start_response):
    before = VARIABLE.get()
    VARIABLE.set("dirty")
    start_response("200 OK", [])
    yield before.encode()
    yield VARIABLE.get().encode()


def threads(environ, start_response):
    class Result:
        def __iter__(self):
            SEEN.append(threading.get_ident() == called)
            return iter([b"x"])

        def close(self):
            SEEN.append(threading.get_ident() == called)
    called = threading.get_ident()
    start_response("200 OK", [])
    return Result()


def main_thread(environ, start_response):
    start_response("200 OK", [])
    return [str(threading.current_thread() is threading.main_thread()).encode()]


def prints(environ, start_response):
    print("printed é€")
    environ["wsgi.errors"].write("to wsgi.errors €\n")
    environ["wsgi.errors"].writelines(["lines\n"])
    environ["wsgi.errors"].flush()
    environ["wsgi.errors"].close()
    start_response("200 OK", [])
    return [b""]


def sleeps(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"]))
    SEEN.append("slept")
    start_response("200 OK", [])
    return [b"slept"]


def forever(environ, start_response):
    start_response("200 OK", [])

    def blocks():
        try:
            while True:
                yield b"tick" * 10
                time.sleep(0.01)
        finally:
            SEEN.append("generator closed")
    return blocks()


def pours(environ, start_response):
    write = start_response("200 OK", [])
    try:
        while True:
            write(b"x" * 100_000)
    except OSError as error:
        SEEN.append(type(error).__name__)
        raise


@validator
def valid(environ, start_response):
    body = environ["wsgi.input"].read(10)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"valid ", body]


@validator
def valid_file(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return environ["wsgi.file_wrapper"](io.BytesIO(b"valid file"))


@validator
def valid_write(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])(b"valid write")
    return []


@validator
def valid_error(environ, start_response):
    try:
        raise ValueError
    except ValueError:
        start_response("500 Bad", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"valid error"]


def late_error(environ, start_response):
    raise ValueError("user's own mistake: é")


def app(environ, start_response):
    name = environ["PATH_INFO"].strip("/").replace("-", "_") or "hello"
    kind, _, rest = name.partition("/")
    found = strange(rest) if kind == "strange" else globals()[kind]
    return found(environ, start_response)
