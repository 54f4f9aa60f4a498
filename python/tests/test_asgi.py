"""ASGI HTTP over the wire, on asyncio's loop and, where it is installed, on uvloop's."""
import importlib.util
import os
import signal
import sys
import time
import unittest

from tests import edge


class Rules:
    """Every test asks one worker, which is shared, so that none may harm it."""

    loop = "asyncio"

    @classmethod
    def setUpClass(cls):
        if cls.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            raise unittest.SkipTest("uvloop is not installed")
        cls.worker = edge.Worker("asgi_cases:app", loop=cls.loop)
        cls.link = cls.worker.data()

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.worker.stop()
            log = cls.worker.log()
        finally:
            cls.worker.__exit__()
        assert code == 0, code
        assert "lifespan shutdown" in log, log

    def send(self, path, body=b"", method="GET", headers=(), query=b""):
        Rules.id = id = getattr(Rules, "id", 0) + 1
        self.link.send((1, id, 0, edge.scope(path, method, headers, query_string=query), body))
        return id

    def ask(self, path, *more, **named):
        """Sends a request and gathers its response: (status, headers, body, kinds of frames)."""
        status, headers, body, frames = self.link.response(self.send(path, *more, **named))
        return status, headers, body, [frame[0] for frame in frames]

    def seen(self):
        """What the applications noted since the last time."""
        return self.ask("/seen")[2].decode()

    def assert_seen(self, expected):
        """What comes after the answer may come a moment later, or when the worker stops waiting for the edge."""
        found, until = self.seen(), time.monotonic() + 15
        while found != expected and time.monotonic() < until:
            time.sleep(0.01)
            found = ",".join(filter(None, (found, self.seen())))
        self.assertEqual(found, expected)

    def test_a_short_answer_is_one_frame(self):
        self.assertEqual(self.ask("/hello"), (
            200, [(b"content-type", b"text/plain"), (b"content-length", b"5")], b"hello", [1]))

    def test_the_scope_is_complete_and_new_for_each_request(self):
        for _ in range(3):
            scope = eval(self.ask("/show")[2])
            self.assertEqual(scope["type"], "http")
            self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.3", "mine": True})
            self.assertEqual(scope["state"], {"database": "connected", "mine": True})
            self.assertEqual(scope["headers"], [(b"host", b"localhost"), (b"mine", b"1")])
            self.assertEqual(set(scope["extensions"]), {
                "http.response.pathsend", "http.response.zerocopysend", "http.response.early_hint",
                "http.response.trailers", "mine"})
            self.assertEqual(scope["client"], ("127.0.0.1", 5000))
        self.assertEqual(self.ask("/state")[2], b"{'database': 'connected'}")

    def test_the_body_is_received_and_then_the_end(self):
        self.assertEqual(eval(self.ask("/messages")[2]), [{"type": "http.request", "body": b"", "more_body": False}])
        self.assert_seen("['http.disconnect', 'http.disconnect']")
        self.assertEqual(eval(self.ask("/messages", b"whole")[2])[0]["body"], b"whole")
        id = self.send("/messages", None)
        self.link.send((2, id, b"a", True), (2, id, b"b", False))
        found = eval(self.link.response(id)[2])
        self.assertEqual([(each["body"], each["more_body"]) for each in found], [(b"a", True), (b"b", False)])
        path = os.path.join(self.worker.directory, "body-1")
        with open(path, "wb") as file:
            file.write(b"x" * 100_000)
        found = eval(self.ask("/messages", path)[2])
        self.assertEqual([(len(each["body"]), each["more_body"]) for each in found], [(65_536, True), (34_464, False)])
        self.assertFalse(os.path.exists(path))
        self.seen()

    def test_a_streamed_body_is_granted_credit_as_it_is_received(self):
        id = self.send("/echo", None)
        sent, credit, found, size, ended = 0, 65_536, b"", 400_000, False
        while not ended:
            while credit and sent < size:
                chunk = b"x" * min(credit, size - sent, 30_000)
                sent += len(chunk)
                credit -= len(chunk)
                self.link.send((2, id, chunk, sent < size))
            frame = self.link.receive()
            if frame[0] == 7:
                credit += frame[2]
            elif frame[0] in (2, 3):
                found += frame[2]
                if frame[2]:
                    self.link.send((4, id, len(frame[2])))
            ended = frame[0] in (1, 4)
        self.assertEqual(len(found), size)

    def test_a_body_that_waits_for_100_continue_is_asked_for_at_the_first_receive(self):
        id = self.send("/messages", None, headers=[(b"expect", b"100-continue")])
        self.assertEqual(self.link.receive(), (7, id, 65_536))
        self.link.send((2, id, b"now", False))
        self.assertIn(b"now", self.link.response(id)[2])
        self.assertEqual(self.ask("/hello", None, headers=[(b"expect", b"100-continue")])[3], [1])
        self.seen()

    def test_a_body_that_is_cut_short_is_a_disconnect(self):
        id = self.send("/cut-upload", None)
        self.link.send((2, id, b"part", True))
        time.sleep(0.05)
        self.link.send((3, id))
        self.assertEqual(self.link.response(id)[3], [(6, id, False)])
        self.assert_seen("http.request,http.disconnect")

    def test_receivers_that_wait_are_told_and_may_be_cancelled(self):
        self.assertEqual(self.ask("/two-receivers")[2], b"x")
        self.assert_seen("cancelled,http.disconnect,http.disconnect")

    def test_a_client_that_leaves_is_told_to_receive(self):
        id = self.send("/waits")
        self.assertEqual(self.link.receive()[0], 2)
        self.link.send((3, id))
        self.assertEqual(self.link.receive(), (6, id, True))
        self.assert_seen("http.disconnect,http.disconnect")

    def test_what_is_sent_to_a_client_that_left_is_dropped(self):
        before = self.worker.log()
        id = self.send("/gone-listening")
        self.assertEqual(self.link.receive()[0], 2)
        self.link.send((3, id))
        self.assertEqual(self.link.receive(), (6, id, True))
        self.assert_seen("dropped")
        self.assertEqual(self.worker.log(), before)

    def test_a_head_without_a_body_leaves_at_once(self):
        begun = time.monotonic()
        id = self.send("/start-only")
        self.assertEqual(self.link.receive(), (2, id, b"", 200, [(b"content-type", b"text/event-stream")]))
        self.assertLess(time.monotonic() - begun, 0.8)
        self.assertEqual(self.link.receive(), (3, id, b"later"))
        self.assertEqual(self.link.receive(), (4, id, None))

    def test_no_more_is_sent_than_was_granted_and_send_waits(self):
        id = self.send("/stream")
        sent = 0
        while not self.link.quiet(0.3):
            sent += len(self.link.receive()[2])
        self.assertEqual(sent, 262_144)
        self.link.send((1, id + 1, 0, edge.scope("/seen"), b""))
        Rules.id += 1
        self.assertEqual(self.link.receive()[2], b"0")
        self.link.send((4, id, 2_000_000))
        while True:
            frame = self.link.receive()
            if frame[0] == 4:
                break
            sent += len(frame[2])
        self.assertEqual(sent, 1_200_000)
        self.seen()
        self.assertEqual(len(self.ask("/large")[2]), 600_000)

    def test_a_send_that_is_cancelled_leaves_no_hole(self):
        id = self.send("/impatient", query=b"200000")
        self.assertEqual(self.link.receive()[0], 2)
        # Room for what is left of the first send, and for a part of the second.
        self.link.send((4, id, 100_000))
        found = b""
        while not self.link.quiet(0.3):
            found += self.link.receive()[2]
        self.link.send((4, id, 200_000))
        for frame in iter(self.link.receive, (4, id, None)):
            found += frame[2]
        self.assertEqual(found, b"a" * (300_000 - 262_144) + b"b" * 200_000 + b"c")
        self.assert_seen("timeout,sent")

    def test_too_much_of_a_send_that_is_cancelled_cuts_the_response(self):
        id = self.send("/impatient", query=b"1400000")
        self.assertEqual(self.link.receive()[0], 2)
        self.link.send((4, id, 100_000))
        frames = list(iter(self.link.receive, (6, id, True)))
        self.assertEqual(sum(len(frame[2]) for frame in frames), 100_000)
        self.assert_seen("timeout,RuntimeError")

    def test_wrong_order_is_a_runtime_error_that_names_both(self):
        found = self.ask("/order")[2].decode().split("|")
        self.assertEqual(found[0], "Expected ASGI message 'http.response.start', but got 'http.response.body'")
        self.assertEqual(len(found), 8)
        self.assert_seen("Unexpected ASGI message 'http.response.body': the response is complete")

    def test_bad_heads_are_refused_and_odd_ones_taken(self):
        status, headers, body, kinds = self.ask("/heads")
        self.assertEqual(body.strip().decode().split(","), [
            "TypeError", "TypeError", "RuntimeError", "RuntimeError", "TypeError", "RuntimeError", "TypeError"])
        self.assertEqual((status, kinds), (418, [1]))
        self.assertEqual(headers, [
            (b"X-Mixed", b"1"), (b"x-view", b"2"), (b"content-length", b"100"), (b"connection", b"close")])
        self.assertEqual(self.ask("/text-body")[3][-1], 6)

    def test_content_length_is_kept(self):
        self.assertEqual(self.ask("/too-long")[2:], (b"abc", [2, 6]))
        self.assertEqual(self.ask("/too-short")[3], [2, 6])
        self.assertEqual(self.ask("/not-modified")[1:], ([(b"content-length", b"30")], b"", [1]))
        self.assertEqual(self.ask("/head-mismatch", method="HEAD")[2:], (b"", [2, 4]))
        self.worker.wait_log("longer than Content-Length")

    def test_exceptions_and_early_returns_end_their_request_only(self):
        for path, kinds, text in (
                ("/raises-before", [6], "before the start"), ("/raises-started", [6], "after the start"),
                ("/raises-midway", [2, 6], "in the middle"), ("/raises-after", [1], "in the background"),
                ("/returns-early", [6], "without starting a response"),
                ("/returns-midway", [2, 6], "without completing its response"),
                ("/returns-something", [1], "it should return None"), ("/exits", [6], "SystemExit: 7")):
            self.assertEqual(self.ask(path)[3], kinds, path)
            self.worker.wait_log(text)
        self.assertEqual(self.worker.log().count("before the start\n"), 1)
        self.assertIn("Exception in ASGI application\nTraceback", self.worker.log())
        self.assertNotIn("tricorn/worker", self.worker.log())
        self.assertEqual(self.ask("/hello")[2], b"hello")

    def test_work_in_the_background_delays_nobody(self):
        begun = time.monotonic()
        self.assertEqual(self.ask("/background")[2], b"hello")
        self.assertEqual(self.ask("/hello")[2], b"hello")
        self.assertLess(time.monotonic() - begun, 0.8)
        self.assert_seen("background")

    def test_files_go_by_name(self):
        path = os.path.join(self.worker.directory, "sent.txt")

        def frames(query, method="GET"):
            return self.link.response(self.send("/path-send", query=query, method=method))[3]
        self.assertEqual(frames(b"")[0][2:], (path, 0, 500_000, 200, []))
        self.assertEqual(frames(b"length")[0][2:5], (path, 0, 500_000))
        self.assertEqual([frame[0] for frame in frames(b"missing")], [6])
        self.assertEqual(frames(b"", "HEAD")[0][2], b"")
        self.assertEqual(len(self.ask("/path-send", query=b"late")[2]), 500_000)

    def test_an_open_file_goes_by_its_name(self):
        path = os.path.join(self.worker.directory, "zero.bin")
        for query, offset, count in ((b"whole", 0, 500_000), (b"part", 100, 1000), (b"beyond", 499_990, 10),
                                     (b"buffered", 10, 499_990), (b"sparse", 0, -1)):
            frames = self.link.response(self.send("/zero-copy", query=query))[3]
            self.assertEqual(frames, [(5, frames[0][1], path, offset, count, 200, [])], query)
        self.assert_seen("500000")

    def test_an_open_file_is_read_where_its_name_would_not_do(self):
        content = bytes(range(250)) * 2000
        self.assertEqual(self.ask("/zero-copy", query=b"several")[2],
                         content[5:300_005] + b"|" + content[:10] + content[300_005:])
        self.assert_seen("300005,300005")
        self.assertEqual(self.ask("/zero-copy", query=b"unlinked")[2], content)
        self.assertEqual(self.ask("/zero-copy", query=b"whole", method="HEAD")[2:], (b"", [1]))
        self.assertEqual(self.ask("/zero-copy", query=b"mismatch")[2:], (content[:3], [2, 3, 6]))
        self.worker.wait_log("shorter than Content-Length")
        self.assertEqual(self.ask("/zero-copy", query=b"wrong")[2], b"x")
        self.assert_seen("OSError,OSError,RuntimeError,RuntimeError,AttributeError,OSError")

    def test_no_more_of_a_file_is_read_than_was_granted(self):
        id = self.send("/zero-copy", query=b"unlinked")
        sent = 0
        while not self.link.quiet(0.3):
            sent += len(self.link.receive()[2])
        self.assertEqual(sent, 262_144)
        self.link.send((4, id, 1_000_000))
        self.assertEqual(sent + len(self.link.response(id)[2]), 500_000)

    def test_a_file_may_be_deleted_once_send_has_returned(self):
        path = os.path.join(self.worker.directory, "deleted.txt")
        for word in (lambda id: (4, id, 1), lambda id: (3, id)):
            id = self.send("/sends-and-deletes")
            self.assertEqual(self.link.receive()[:3], (5, id, path))
            self.assertTrue(os.path.exists(path))
            self.link.send(word(id))
            self.assert_seen("deleted")
        # An edge that says nothing is not waited for for ever.
        self.send("/sends-and-deletes")
        self.assert_seen("deleted")

    def test_what_is_no_file_is_an_error_of_the_application(self):
        self.assertEqual(self.ask("/strange-paths")[2], b"x")
        self.assert_seen("OSError,OSError,FileNotFoundError,TypeError")

    def test_early_hints_go_before_the_head(self):
        id = self.send("/hints")
        self.assertEqual(self.link.receive(), (8, id, 103, [(b"link", b"</a.css>; rel=preload")]))
        self.assertEqual(self.link.receive(), (8, id, 103, [(b"link", b"</b.js>; rel=preload")]))
        self.assertEqual(self.link.response(id)[2], b"hinted")

    def test_trailers_end_the_response(self):
        id = self.send("/trailers")
        self.assertEqual(self.link.receive()[:3], (2, id, b"with trailers"))
        self.assertEqual(self.link.receive(), (4, id, [(b"a", b"1"), (b"b", b"2")]))

    def test_trailers_must_be_announced_and_well_formed(self):
        self.assertEqual(self.ask("/no-trailers")[2], b"x")
        self.assert_seen("RuntimeError,RuntimeError")
        frames = self.link.response(self.send("/odd-trailers"))[3]
        self.assertEqual(frames[-1][2], [(b"a", b"1")])
        self.assert_seen("RuntimeError,RuntimeError,TypeError,RuntimeError,RuntimeError,RuntimeError")

    def test_informational_responses_go_before_the_body(self):
        id = self.send("/informational")
        self.assertEqual(self.link.receive(), (8, id, 102, [(b"x", b"1")]))
        self.assertEqual(self.link.receive(), (8, id, 103, []))
        self.assertEqual(self.link.response(id)[2], b"xy")
        self.assert_seen("RuntimeError,RuntimeError,RuntimeError,TypeError,sent,RuntimeError,sent,RuntimeError,"
                         "RuntimeError")

    def test_pairs_and_bodies_of_any_type_are_taken_again_and_again(self):
        for query, kinds in ((b"", [1]), (b"", [1]), (b"stream", [2, 3, 4]), (b"stream", [2, 3, 4])):
            found = self.ask("/named-pairs", query=query)
            self.assertEqual(found[1], [(b"x-name", b"value"), (b"x-list", b"value")])
            self.assertEqual(found[3], kinds)
        self.assertEqual(self.ask("/buffers")[2], b"1234")
        self.assert_seen("sent,sent,sent,TypeError")

    def test_what_is_sent_leaves_though_the_application_computes_on(self):
        id = self.send("/computes")
        self.assertEqual(self.link.receive()[2], b"1")
        first = time.monotonic()
        self.assertEqual(self.link.receive(), (3, id, b"2"))
        second = time.monotonic()
        self.assertEqual(self.link.receive(), (4, id, None))
        self.assertEqual(self.ask("/computes-afterwards")[2], b"hello")
        third = time.monotonic()
        self.ask("/hello")
        for gap in (second - first, third - second, time.monotonic() - third):
            self.assertGreater(gap, 0.2)

    @unittest.skipIf(sys.version_info < (3, 11), "exception groups came with Python 3.11")
    def test_a_group_of_nothing_but_the_clients_leaving_is_not_told(self):
        before = self.worker.log()
        for query, text in ((b"", None), (b"more", "ConnectionResetError: not ours")):
            id = self.send("/group", query=query)
            self.assertEqual(self.link.receive()[0], 2)
            self.link.send((3, id))
            self.assertEqual(self.link.receive(), (6, id, True))
            self.assert_seen("http.disconnect")
            if text is None:
                self.assertEqual(self.worker.log(), before)
            else:
                self.worker.wait_log(text)
        self.assertEqual(self.worker.log().count("Exception Group Traceback"), 1)

    def test_context_variables_do_not_leak_and_tasks_are_tasks(self):
        for _ in range(3):
            ids = [self.send("/variable") for _ in range(5)]
            for _ in ids:
                self.assertEqual(self.link.receive()[2], b"cleandirtyTask")

    def test_the_loop_beats(self):
        first = self.worker.state()[0][0]
        self.assertGreater(first, 0)
        time.sleep(1.2)
        self.assertGreater(self.worker.state()[0][0], first)


