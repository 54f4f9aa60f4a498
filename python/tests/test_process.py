"""The life of a worker process: control channel, settings, signals, recycling, state file, preloading."""
import os
import signal
import socket
import time
import unittest

from tests import edge


class Process(unittest.TestCase):
    def start(self, app="process_cases:app", **settings):
        worker = edge.Worker(app, **settings)
        self.addCleanup(worker.__exit__)
        return worker

    def facts(self, worker, link=None):
        link = link or worker.data()
        link.send((1, 1, 0, edge.environ("/facts"), b""))
        return eval(link.receive()[2])

    def test_hello_loaded_and_ready_are_said_in_order(self):
        worker = self.start()
        self.assertEqual(worker.hello,
                         {"type": "hello", "name": "worker-1", "pid": worker.process.pid, "role": "worker"})
        self.assertEqual([message["type"] for message in worker.messages], ["loaded", "ready"])
        self.assertRegex(worker.messages[0]["python"], r"^\w+ 3\.\d+\.\d+")

    def test_the_process_is_what_an_application_expects(self):
        worker = self.start(umask=0o027)
        facts = self.facts(worker)
        self.assertEqual(facts["cwd"], os.path.realpath(worker.directory))
        self.assertEqual(facts["umask"], 0o027)
        self.assertEqual(facts["argv"], ["tricorn"])
        self.assertTrue(facts["spec"] and facts["sigchld"] and facts["faulthandler"] and facts["main"])
        self.assertEqual(facts["inheritable"], [])
        self.assertTrue([fd for fd in facts["fds"] if fd >= 100])
        self.assertEqual(oct(os.stat(worker.start["socket"]).st_mode & 0o777), "0o600")

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists("/usr/bin/python3"), "needs root")
    def test_privileges_are_dropped_for_good(self):
        # Not every interpreter's library can be read by nobody.
        worker = edge.Worker("process_cases:app", wait=False, python="/usr/bin/python3")
        self.addCleanup(worker.__exit__)
        os.chmod(worker.directory, 0o777)
        worker.control.send({**worker.start, "uid": 65534, "gid": 65534})
        worker.wait_for("ready")
        # The edge must be the worker's user or root: these tests are root.
        facts = self.facts(worker)
        self.assertEqual((facts["uid"], facts["gid"]), (65534, 65534))
        self.assertNotIn(0, facts["groups"])

    def test_a_stop_ends_normally(self):
        worker = self.start()
        self.assertEqual(worker.stop(), 0)
        self.assertEqual(worker.log(), "atexit ran\n")

    def test_a_stop_waits_for_the_applications_threads(self):
        worker = self.start()
        link = worker.data()
        link.send((1, 1, 0, edge.environ("/thread"), b""))
        link.receive()
        self.assertEqual(worker.stop(), 0)

    def test_what_was_sent_before_the_stop_is_answered(self):
        for threads in (1, 3):
            worker = self.start("wsgi_cases:app", threads=threads)
            link = worker.data()
            link.send(*[(1, n, 0, edge.environ("/sleeps", QUERY_STRING="0.1"), b"") for n in range(1, 5)])
            self.assertEqual(worker.stop(), 0)
            self.assertEqual(sorted(link.receive()[1] for _ in range(4)), [1, 2, 3, 4])

    def test_the_end_of_the_master_is_a_stop(self):
        worker = self.start()
        worker.control.sock.close()
        self.assertEqual(worker.process.wait(10), 0)

    def test_a_term_of_its_own_asks_for_a_successor_and_a_second_one_stops(self):
        for threads in (1, 2):
            worker = self.start(threads=threads)
            worker.process.send_signal(signal.SIGINT)
            worker.process.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait_for("recycle")["reason"], "signal")
            self.facts(worker)
            worker.process.send_signal(signal.SIGTERM)
            self.assertEqual(worker.process.wait(10), 0)

    def test_an_abort_dumps_the_stacks_of_all_threads(self):
        worker = self.start("wsgi_cases:app")
        worker.data().send((1, 1, 0, edge.environ("/sleeps", QUERY_STRING="30"), b""))
        time.sleep(0.2)
        worker.process.send_signal(signal.SIGABRT)
        self.assertEqual(worker.process.wait(10), -signal.SIGABRT)
        self.assertIn("Fatal Python error: Aborted", worker.log())
        self.assertIn("in sleeps", worker.log())

    def test_a_crash_leaves_a_traceback_and_the_id_of_the_request(self):
        worker = self.start()
        link = worker.data()
        link.send((1, 41, 0, edge.environ("/hello"), b""), (1, 42, 0, edge.environ("/crash"), b""),
                  (1, 43, 0, edge.environ("/hello"), b""))
        self.assertEqual(worker.process.wait(10), -signal.SIGSEGV)
        self.assertIn("Segmentation fault", worker.log())
        self.assertEqual(worker.state()[1][0], 42)

    def test_a_successor_is_asked_for_once_after_so_many_requests(self):
        worker = self.start(max_requests=10, max_requests_jitter=5)
        link = worker.data()
        link.send(*[(1, n, 0, edge.environ("/hello"), b"") for n in range(1, 40)])
        self.assertEqual(worker.wait_for("recycle")["reason"], "max-requests")
        for _ in range(39):
            self.assertEqual(link.receive()[2], b"hello")
        self.assertEqual(worker.stop(), 0)
        self.assertIsNone(worker.control.receive())

    def test_the_state_file_tells_what_runs(self):
        for threads in (1, 2):
            worker = self.start("wsgi_cases:app", threads=threads)
            link = worker.data(7)
            self.assertEqual(worker.state()[0][:2], (0.0, 0.0))
            link.send((1, 5, 0, edge.environ("/hello"), b""),
                      (1, 6, 0, edge.environ("/sleeps", QUERY_STRING="0.8"), b""))
            time.sleep(0.2)
            clocks, started, _ = worker.state()
            running = [clock for clock in clocks if clock]
            self.assertEqual(len(running), 1)
            self.assertLess(abs(time.monotonic() - running[0] - 0.2), 0.5)
            self.assertEqual((started[7], started[0]), (6, 0))
            link.receive()
            link.receive()
            time.sleep(0.1)
            clocks, _, answered = worker.state()
            self.assertEqual((max(clocks), answered), (0.0, 2))

    def test_only_the_edge_may_connect(self):
        worker = self.start(edge_pid=1)
        with self.assertRaises((ConnectionResetError, BrokenPipeError, TypeError)):
            worker.data().hello[0]
        worker.wait_log("not the edge's was refused")
        worker.control.send({"type": "edge", "pid": os.getpid()})
        self.facts(worker)

    def test_a_stop_before_the_start_is_no_failure(self):
        worker = edge.Worker("m", wait=False)
        self.addCleanup(worker.__exit__)
        self.assertEqual(worker.stop(), 0)


