"""Can be imported unless a file of the test's folder says otherwise."""
import os

if os.path.exists(os.path.join(os.environ["TEST_FOLDER"], "broken")):
    raise RuntimeError("the new code is broken")

from life import app  # noqa: E402,F401
