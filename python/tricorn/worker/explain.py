"""The words for an application that cannot be loaded: what was looked for, what is there, what to do next."""
from __future__ import annotations

import difflib
import inspect
import os
import sys
from typing import Any, Optional

from tricorn.worker.failure import format_failure, user_frames

__all__ = ["LoadFailed", "user_frames"]

NAMES_MAX = 8
# Package of a framework → its name as people write it, and its distribution.
FRAMEWORKS = {
    "django": ("Django", "django"), "flask": ("Flask", "flask"), "fastapi": ("FastAPI", "fastapi"),
    "starlette": ("Starlette", "starlette"), "quart": ("Quart", "quart"), "litestar": ("Litestar", "litestar"),
    "falcon": ("Falcon", "falcon"), "pyramid": ("Pyramid", "pyramid"), "bottle": ("Bottle", "bottle"),
    "channels": ("Channels", "channels"), "sanic": ("Sanic", "sanic"), "aiohttp": ("aiohttp", "aiohttp"),
    "blacksheep": ("BlackSheep", "blacksheep"), "cherrypy": ("CherryPy", "cherrypy"), "dash": ("Dash", "dash"),
}


class LoadFailed(Exception):
    """The application cannot be loaded: a sentence, the user's own traceback, what to do next."""

    def __init__(self, message: str, traceback: Optional[str] = None, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.message = message
        self.traceback = traceback
        self.hint = hint


def described(found: Any) -> str:
    """Says what an object is: "a module", "a str", "an int"."""
    kind = type(found).__name__
    return "%s %s" % ("an" if kind[:1].lower() in "aeiou" else "a", kind)


def first_line(error: BaseException) -> str:
    """Returns an exception's text, of one line and bounded; "" when there is none."""
    try:
        return str(error).strip().partition("\n")[0].strip()[:200]
    except BaseException:  # A hostile __str__: the traceback says what can be said.
        return ""


def quoted(names: list) -> str:
    text = ", ".join("`%s`" % name for name in names[:NAMES_MAX])
    return text + (", …" if len(names) > NAMES_MAX else "")


def framework_of(application: Any) -> Optional[str]:
    """Returns a framework's name and version for the banner, None when the application has none that is known."""
    modules = [kind.__module__ for kind in type(application).__mro__]
    inner = inspect.unwrap(application) if callable(application) else application
    modules.append(getattr(inner, "__module__", "") or "")
    for module in modules:
        known = FRAMEWORKS.get(module.partition(".")[0])
        if known is None:
            continue
        package = sys.modules.get(module.partition(".")[0])
        version = package.__dict__.get("__version__") if package is not None else None
        if not isinstance(version, str):
            try:
                from importlib.metadata import version as version_of
                version = version_of(known[1])
            except Exception:
                # Vendored or run from a checkout: the name alone will do.
                return known[0]
        return "%s %s" % (known[0], version)
    return None


def framework_instances(module: Any) -> list:
    """Names in a module that hold an application object of a known framework."""
    return [name for name, value in vars(module).items()
            if not name.startswith("_") and not inspect.isclass(value) and not inspect.isroutine(value)
            and not inspect.ismodule(value) and callable(value)
            and any(kind.__module__.partition(".")[0] in FRAMEWORKS and kind.__name__ in
                    ("Flask", "FastAPI", "Starlette", "Quart", "Litestar", "WSGIHandler", "ASGIHandler", "App",
                     "Bottle", "ProtocolTypeRouter") for kind in type(value).__mro__)]


def is_factory(found: Any) -> bool:
    """Tells whether a function can be called without arguments, and so cannot be an application."""
    if not inspect.isfunction(found) or inspect.iscoroutinefunction(found):
        return False
    parameters = inspect.signature(found).parameters.values()
    return all(each.default is not each.empty and each.kind != each.VAR_POSITIONAL
               or each.kind == each.VAR_KEYWORD for each in parameters)


def own_callables(module: Any) -> list:
    """Names of what a module itself defines and what could be called as an application."""
    return [name for name, value in vars(module).items()
            if not name.startswith("_") and callable(value) and not inspect.isclass(value)
            and (getattr(value, "__module__", None) == module.__name__ or not inspect.isroutine(value))]


def callables_of(module: Any) -> Optional[str]:
    names = framework_instances(module) or own_callables(module)
    if not names:
        return None
    return "try %s" % quoted(["%s:%s" % (module.__name__, name) for name in names])


def missing_attribute(found: Any, walked: str, part: str) -> str:
    """The sentence for `shop.wsgi:app` when there is only `application`."""
    if inspect.ismodule(found):
        names = framework_instances(found) or own_callables(found)
    else:
        names = [name for name in dir(found) if not name.startswith("_")]
    near = difflib.get_close_matches(part, names, 3, 0.5)
    names = near + [name for name in names if name not in near]
    if not names:
        return "`%s` has no `%s`, nor anything else that could be called" % (walked, part)
    return "`%s` has no `%s`; it has %s" % (walked, part, quoted(names))


def near_file(path: str) -> Optional[str]:
    """A hint at a file of a similar name beside one that is missing."""
    folder, name = os.path.split(path)
    try:
        names = [each for each in os.listdir(folder) if each.endswith(".py")]
    except OSError:
        return "the directory %s does not exist either" % folder
    near = difflib.get_close_matches(name, names, 1, 0.5)
    if near:
        return "did you mean %s?" % os.path.join(folder, near[0])
    return "name a .py file, or MODULE:ATTRIBUTE"


def near_module(name: str) -> str:
    """A hint at a module of a similar name that can be imported from the search path's first directory."""
    first, _, rest = name.partition(".")
    here = sys.path[0] if sys.path else os.getcwd()
    folder = here
    if rest and _module_in(here, first):
        # The package exists; what is missing is inside.
        folder, first = os.path.join(here, first), rest.partition(".")[0]
        prefix = name.partition(".")[0] + "."
    else:
        prefix = ""
    names = _modules_in(folder)
    near = difflib.get_close_matches(first, names, 1, 0.5)
    if near:
        return "did you mean `%s%s`?" % (prefix, near[0])
    for below in sorted(_modules_in(here)):
        if _module_in(os.path.join(here, below), name.partition(".")[0]):
            return "%s is in %s: start with --chdir %s" % (name, os.path.join(here, below), below)
    if prefix:
        return "`%s` has %s" % (prefix[:-1], quoted(sorted(names))) if names else "%s has no modules" % folder
    if names:
        return "looked in %s, which has %s; another directory is given with --chdir" % (here, quoted(sorted(names)))
    return "looked in %s, which has no Python modules; another directory is given with --chdir" % here


def _module_in(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name + ".py")) or os.path.isdir(os.path.join(folder, name))