class Asyncio(Rules, unittest.TestCase):
    pass


class Uvloop(Rules, unittest.TestCase):
    loop = "uvloop"


class Stops(unittest.TestCase):
    """The end of a worker, which each test has for itself."""

    def test_what_runs_and_its_background_is_finished(self):
        with edge.Worker("asgi_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.scope("/background", query_string=b"0.4"), b""))
            self.assertEqual(link.receive()[2], b"hello")
            self.assertEqual(worker.stop(), 0)
            self.assertLess(worker.log().index("background done"), worker.log().index("lifespan shutdown"))

    def test_open_streams_are_told_and_may_end_properly(self):
        with edge.Worker("asgi_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.scope("/forever"), b""))
            self.assertEqual(link.receive()[2], b"first")
            begun = time.monotonic()
            self.assertEqual(worker.stop(grace_s=2), 0)
            self.assertGreater(time.monotonic() - begun, 0.9)
            self.assertEqual(link.receive(), (3, 1, b"bye"))
            self.assertEqual(link.receive(), (4, 1, None))

    def test_an_event_stream_is_told_when_its_worker_retires_and_nobody_else(self):
        with edge.Worker("asgi_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.scope("/forever"), b""))
            link.send((1, 2, 0, edge.scope("/forever", query_string=b"text/event-stream; charset=utf-8"), b""))
            self.assertEqual([link.receive()[:3], link.receive()[:3]], [(2, 1, b"first"), (2, 2, b"first")])
            worker.control.send({"type": "retire", "grace_s": 0.2})
            self.assertEqual([link.receive(), link.receive()], [(3, 2, b"bye"), (4, 2, None)])
            self.assertTrue(link.quiet(0.2))
            link.send((3, 1))
            self.assertEqual(link.receive()[:2], (6, 1))

    def test_what_does_not_listen_is_cancelled_within_the_grace_time(self):
        with edge.Worker("asgi_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.scope("/deaf"), b""))
            self.assertEqual(link.receive()[2], b"first")
            begun = time.monotonic()
            self.assertEqual(worker.stop(grace_s=1), 0)
            self.assertLess(time.monotonic() - begun, 2.5)
            self.assertIn("cancelled at the end", worker.log())
            self.assertIn("lifespan shutdown", worker.log())
            self.assertEqual(link.receive(), (6, 1, True))

    def test_a_loop_that_is_blocked_is_left_after_the_grace_time(self):
        with edge.Worker("wsgi_cases:app") as worker:
            worker.data().send((1, 1, 0, edge.environ("/sleeps", QUERY_STRING="60"), b""))
            time.sleep(0.2)
            begun = time.monotonic()
            self.assertEqual(worker.stop(grace_s=0.2), 1)
            self.assertLess(time.monotonic() - begun, 5)
            self.assertIn("The grace time is over", worker.log())

    def test_sending_to_a_client_that_left_raises_after_a_while(self):
        with edge.Worker("asgi_cases:app") as worker:
            link = worker.data()
            link.send((1, 1, 0, edge.scope("/gone"), b""))
            self.assertEqual(link.receive()[0], 2)
            link.send((3, 1))
            begun = time.monotonic()
            while link.receive()[0] != 6:
                pass
            self.assertGreater(time.monotonic() - begun, 9)
            link.send((1, 2, 0, edge.scope("/seen"), b""))
            self.assertEqual(link.receive()[2], b"ClientDisconnected")
            self.assertEqual(worker.log(), "")

    def test_asgi_2_and_wrapped_applications_are_run(self):
        for target, version in (("asgi_cases:Two", 2), ("asgi_cases:wrapped", 3)):
            with edge.Worker(target) as worker:
                self.assertEqual(worker.messages[0]["asgi"], version)
                link = worker.data()
                link.send((1, 1, 0, edge.scope("/hello"), b""))
                self.assertEqual(link.receive()[2], b"hello")

    def test_a_term_of_its_own_asks_for_a_successor_first(self):
        with edge.Worker("asgi_cases:app") as worker:
            link = worker.data()
            worker.process.send_signal(signal.SIGINT)
            worker.process.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait_for("recycle")["reason"], "signal")
            link.send((1, 1, 0, edge.scope("/hello"), b""))
            self.assertEqual(link.receive()[2], b"hello")
            worker.process.send_signal(signal.SIGTERM)
            self.assertEqual(worker.process.wait(5), 0)


if __name__ == "__main__":
    unittest.main()
