"""The end of a worker, of its edge or of a connection, as WebSockets see it."""
import ast
import time
import unittest

from tests import edge

GONE = {"type": "websocket.disconnect", "code": 1006, "reason": ""}


class Ends(unittest.TestCase):
    """Each test has a worker for itself."""

    def test_open_websockets_are_told_of_the_restart_and_awaited(self):
        with edge.Worker("websocket_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.websocket_scope("/ignores"), b""))
            self.assertEqual(link.receive(), (10, 1, None, []))
            begun = time.monotonic()
            self.assertEqual(worker.stop(grace_s=2), 0)
            self.assertGreater(time.monotonic() - begun, 0.9)
            self.assertEqual([link.receive(), link.receive()], [(14, 1, 1012, ""), (4, 1, None)])
            log = worker.log()
            self.assertIn("{'type': 'websocket.disconnect', 'code': 1012, 'reason': ''}", log)
            self.assertIn("ClientDisconnected", log)
            self.assertLess(log.index("last work done"), log.index("lifespan shutdown"))
            self.assertNotIn("Traceback", log)

    def test_what_the_edge_has_closed_ends_before_the_grace_time(self):
        with edge.Worker("websocket_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.websocket_scope("/echo"), b""))
            self.assertEqual(link.receive(), (10, 1, None, []))
            worker.control.send({"type": "stop", "grace_s": 20})
            link.send((8, 1, 1012, ""))
            self.assertEqual(link.receive(), (4, 1, None))
            self.assertEqual(worker.process.wait(5), 0)

    def test_a_handshake_without_an_answer_is_failed(self):
        with edge.Worker("websocket_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.websocket_scope("/connects-for-ever"), b""))
            time.sleep(0.1)
            self.assertEqual(worker.stop(grace_s=1), 0)
            self.assertEqual(link.receive(), (6, 1, False))
            self.assertIn("'code': 1012", worker.log())
            self.assertNotIn("without accepting", worker.log())

    def test_what_does_not_listen_is_closed_and_then_cancelled(self):
        with edge.Worker("websocket_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.websocket_scope("/deaf"), b""))
            self.assertEqual(link.receive(), (10, 1, None, []))
            begun = time.monotonic()
            self.assertEqual(worker.stop(grace_s=1), 0)
            self.assertLess(time.monotonic() - begun, 2.5)
            self.assertEqual([link.receive(), link.receive()], [(14, 1, 1012, ""), (4, 1, None)])
            self.assertIn("cancelled at the end", worker.log())

    def test_a_blocked_send_ends_with_the_worker(self):
        with edge.Worker("websocket_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.websocket_scope("/floods", query_string=b"(100, 60_000)"), b""))
            self.assertEqual(link.receive(), (10, 1, None, []))
            # It has more to say than the socket takes: nothing is lost when the edge reads it only now.
            worker.control.send({"type": "stop", "grace_s": 1})
            worker.wait_log("lifespan shutdown")
            frames = [link.receive()]
            while frames[-1][0] != 4:
                frames.append(link.receive())
            self.assertEqual(frames[-2], (14, 1, 1012, ""))
            self.assertEqual(worker.process.wait(5), 0)
            self.assertNotIn("Traceback", worker.log())

    def test_a_lost_edge_is_a_disconnect(self):
        with edge.Worker("websocket_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.websocket_scope("/echo"), b""))
            self.assertEqual(link.receive(), (10, 1, None, []))
            link.close()
            other = worker.data(1)
            until = time.monotonic() + 5
            found, id = b"[]", 0
            while found == b"[]" and time.monotonic() < until:
                id += 1
                other.send((1, id, 0, edge.scope("/seen"), b""))
                found = other.response(id)[2]
            self.assertEqual(ast.literal_eval(found.decode()), [GONE])

    def test_a_wsgi_worker_takes_no_websocket_frames(self):
        with edge.Worker("wsgi_cases:app") as worker:
            for frame in ((6, [1, "x"]), (7, 1, b"x", 1), (8, 1, 1000, ""), (9, 1)):
                link = worker.data()
                link.send(frame)
                with self.subTest(frame=frame):
                    self.assertIsNone(link.receive())

    def test_malformed_frames_end_their_connection_and_no_other(self):
        with edge.Worker("websocket_cases:app") as worker:
            good = worker.data(1)
            for number, frames in enumerate((
                    [(6, [1, 5])], [(6, [[], "x"])], [(6, [1])], [(6, {})], [(7, 1, b"\xff", 1)], [(7, 1, "x", 0)],
                    [(9, 1)], [(6, [1, "x", 1, None, 1, None, 1, None])], [(8, 1, "x", "")], [(8, 1, 1000)],
                    [(8, 2, 1000, "")], [(9, 2)])):
                link = worker.data()
                link.send((1, 1, 0, edge.websocket_scope("/pauses"), b""), (1, 2, 0, edge.scope("/waits"), b""))
                self.assertEqual(link.receive(), (10, 1, None, []))
                link.send(*frames)
                with self.subTest(frames=frames):
                    self.assertIsNone(link.receive())
                good.send((1, number + 1, 0, edge.scope("/nothing"), b""))
                self.assertEqual(good.response(number + 1)[0], 200)
            self.assertEqual(worker.log().count("ends its connection"), 12)


if __name__ == "__main__":
    unittest.main()
