"""Entry of a worker: `python <this directory> CONTROL_SOCK NAME`.

The user's modules must never be shadowed by ours, so our directories are on `sys.path` only while
our own package is imported. This file is readable by every Python, so that one that is too old can say so.
"""
import sys


def import_life():
    """Imports `tricorn.worker.life` and leaves `sys.path` without any directory of ours."""
    import os
    here = os.path.dirname(os.path.abspath(__file__))
    root = os.path.dirname(os.path.dirname(here))
    # Python puts the directory that it runs in front: our `wire.py` would hide the user's.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    sys.path.insert(0, root)
    try:
        from tricorn.worker import life
    finally:
        sys.path.remove(root)
    return life


def refuse(path, name):
    """Tells the master that this interpreter is too old, in the words of the control channel."""
    import json
    import os
    import platform
    import socket
    found = "%s %s" % (platform.python_implementation(), platform.python_version())
    messages = [
        {"type": "hello", "name": name, "pid": os.getpid(), "role": "worker"},
        {"type": "failed", "stage": "interpreter", "traceback": None,
         "message": "%s is %s, but Python 3.9 or later is needed" % (sys.executable, found),
         "hint": "name another interpreter or virtual environment with --python"},
    ]
    control = socket.socket(socket.AF_UNIX)
    control.connect(path)
    control.sendall("".join(json.dumps(message) + "\n" for message in messages).encode())
    control.close()
    return 3


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python %s CONTROL_SOCK NAME (the master starts this program)" % sys.argv[0])
    if sys.version_info < (3, 9):
        sys.exit(refuse(sys.argv[1], sys.argv[2]))
    sys.exit(import_life().live(sys.argv[1], sys.argv[2]))
