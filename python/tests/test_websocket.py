"""ASGI WebSocket over the wire, on asyncio's loop and, where it is installed, on uvloop's."""
import importlib.util
import unittest

from tests import edge


class Rules:
    """Every test asks one worker, which is shared, so that none may harm it."""

    loop = "asyncio"

    @classmethod
    def setUpClass(cls):
        if cls.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            raise unittest.SkipTest("uvloop is not installed")
        cls.worker = edge.Worker("websocket_cases:app", loop=cls.loop)
        cls.link = cls.worker.data()

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.worker.stop()
            log = cls.worker.log()
        finally:
            cls.worker.__exit__()
        assert code == 0, (code, log)
        assert "lifespan shutdown" in log, log

    def open(self, path, **more):
        """Begins a WebSocket and returns its id."""
        Rules.id = id = getattr(Rules, "id", 0) + 1
        self.link.send((1, id, 0, edge.websocket_scope(path, **more), b""))
        return id

    def accepted(self, path, **more):
        id = self.open(path, **more)
        self.assertEqual(self.link.receive(), (10, id, None, []))
        return id

    def test_messages_come_back(self):
        id = self.accepted("/echo")
        self.link.send((6, [id, "hello", id, b"bytes"]))
        self.assertEqual(self.link.receive(), (11, ["hello", [id], b"bytes", [id]]))
        self.link.send((8, id, 1001, "away"))
        self.assertEqual(self.link.receive(), (4, id, None))
        id = self.accepted("/seen")
        self.assertEqual(self.link.receive(), (11, [
            "[{'type': 'websocket.disconnect', 'code': 1001, 'reason': 'away'}]", [id]]))
        self.assertEqual([self.link.receive(), self.link.receive()], [(14, id, 1000, ""), (4, id, None)])


class Asyncio(Rules, unittest.TestCase):
    pass


class Uvloop(Rules, unittest.TestCase):
    loop = "uvloop"


if __name__ == "__main__":
    unittest.main()
