"""Cannot be imported."""


def connect():
    raise RuntimeError("no database at 10.0.0.1")


connect()
