"""ASGI lifespan: a worker for each way that an application may take it."""
import time
import unittest

from tests import edge


class Lifespan(unittest.TestCase):
    def start(self, kind, expect="ready", **settings):
        worker = edge.Worker("lifespan_cases:app", environment={"KIND": kind}, expect=expect, **settings)
        self.addCleanup(worker.__exit__)
        return worker

    def state(self, worker):
        link = worker.data()
        link.send((1, 1, 0, edge.scope(), b""))
        return link.receive()[2]

    def test_startup_comes_before_ready_and_shutdown_before_the_end(self):
        worker = self.start("good")
        self.assertEqual(self.state(worker), b"{'items': []}")
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(worker.log(), "shutdown with {'items': []}\n")

    def test_auto_goes_on_without_it(self):
        for kind, text in (("unsupported", "is not supported by the application (ValueError)"), ("silent", ""),
                           ("raises", "ValueError: in startup")):
            worker = self.start(kind)
            self.assertEqual(self.state(worker), b"{}")
            self.assertEqual(worker.stop(), 0)
            self.assertIn(text, worker.log())
            self.assertEqual("Traceback" in worker.log(), kind == "raises")

    def test_on_insists(self):
        for kind in ("unsupported", "silent", "raises"):
            worker = self.start(kind, "failed", lifespan="on")
            self.assertEqual(worker.messages[-1]["stage"], "lifespan")
            self.assertEqual(worker.messages[-1]["traceback"] is None, kind == "silent")
            self.assertEqual(worker.process.wait(10), 3)

    def test_off_never_calls_it(self):
        worker = self.start("failed", lifespan="off")
        self.assertEqual(self.state(worker), b"{}")
        self.assertEqual((worker.stop(), worker.log()), (0, ""))

    def test_a_failed_startup_stops_the_start(self):
        worker = self.start("failed", "failed")
        self.assertEqual(worker.messages[-1]["message"], "the application's lifespan startup failed: no database")
        self.assertEqual(worker.process.wait(10), 3)

    def test_an_exit_in_startup_keeps_its_code(self):
        worker = self.start("exits", "failed")
        self.assertEqual(worker.process.wait(10), 9)

    def test_a_task_that_ends_early_is_noted_and_not_shut_down(self):
        worker = self.start("early")
        self.assertEqual(self.state(worker), b"{'items': []}")
        self.assertEqual(worker.stop(), 0)
        self.assertIn("ended early", worker.log())

    def test_a_repeated_message_is_an_error_of_the_application(self):
        worker = self.start("repeats")
        worker.wait_log("RuntimeError: unexpected lifespan message")
        self.assertEqual(self.state(worker), b"{'items': []}")
        self.assertEqual(worker.stop(), 0)

    def test_a_failed_shutdown_is_told_by_the_exit_status(self):
        for kind, text in (("fails_at_the_end", "still busy"), ("raises_at_the_end", "ValueError: in shutdown")):
            worker = self.start(kind)
            self.assertEqual(worker.stop(), 1)
            self.assertIn(text, worker.log())

    def test_a_shutdown_that_hangs_ends_with_the_grace_time(self):
        worker = self.start("hangs_at_the_end")
        begun = time.monotonic()
        self.assertEqual(worker.stop(grace_s=0.5), 1)
        self.assertLess(time.monotonic() - begun, 3)

    def test_a_stop_during_startup_still_shuts_down(self):
        worker = edge.Worker("lifespan_cases:app", environment={"KIND": "slow"}, expect="loaded")
        self.addCleanup(worker.__exit__)
        time.sleep(0.1)
        self.assertEqual(worker.stop(), 0)
        self.assertIn("shutdown with", worker.log())


if __name__ == "__main__":
    unittest.main()
