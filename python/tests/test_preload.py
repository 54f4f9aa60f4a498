"""The preloader without its master."""
import os
import socket
import subprocess
import sys
import tempfile
import unittest

# The master ends between two reports: the one that fails is the first to notice.
SCRIPT = """
import sys
from tricorn.worker.control import Control
from tricorn.worker.preload import Preloader
control = Control(sys.argv[1], "preloader-1", "preloader")
sys.stdin.readline()
control.send({"type": "exit"})
assert control.ended
sys.exit(Preloader(control, None, 0.0).run())
"""


class WithoutMaster(unittest.TestCase):
    def test_it_ends_though_a_report_was_the_first_to_notice(self):
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(folder, "control.sock")
            listener.bind(path)
            listener.listen()
            command = [sys.executable, "-c", SCRIPT, path]
            with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as preloader:
                try:
                    listener.accept()[0].close()
                    preloader.communicate("go\n", timeout=20)
                    self.assertEqual(preloader.returncode, 0)
                finally:
                    preloader.kill()