class Preloader(unittest.TestCase):
    def start(self, app, **settings):
        preloader = edge.Worker(app, name="preloader-1", expect="loaded", **settings)
        self.addCleanup(preloader.__exit__)
        self.assertEqual(preloader.hello["role"], "preloader")
        preloader.log_socket = socket.socket(socket.AF_UNIX)
        preloader.log_socket.bind(os.path.join(preloader.directory, "log.sock"))
        preloader.log_socket.listen()
        self.addCleanup(preloader.log_socket.close)
        return preloader

    def fork(self, preloader, name):
        """Returns the control channel of a forked worker, its start message and its log's socket."""
        start = {**preloader.start, "socket": "%s/%s.sock" % (preloader.directory, name),
                 "state": "%s/%s.state" % (preloader.directory, name), "log": preloader.log_socket.getsockname()}
        preloader.control.send({"type": "fork", "name": name, "start": start})
        sock, _ = preloader.listener.accept()
        control = edge.Lines(sock)
        self.addCleanup(sock.close)
        log, _ = preloader.log_socket.accept()
        self.addCleanup(log.close)
        log.settimeout(10)
        return control, start, log

    def test_workers_are_forked_from_one_import_and_reported(self):
        preloader = self.start("process_cases:app")
        facts = []
        for name in ("worker-1", "worker-2"):
            control, start, log = self.fork(preloader, name)
            hello = control.receive()
            self.assertEqual((hello["name"], hello["role"]), (name, "worker"))
            self.assertEqual(preloader.wait_for("fork"), {"type": "fork", "name": name, "pid": hello["pid"]})
            self.assertEqual([control.receive()["type"] for _ in range(2)], ["loaded", "ready"])
            self.assertEqual(log.recv(100), name.encode() + b"\n")
            link = edge.Link(start["socket"], "data", 0, [edge.WSGI_BASE])
            self.addCleanup(link.close)
            link.send((1, 1, 0, edge.environ("/facts"), b""))
            found = eval(link.receive()[2])
            self.assertEqual((found["imported_by"], found["forks"][-1]), (preloader.process.pid, hello["pid"]))
            self.assertTrue(found["sigchld"])
            facts.append(found)
        self.assertNotEqual(facts[0]["random"], facts[1]["random"])
        control.send({"type": "stop", "grace_s": 5})
        self.assertEqual(preloader.wait_for("exit"), {
            "type": "exit", "name": "worker-2", "pid": facts[1]["pid"], "code": 0, "signal": None})
        self.assertEqual(log.recv(100), b"atexit ran\n")
        os.kill(facts[0]["pid"], signal.SIGKILL)
        exit = preloader.wait_for("exit")
        self.assertEqual((exit["name"], exit["code"], exit["signal"]), ("worker-1", None, 9))
        self.assertEqual(preloader.stop(), 0)

    def test_asgi_workers_have_loops_of_their_own(self):
        preloader = self.start("asgi_cases:app", loop="auto")
        control, start, _ = self.fork(preloader, "worker-9")
        self.assertEqual([control.receive()["type"] for _ in range(3)], ["hello", "loaded", "ready"])
        link = edge.Link(start["socket"], "data", 0, [edge.ASGI_BASE])
        self.addCleanup(link.close)
        link.send((1, 1, 0, edge.scope("/hello"), b""))
        self.assertEqual(link.receive()[2], b"hello")
        preloader.control.sock.close()
        control.sock.close()
        self.assertEqual(preloader.process.wait(10), 0)

    def test_an_application_that_cannot_be_imported_ends_the_preloader(self):
        preloader = edge.Worker("nowhere", name="preloader-1", expect="failed")
        self.addCleanup(preloader.__exit__)
        self.assertEqual(preloader.process.wait(10), 3)


if __name__ == "__main__":
    unittest.main()
