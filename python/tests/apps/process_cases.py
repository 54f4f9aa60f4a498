"""What an application can see of its process."""
import atexit
import faulthandler
import os
import random
import signal
import sys
import threading

atexit.register(lambda: print("atexit ran", flush=True))
IMPORTED_BY = os.getpid()
FORKS = []
os.register_at_fork(after_in_child=lambda: FORKS.append(os.getpid()))


def app(environ, start_response):
    import ctypes
    kind = environ["PATH_INFO"].strip("/")
    if kind == "facts":
        umask = os.umask(0)
        os.umask(umask)
        found = {
            "imported_by": IMPORTED_BY, "pid": os.getpid(), "forks": FORKS, "random": random.random(),
            "cwd": os.getcwd(), "umask": umask, "argv": sys.argv, "spec": bool(sys.modules["__main__"].__spec__),
            "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")), "uid": os.getuid(), "gid": os.getgid(),
            "groups": os.getgroups(), "inheritable": [
                fd for fd in range(100, 120) if os.path.exists("/proc/self/fd/%d" % fd) and os.get_inheritable(fd)],
            "sigchld": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, "faulthandler": faulthandler.is_enabled(),
            "main": threading.current_thread() is threading.main_thread(),
        }
        body = repr(found).encode()
    elif kind == "crash":
        ctypes.string_at(0)
    elif kind == "exit":
        os._exit(0)
    elif kind == "thread":
        threading.Thread(target=threading.Event().wait, args=(0.3,)).start()
        body = b"started"
    else:
        body = b"hello"
    start_response("200 OK", [])
    return [body]
