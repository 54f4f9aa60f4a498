"""A WSGI application whose paths make the trouble that a supervisor has to deal with."""
import os
import signal
import sys
import threading
import time
from urllib.parse import parse_qs


def spin():
    while True:
        pass


def app(environ, start_response):
    path = environ["PATH_INFO"]
    query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    body = str(os.getpid())
    if path == "/sleep":
        time.sleep(float(query["s"]))
    elif path == "/spin":
        spin()
    elif path == "/exit":
        os._exit(int(query["code"]))
    elif path == "/abort":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif path == "/env":
        body = os.environ.get(query["name"], "-")
    elif path == "/print":
        print("printed to stdout")
        print("printed to stderr", file=sys.stderr)
        sys.stdout.buffer.write(b"bytes \xff\x00 and\r\n")
        sys.stdout.flush()
    elif path == "/umask":
        mask = os.umask(0)
        os.umask(mask)
        body = "%o" % mask
    elif path == "/who":
        body = "%d %d %s" % (os.getuid(), os.getgid(), sorted(os.getgroups()))
    elif path == "/length":
        body = "%d bytes for user %d" % (len(environ["wsgi.input"].read()), os.getuid())
    elif path == "/threads":
        body = str(threading.active_count())
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body.encode()]
