"""Finding the application, and the words when it cannot be found. A fresh interpreter for each case."""
import importlib.util
import os
import sys
import textwrap
import unittest

from tests import edge

WSGI = "def {name}(environ, start_response):\n    start_response('200 OK', [])\n    return [b'{name}']\n"
ASGI = "async def {name}(scope, receive, send):\n    pass\n"


class Loader(unittest.TestCase):
    maxDiff = None

    def load(self, app, files, **settings):
        """Starts a worker among these files; returns its last message, "loaded" or "failed"."""
        worker = edge.Worker(app, wait=False, pythonpath=[], **settings)
        self.addCleanup(worker.__exit__)
        self.worker = worker
        for path, text in files.items():
            full = os.path.join(worker.directory, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as file:
                file.write(textwrap.dedent(text))
        worker.control.send(worker.start)
        message = worker.control.receive()
        if message["type"] == "failed":
            self.assertEqual(worker.process.wait(10), 3)
            self.assertNotIn("tricorn/worker", message["traceback"] or "")
        return message

    def body(self, app, files, **settings):
        """The name of the function that was found: what it answers."""
        message = self.load(app, files, **settings)
        self.assertEqual(message["type"], "loaded", message)
        self.worker.messages.append(message)
        self.worker.wait_for("ready")
        link = self.worker.data()
        link.send((1, 1, 0, edge.environ(), b""))
        return link.receive()[2].decode()

    def test_module_and_attribute(self):
        files = {"shop/__init__.py": "", "shop/wsgi.py": WSGI.format(name="application") + WSGI.format(name="app")}
        message = self.load("shop.wsgi:app", files)
        self.assertEqual((message["interface"], message["asgi"], message["application"]),
                         ("wsgi", None, "shop.wsgi:app"))

    def test_nested_attributes(self):
        nested = ("class Holder:\n    inner = staticmethod("
                  "lambda environ, start_response: (start_response('200 OK', []), [b'in'])[1])\n"
                  "class A:\n    b = Holder\n")
        self.assertEqual(self.body("m:A.b.inner", {"m.py": nested}), "in")

    def test_a_module_alone(self):
        both = WSGI.format(name="app") + WSGI.format(name="application")
        self.assertEqual(self.body("m", {"m.py": both}), "application")
        self.assertEqual(self.body("m", {"m.py": WSGI.format(name="app")}), "app")
        factory = WSGI.format(name="made") + "def create_app():\n    return made\n"
        self.assertEqual(self.body("m", {"m.py": factory}), "made")
        self.assertEqual(self.body("m", {"m.py": factory.replace("create", "make")}), "made")

    def test_factories(self):
        text = """\
            def create(name, number=1):
                def app(environ, start_response):
                    start_response("200 OK", [])
                    return [(name * number).encode()]
                return app
            def plain():
                return create("plain")
            """
        self.assertEqual(self.body('m:create("ab", number=2)', {"m.py": text}), "abab")
        self.assertEqual(self.body("m:plain()", {"m.py": text}), "plain")
        self.assertEqual(self.body("m:plain", {"m.py": text}, factory=True), "plain")
        self.assertEqual(self.body("m:plain", {"m.py": text}), "plain")
        self.worker.wait_log("use --factory")
        message = self.load("m:create(open)", {"m.py": text})
        self.assertIn("literal arguments", message["message"])
        message = self.load("m:create()", {"m.py": text})
        self.assertIn("TypeError: create() missing 1 required", message["message"])

    def test_a_files_path(self):
        files = {"site/pkg/__init__.py": "", "site/pkg/web.py": "from . import parts\n" + WSGI.format(name="app"),
                 "site/pkg/parts.py": ""}
        self.assertEqual(self.body("site/pkg/web.py:app", files), "app")
        self.assertEqual(self.body("site/pkg/web.py", files), "app")
        self.assertEqual(self.body("app.py", {"app.py": WSGI.format(name="app")}), "app")
        message = self.load("wep.py", {"web.py": ""})
        self.assertIn("there is no file", message["message"])
        self.assertIn("did you mean", message["hint"])

    def test_nothing_named(self):
        for name in ("app", "main", "wsgi", "asgi"):
            self.assertEqual(self.load("", {name + ".py": WSGI.format(name="app")})["application"], name + ":app")
        message = self.load("", {"other.py": ""})
        self.assertIn("no application was named", message["message"])

    def test_where_modules_are_looked_for(self):
        files = {"src/m.py": WSGI.format(name="app"), "lib/needed.py": "", "m.py": "raise ValueError"}
        files["src/m.py"] += "import needed, sys\nassert sys.argv == ['tricorn'], sys.argv\n"
        files["src/m.py"] += "assert not [p for p in sys.path if p.endswith('tricorn/worker')], sys.path\n"
        files["src/wire.py"] = files["src/control.py"] = ""
        files["src/m.py"] += "import wire, control\nassert 'src' in wire.__file__ and 'src' in control.__file__\n"
        files["src/m.py"] += "import os\nassert os.environ['SERVER_SOFTWARE'] == 'tricorn/0.1.0'\n"
        worker_settings = {"app_dir": "src"}
        message = self.load("m:app", files, **worker_settings)
        self.assertIn("needs `needed`", message["message"])
        worker = edge.Worker("m:app", wait=False)
        self.addCleanup(worker.__exit__)
        for path, text in files.items():
            os.makedirs(os.path.join(worker.directory, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(worker.directory, path), "w") as file:
                file.write(text)
        worker.control.send({**worker.start, "chdir": os.path.join(worker.directory, "src"),
                             "pythonpath": [os.path.join(worker.directory, "lib")]})
        self.assertEqual(worker.control.receive()["type"], "loaded")

    def test_what_is_missing_is_named(self):
        files = {"shop/__init__.py": "", "shop/wsgi.py": WSGI.format(name="application")}
        message = self.load("shop.wsgi:app", files)
        self.assertEqual(message["message"], "`shop.wsgi` has no `app`; it has `application`")
        self.assertEqual(message["hint"], "try `shop.wsgi:application`")
        self.assertIsNone(message["traceback"])
        message = self.load("shop.wgsi:app", files)
        self.assertEqual(message["message"], "there is no module `shop.wgsi` (looked for shop.wgsi:app)")
        self.assertEqual(message["hint"], "did you mean `shop.wsgi`?")
        message = self.load("shap.wsgi", files)
        self.assertEqual(message["message"], "there is no module `shap` (looked for shap.wsgi)")
        self.assertEqual(message["hint"], "did you mean `shop`?")
        message = self.load("shop.wsgi", {"site/" + path: text for path, text in files.items()})
        self.assertIn("--chdir site", message["hint"])
        message = self.load("m", {"m.py": "def other(environ, start_response): pass\nx = 1\n"})
        self.assertIn("`m` has no `application`, `app`", message["message"])
        self.assertEqual(message["hint"], "try `m:other`")
        message = self.load("m:x", {"m.py": "x = 1\n"})
        self.assertEqual(message["message"], "`m:x` is an int, which cannot be called")
        message = self.load("m:", {})
        self.assertIn("is not an application", message["message"])
        message = self.load("m", {}, chdir="/nonexistent")
        self.assertIn("cannot be entered", message["message"])

    def test_the_users_own_error_has_the_users_own_traceback(self):
        message = self.load("m", {"m.py": "import inner\n",
                                  "inner.py": "def f():\n    raise ValueError('mine')\nf()\n"})
        self.assertEqual(message["stage"], "import")
        self.assertEqual(message["message"], "`m` cannot be imported: ValueError: mine")
        lines = message["traceback"].splitlines()
        self.assertEqual(lines[0], "Traceback (most recent call last):")
        self.assertIn("m.py\", line 1, in <module>", lines[1])
        self.assertEqual(lines[-1], "ValueError: mine")
        message = self.load("m", {"m.py": "def broken(:\n"})
        self.assertIn("SyntaxError in", message["message"])
        self.assertIn("line 1", message["message"])
        message = self.load("m", {"m.py": "import nowhere_to_be_found\n"})
        self.assertIn("needs `nowhere_to_be_found`, which is not installed", message["message"])
        self.assertIn("--python", message["hint"])
        message = self.load("m", {"m.py": "import sys\nsys.exit(5)\n"})
        self.assertIn("called sys.exit(5)", message["message"])

    def test_the_interface_is_found_by_looking(self):
        kinds = {
            "async def app(scope, receive, send): pass": ("asgi", 3),
            "class A:\n    async def __call__(self, scope, receive, send): pass\napp = A()": ("asgi", 3),
            "class app:\n    def __init__(self, scope): pass\n    async def __call__(self, receive, send): pass":
                ("asgi", 2),
            "def app(scope):\n    async def inner(receive, send): pass\n    return inner": ("asgi", 2),
            "def app(environ, start_response): pass": ("wsgi", None),
            "class A:\n    def __call__(self, environ, start_response): pass\napp = A()": ("wsgi", None),
            "class app:\n    def __init__(self, environ, start_response): pass\n    def __iter__(self): pass":
                ("wsgi", None),
            "import functools\nasync def f(x, scope, receive, send): pass\napp = functools.partial(f, 1)": ("asgi", 3),
            "import functools\ndef f(x, environ, start_response): pass\napp = functools.partial(f, 1)": ("wsgi", None),
            "def app(scope, receive, send): return None": ("asgi", 3),
            "class app:\n    def __init__(self, scope, receive, send): pass\n    def __await__(self): pass":
                ("asgi", 3),
        }
        for text, expected in kinds.items():
            with self.subTest(text):
                message = self.load("m:app", {"m.py": text + "\n"}, lifespan="off")
                self.assertEqual((message.get("interface"), message.get("asgi")), expected, message)
        message = self.load("m:app", {"m.py": "def app(*args): pass\n"})
        self.assertIn("cannot be told", message["message"])
        message = self.load("m:app", {"m.py": "def app(*args): pass\n"}, interface="wsgi")
        self.assertEqual(message["interface"], "wsgi")

    @unittest.skipUnless(importlib.util.find_spec("django"), "Django is not installed")
    def test_a_django_project_is_found_by_its_manage_py(self):
        manage = 'import os\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")\n'
        module = ("import os\nfrom django.core.{0} import get_{0}_application\n"
                  "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
                  "application = get_{0}_application()\n")
        files = {"manage.py": manage, "shop/__init__.py": "", "shop/wsgi.py": module.format("wsgi"),
                 "shop/asgi.py": module.format("asgi"), "app.py": "raise ValueError",
                 "shop/settings.py": "SECRET_KEY = 'x'\nROOT_URLCONF = 'shop.urls'\n",
                 "shop/urls.py": "urlpatterns = []\n"}
        message = self.load("", files)
        self.assertEqual((message["application"], message["interface"]), ("shop.wsgi:application", "wsgi"))
        self.assertRegex(message["framework"], r"^Django \d")
        files["shop/settings.py"] += "WSGI_APPLICATION = 'shop.wsgi.application'\n"
        self.assertEqual(self.load("", files)["application"], "shop.wsgi:application")
        self.assertEqual(self.load("", files, interface="asgi3")["application"], "shop.asgi:application")
        message = self.load("shop.urls:urlpatterns",
                            {**files, "shop/urls.py": "from django.conf import settings\nsettings.DEBUG\n"})
        self.assertEqual(message["message"], "`shop.urls` cannot be imported: Django's settings are not configured")
        self.assertIn("--env DJANGO_SETTINGS_MODULE", message["hint"])
        message = self.load("", {"manage.py": "pass"})
        self.assertIn("does not name DJANGO_SETTINGS_MODULE", message["message"])

    @unittest.skipUnless(importlib.util.find_spec("flask"), "Flask is not installed")
    def test_a_flask_application_is_found_under_any_name(self):
        message = self.load("m", {"m.py": "import flask\nweb = flask.Flask('m')\n"})
        self.assertEqual(message["application"], "m:web")
        self.assertRegex(message["framework"], r"^Flask \d")

    @unittest.skipUnless(os.path.exists("/usr/bin/python2") or os.path.exists(
        os.path.expanduser("~/.pyenv/versions/3.8.18/bin/python")), "no old Python is there")
    def test_an_interpreter_that_is_too_old_says_so(self):
        old = os.path.expanduser("~/.pyenv/versions/3.8.18/bin/python")
        worker = edge.Worker("m", wait=False, python=old if os.path.exists(old) else "/usr/bin/python2")
        self.addCleanup(worker.__exit__)
        message = worker.control.receive()
        self.assertEqual((message["type"], message["stage"]), ("failed", "interpreter"))
        self.assertIn("Python 3.9 or later is needed", message["message"])
        self.assertEqual(worker.process.wait(10), 3)


if __name__ == "__main__":
    unittest.main()
