"""What runs inside a Python worker: the wire, the loader, WSGI, ASGI and lifespan, preloading."""