def _modules_in(folder: str) -> list:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return []
    names = []
    for entry in entries:
        stem, suffix = os.path.splitext(entry.name)
        if suffix == ".py" and stem.isidentifier() and stem != "__init__":
            names.append(stem)
        elif entry.name.isidentifier() and entry.is_dir() and not entry.name.startswith("__"):
            names.append(entry.name)
    return names


def import_failure(name: str, error: BaseException) -> LoadFailed:
    """Makes a LoadFailed of what importing `name` (or calling it) raised."""
    hint = None
    kind = type(error).__name__
    if isinstance(error, SystemExit):
        message = "`%s` called sys.exit(%r) while it was imported" % (name, error.code)
        hint = 'protect what only a script should do with `if __name__ == "__main__":`'
    elif isinstance(error, KeyboardInterrupt):
        message = "importing `%s` was interrupted" % name
    elif isinstance(error, SyntaxError):
        message = "`%s` cannot be imported: %s in %s, line %s" % (name, kind, error.filename, error.lineno)
        hint = "this is Python %d.%d (%s)" % (*sys.version_info[:2], sys.executable)
    elif isinstance(error, ModuleNotFoundError) and error.name:
        message = "`%s` cannot be imported: it needs `%s`, which is not installed" % (name, error.name)
        hint = "install it for %s, or name another interpreter or virtual environment with --python" % sys.executable
    elif kind == "ImproperlyConfigured" and "DJANGO_SETTINGS_MODULE" in str(error):
        message = "`%s` cannot be imported: Django's settings are not configured" % name
        hint = "name them with --env DJANGO_SETTINGS_MODULE=package.settings, or start the project's wsgi module"
    elif kind == "AppRegistryNotReady":
        message = "`%s` cannot be imported: Django's applications are not loaded yet" % name
        hint = "start the project's wsgi or asgi module, which calls django.setup() first"
    else:
        text = first_line(error)
        message = "`%s` cannot be imported: %s" % (name, "%s: %s" % (kind, text) if text else kind)
    return LoadFailed(message, format_failure(error), hint)
