"""PEP 3333 over the wire: one suite, run by a worker with one thread and by one with four."""
import os
import time
import unittest

from tests import edge


class Rules:
    """Every test asks one worker, which is shared, so that none may harm it."""

    threads = 1

    @classmethod
    def setUpClass(cls):
        cls.worker = edge.Worker("wsgi_cases:app", threads=cls.threads)
        cls.link = cls.worker.data()
        cls.id = 0

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.worker.stop()
        finally:
            cls.worker.__exit__()
        assert code == 0, code

    def ask(self, path, body=b"", method="GET", link=None, **more):
        """Sends a request and gathers its response: (status, headers, body, kinds of frames)."""
        path, _, query = path.partition("?")
        id = self.send(path, body, method, QUERY_STRING=query, **more)
        status, headers, body, frames = self.link.response(id)
        return status, headers, body, [frame[0] for frame in frames]

    def send(self, path, body=b"", method="GET", **more):
        Rules.id = id = getattr(Rules, "id", 0) + 1
        self.link.send((1, id, 0, edge.environ(path, method, **more), body))
        return id

    def seen(self):
        """What the applications noted since the last time."""
        return self.ask("/seen")[2].decode()

    def assert_seen(self, expected):
        """What comes after the answer may come a moment later."""
        found, until = self.seen(), time.monotonic() + 5
        while found != expected and time.monotonic() < until:
            time.sleep(0.01)
            found = ",".join(filter(None, (found, self.seen())))
        self.assertEqual(found, expected)

    def test_the_environ_is_complete_and_truthful(self):
        environ = eval(self.ask("/show")[2])
        self.assertEqual(environ["wsgi.version"], (1, 0))
        self.assertEqual(environ["wsgi.multithread"], self.threads > 1)
        self.assertEqual(environ["wsgi.multiprocess"], False)
        self.assertEqual(environ["wsgi.run_once"], False)
        self.assertEqual(environ["wsgi.input_terminated"], True)
        self.assertEqual(environ["wsgi.url_scheme"], "http")
        self.assertEqual(environ["SERVER_SOFTWARE"], "tricorn/0.1.0")
        self.assertEqual(environ["PATH_INFO"], "/show")

    def test_wsgirefs_validator_is_content(self):
        for path, body in (("/valid", b"valid body"), ("/valid-file", b"valid file"), ("/valid-write", b"valid write"),
                           ("/valid-error", b"valid error")):
            for method in ("GET", "POST"):
                status, _, found, kinds = self.ask(path, b"body" if method == "POST" else b"", method)
                self.assertNotIn(6, kinds, path)
        self.assertEqual(self.ask("/valid", b"0123456789", "POST", CONTENT_LENGTH="10")[2], b"valid 0123456789")
        self.ask("/valid", method="HEAD")

    def test_a_body_is_read_as_a_file_is(self):
        expected = [b"ab\n", b"cd\n", b"ef", [b"\n", b"gh\n"], b"", b"ij", b"", b"", b"", b""]
        body = b"ab\ncd\nef\ngh\nij"
        self.assertEqual(eval(self.ask("/reads", body, "POST")[2]), expected)
        path = os.path.join(self.worker.directory, "body-1")
        with open(path, "wb") as file:
            file.write(body)
        self.assertEqual(eval(self.ask("/reads", path, "POST")[2]), expected)
        self.assertFalse(os.path.exists(path))
        id = self.send("/reads", None, "POST")
        for n, byte in enumerate(body):
            self.link.send((2, id, bytes([byte]), n + 1 < len(body)))
        self.assertEqual(eval(self.link.response(id)[2]), expected)
        self.assertEqual(self.ask("/wrapped-input", "grüße".encode(), "POST")[2], "grüße".encode())

    def test_a_spooled_body_that_is_missing_fails_its_request_only(self):
        self.assertEqual(self.ask("/echo", os.path.join(self.worker.directory, "body-none"), "POST")[3], [6])
        self.assertEqual(self.ask("/hello")[2], b"hello")

    def test_a_streamed_body_is_granted_credit_as_it_is_read(self):
        id = self.send("/echo", None, "POST")
        sent, credit, body = 0, 65_536, bytes(range(256)) * 1200
        while sent < len(body):
            if not credit:
                frame = self.link.receive()
                self.assertEqual(frame[:2], (7, id))
                credit += frame[2]
            chunk = body[sent:sent + min(credit, 65_536)]
            self.link.send((2, id, chunk, sent + len(chunk) < len(body)))
            sent += len(chunk)
            credit -= len(chunk)
        while True:
            frame = self.link.receive()
            if frame[0] != 7:
                break
        self.assertEqual(frame[0], 2)
        self.link.send((4, id, 262_144))
        found = frame[2]
        while frame[0] != 4:
            frame = self.link.receive()
            if frame[0] == 3:
                found += frame[2]
        self.assertEqual(found, body)

    def test_a_body_that_waits_for_100_continue_is_asked_for_when_it_is_read(self):
        id = self.send("/echo", None, "POST", HTTP_EXPECT="100-continue")
        self.assertEqual(self.link.receive(), (7, id, 65_536))
        self.link.send((2, id, b"now", False))
        self.assertEqual(self.link.response(id)[2], b"now")
        id = self.send("/hello", None, "POST", HTTP_EXPECT="100-continue")
        self.assertEqual(self.link.response(id)[3][0][0], 1)

    def test_a_body_that_is_cut_short_raises_an_oserror(self):
        id = self.send("/read-cut", None, "POST")
        self.link.send((2, id, b"some", True))
        time.sleep(0.1)
        self.link.send((3, id))
        self.assertEqual(self.link.response(id)[3], [(6, id, False)])
        self.assert_seen("ClientDisconnected")

    def test_a_short_answer_is_one_frame(self):
        self.assertEqual(self.ask("/hello"), ("200 OK", [("Content-Type", "text/plain")], b"hello", [1]))
        self.assertEqual(self.ask("/text-subclass"), ("200 OK", [("X-Safe", "1")] * 2, b"fine", [1]))
        self.assertEqual(self.ask("/empty-generator"), ("200 OK", [], b"", [1]))

    def test_each_block_is_sent_before_the_next_is_asked_for(self):
        self.assertEqual(self.ask("/generator")[2:], (b"onetwo", [2, 3, 4]))
        begun = time.monotonic()
        id = self.send("/slow-blocks")
        self.assertEqual(self.link.receive()[2], b"first")
        self.assertLess(time.monotonic() - begun, 0.8)
        self.assertEqual(self.link.receive(), (3, id, b"second"))
        self.assertEqual(self.link.receive(), (4, id, None))

    def test_a_late_start_response_counts(self):
        self.assertEqual(self.ask("/late-start")[::2], ("202 Accepted", b"late"))

    def test_a_body_before_start_response_fails(self):
        self.assertEqual(self.ask("/no-start")[3], [6])

    def test_exc_info_replaces_a_head_that_was_not_sent(self):
        self.assertEqual(self.ask("/exc-before"), ("500 Oops", [("X-New", "1")], b"replaced", [1]))

    def test_exc_info_after_the_head_raises_again(self):
        status, _, body, kinds = self.ask("/exc-after")
        self.assertEqual((status, body, kinds), ("200 OK", b"part", [2, 6]))
        self.worker.wait_log("inner of exc_after")

    def test_a_second_start_response_is_an_assertion_error(self):
        self.ask("/twice")
        self.assert_seen("AssertionError")

    def test_bad_heads_are_refused_in_the_call_and_fields_of_the_connection_dropped(self):
        status, headers, body, _ = self.ask("/bad-headers")
        self.assertEqual(body.decode().split(","), [
            "ValueError", "ValueError", "TypeError", "TypeError", "ValueError", "ValueError", "TypeError", "ValueError",
            "ValueError", "ValueError", "ValueError", "TypeError"])
        self.assertEqual((status, headers), ("200", [("X-List", "1"), ("Connection", "close")]))

    def test_write_sends_at_once_and_in_order(self):
        self.assertEqual(self.ask("/writes")[2:], (b"one,two,three", [2, 3, 3, 4]))
        self.assertEqual(self.ask("/write-too-much")[2], b"one")
        self.assert_seen("ValueError")

    def test_close_is_called_exactly_once_whatever_happens(self):
        for path, note in (("/closes", "normal"), ("/closes-on-error", "error"), ("/too-long", "too long"),
                           ("/head-of-generator", "head")):
            self.ask(path, method="HEAD" if note == "head" else "GET")
            self.assert_seen("closed " + note)
        self.assertEqual(self.ask("/close-raises")[2], b"sent all the same")
        self.worker.wait_log("from close")

    def test_content_length_is_kept(self):
        self.assertEqual(self.ask("/too-long")[2], b"abcde")
        self.assertEqual(self.ask("/too-long-list")[2], b"abcde")
        self.assertEqual(self.ask("/too-short")[2:], (b"abc", [2, 6]))
        self.assertEqual(self.ask("/exact")[2:], (b"abc", [1]))
        self.assertIn("after the last block", self.seen())
        status, headers, body, kinds = self.ask("/large-list")
        self.assertEqual((headers, len(body), kinds[-1]), ([("Content-Length", "600000")], 600_000, 4))
        self.assertEqual(self.ask("/one")[1], [("Content-Length", "8")])

    def test_no_more_is_sent_than_was_granted(self):
        id = self.send("/large-blocks")
        sent = 0
        while not self.link.quiet(0.3):
            frame = self.link.receive()
            self.assertIn(frame[0], (2, 3))
            sent += len(frame[2])
        self.assertEqual(sent, 262_144)
        self.link.send((4, id, 100_000))
        while not self.link.quiet(0.3):
            sent += len(self.link.receive()[2])
        self.assertEqual(sent, 362_144)
        self.link.send((4, id, 2_000_000))
        while True:
            frame = self.link.receive()
            if frame[0] == 4:
                break
            sent += len(frame[2])
        self.assertEqual(sent, 1_200_000)

    def test_what_is_no_iterable_of_bytes_fails(self):
        for kind in ("none", "bytes", "str", "number"):
            self.assertEqual(self.ask("/strange/" + kind)[3], [6], kind)
        self.assertEqual(self.ask("/strange/bytearray")[2], b"fine")

    def test_exceptions_answer_500_and_the_worker_lives_on(self):
        for path, text in (("/exits", "SystemExit: 4"), ("/interrupts", "KeyboardInterrupt"),
                           ("/deep", "RecursionError"), ("/hostile", "Hostile"),
                           ("/late-error", "user's own mistake: é")):
            self.assertEqual(self.ask(path)[3], [6], path)
            self.worker.wait_log(text)
        log = self.worker.log()
        self.assertIn("Exception in WSGI application\nTraceback (most recent call last):\n", log)
        self.assertNotIn("tricorn/worker", log)
        self.assertEqual(self.ask("/hello")[2], b"hello")

    def test_head_204_and_304_have_no_body(self):
        status, headers, body, kinds = self.ask("/head-of-generator", method="HEAD")
        self.assertEqual((headers, body), ([("Content-Length", "6")], b""))
        self.assertEqual(self.ask("/nothing")[1:], ([("Content-Length", "5"), ("ETag", '"x"')], b"", [1]))
        self.assertEqual(self.ask("/hello", method="HEAD")[2:], (b"", [1]))
        self.seen()

    def test_real_files_go_by_name(self):
        path = os.path.join(self.worker.directory, "file.txt")

        def frame(kind, method="GET"):
            id = self.send("/files", method=method, QUERY_STRING=kind)
            return self.link.response(id)[3][0]
        self.assertEqual(frame("whole")[2:], (path, 0, 10_000, "200 OK", [("Content-Length", "10000")]))
        self.assertEqual(frame("offset")[2:5], (path, 10, 9_990))
        self.assertEqual(frame("length")[2:], (path, 5, 7, "200 OK", [("Content-Length", "7")]))
        self.assertEqual(frame("whole", "HEAD")[0], 2)

    def test_what_only_looks_like_a_file_is_read(self):
        self.assertEqual(self.ask("/files?gone")[2], b"0123456789" * 1000)
        self.assertEqual(self.ask("/files?memory")[2], b"from memory")
        self.assertEqual(self.ask("/files?temporary")[2], b"temporary")

    def test_early_hints_go_before_the_head(self):
        id = self.send("/hints")
        self.assertEqual(self.link.receive(), (8, id, 103, [("Link", "</a.css>; rel=preload"), ("Link", "</b.js>")]))
        self.assertEqual(self.link.response(id)[2], b"hinted")
        self.assert_seen("ValueError")

    def test_context_variables_do_not_leak(self):
        for _ in range(8):
            self.assertEqual(self.ask("/variable")[2], b"cleandirty")

    def test_call_iteration_and_close_are_on_one_thread(self):
        self.ask("/threads")
        self.assert_seen("True,True")
        self.assertEqual(self.ask("/main-thread")[2], str(self.threads == 1).encode())

    def test_what_is_printed_reaches_the_log_at_once(self):
        self.ask("/prints")
        for text in ("printed é€\n", "to wsgi.errors €\n", "lines\n"):
            self.worker.wait_log(text)
        self.ask("/prints")

    def test_a_client_that_leaves_ends_the_iteration_silently(self):
        self.seen()
        id = self.send("/forever")
        self.assertEqual(self.link.receive()[0], 2)
        before = self.worker.log()
        self.link.send((3, id))
        while self.link.receive()[0] == 3:
            pass
        self.assert_seen("generator closed")
        id = self.send("/pours")
        time.sleep(0.2)
        self.link.send((3, id))
        while True:
            frame = self.link.receive()
            if frame[0] == 6:
                break
        self.assertEqual(frame, (6, id, True))
        self.assert_seen("ClientDisconnected")
        self.assertEqual(self.worker.log(), before)


class OneThread(Rules, unittest.TestCase):
    threads = 1

    def test_a_queued_request_whose_client_left_is_never_started(self):
        self.seen()
        slow = self.send("/sleeps", QUERY_STRING="0.3")
        queued = self.send("/sleeps", QUERY_STRING="0")
        other = self.send("/hello")
        time.sleep(0.1)
        self.link.send((3, queued))
        answers = {}
        while len(answers) < 3:
            frame = self.link.receive()
            answers[frame[1]] = frame[:3]
        self.assertEqual(answers[queued], (6, queued, False))
        self.assertEqual(answers[slow][0], 1)
        self.assertEqual(answers[other][2], b"hello")
        self.assert_seen("slept")


class FourThreads(Rules, unittest.TestCase):
    threads = 4

    def test_requests_run_at_the_same_time(self):
        begun = time.monotonic()
        ids = [self.send("/sleeps", QUERY_STRING="0.6") for _ in range(4)]
        for _ in ids:
            self.assertEqual(self.link.receive()[2], b"slept")
        self.assertLess(time.monotonic() - begun, 1.8)
        self.seen()


if __name__ == "__main__":
    unittest.main()
