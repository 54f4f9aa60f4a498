"""Finds and imports the application that was asked for, and explains what went wrong when it cannot.

Forms of a target: `module:attribute` (nested), `module`, `module:factory(literal, name=literal)`, a file's path with
or without `:attribute`, and "" for whatever `discovery` finds in the current directory.
"""
from __future__ import annotations

import ast
import importlib
import os
import sys
from typing import Any, Optional

from tricorn.worker import discovery, explain
from tricorn.worker.explain import LoadFailed
from tricorn.worker.interface import detect

# Tried in this order when no attribute is named (gunicorn's first choice, then everybody else's), then factories.
ATTRIBUTES = ("application", "app")
FACTORIES = ("create_app", "make_app")


class Loaded:
    """An application that is ready to be called."""

    def __init__(self, application: Any, name: str, interface: str, asgi: Optional[int]) -> None:
        self.application = application
        # As a target: "shop.wsgi:application".
        self.name = name
        self.interface = interface
        # The version of ASGI that the application was written for, None for WSGI.
        self.asgi = asgi
        # The event loop's name, None for WSGI.
        self.loop: Optional[str] = None
        self.framework = explain.framework_of(application)


def load(start: dict) -> Loaded:
    """Imports the application of a start message. Raises LoadFailed."""
    enter(start)
    target = start.get("app") or discovery.find(start.get("interface") or "auto")
    module_name, attribute = split_target(target)
    module = import_module(module_name, target)
    application, name = find_attribute(module, attribute, bool(start.get("factory")))
    interface, asgi = detect(application, start.get("interface") or "auto", name)
    if asgi == 2:
        application = adapt_asgi2(application)
    return Loaded(application, name, interface, asgi)


def enter(start: dict) -> None:
    """Goes to the application's directory and puts the search path in order. Raises LoadFailed."""
    chdir = start.get("chdir") or os.getcwd()
    try:
        os.chdir(chdir)
    except OSError as error:
        raise LoadFailed("the directory %s cannot be entered: %s" % (chdir, error.strerror),
                         hint="name the application's directory with --chdir") from None
    extra = [os.path.abspath(path) for path in start.get("pythonpath") or ()]
    first = [os.path.abspath(start.get("app_dir") or os.curdir)]
    for path in reversed(first + [path for path in extra if path not in first]):
        if path in sys.path:
            sys.path.remove(path)
        sys.path.insert(0, path)


def split_target(target: str) -> tuple:
    """Returns (module name, attribute text or ""); a file's path becomes a module. Raises LoadFailed."""
    left, colon, attribute = target.partition(":")
    if left.endswith(".py") or os.sep in left:
        return module_of_file(left), attribute
    if not left or colon and not attribute:
        raise LoadFailed("%r is not an application" % target,
                         hint="write MODULE:ATTRIBUTE, such as shop.wsgi:application")
    return left, attribute


def module_of_file(path: str) -> str:
    """Returns the dotted name of a file, and puts the folder above its outermost package on the search path."""
    full = os.path.abspath(path)
    if not os.path.isfile(full):
        raise LoadFailed("there is no file %s" % full, hint=explain.near_file(full))
    folder, name = os.path.split(full)
    parts = [os.path.splitext(name)[0]]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, package = os.path.split(folder)
        parts.insert(0, package)
    if parts[-1] == "__init__" and len(parts) > 1:
        parts.pop()
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    return ".".join(parts)


def import_module(name: str, target: str) -> Any:
    """Imports a module. Raises LoadFailed with the user's own traceback, or with what is missing."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")) \
                and explain.user_frames(error.__traceback__) is None:
            raise LoadFailed("there is no module `%s`%s" % (
                error.name, "" if target == error.name else " (looked for %s)" % target),
                hint=explain.near_module(name)) from None
        raise explain.import_failure(name, error) from None
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: a module that exits cannot be served.
        raise explain.import_failure(name, error) from None


def find_attribute(module: Any, text: str, factory: bool) -> tuple:
    """Returns (application, its full name); calls factories. Raises LoadFailed."""
    name = module.__name__
    arguments: Optional[tuple] = None
    if text:
        path, arguments = parse_attribute(text)
        found = follow(module, path)
    else:
        path, found = first_of(module)
        factory = factory or path in FACTORIES
    full = "%s:%s" % (name, text or path)
    if arguments is not None:
        return call(found, full, *arguments), full
    if factory:
        return call(found, full, (), {}), full + "()"
    if explain.is_factory(found):
        sys.stderr.write("%s takes no argument, so it is called as a factory; "
                         "write %s() or use --factory to say so\n" % (full, full))
        return call(found, full, (), {}), full + "()"
    if not callable(found):
        raise LoadFailed("`%s` is %s, which cannot be called" % (full, explain.described(found)),
                         hint=explain.callables_of(module))
    return found, full


def parse_attribute(text: str) -> tuple:
    """Returns (dotted path, (args, kwargs) or None) of `a.b` or `a.b(1, x="y")`. Raises LoadFailed."""
    try:
        node = ast.parse(text, mode="eval").body
        arguments = None
        if isinstance(node, ast.Call):
            arguments = ([ast.literal_eval(each) for each in node.args],
                         {each.arg: ast.literal_eval(each.value) for each in node.keywords if each.arg})
            if len(arguments[1]) != len(node.keywords):
                raise ValueError("** is not a literal")
            node = node.func
        parts: list = []
        while isinstance(node, ast.Attribute):
            parts.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            raise ValueError("not a name")
        return ".".join([node.id, *parts]), arguments
    except (SyntaxError, ValueError):
        raise LoadFailed("%r is neither an attribute nor a call with literal arguments" % text,
                         hint='write NAME, NAME.NAME or NAME("text", number=1)') from None


def follow(module: Any, path: str) -> Any:
    """Walks a dotted path from a module. Raises LoadFailed that names what is there instead."""
    found = module
    walked = module.__name__
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise LoadFailed(explain.missing_attribute(found, walked, part),
                             hint=explain.callables_of(module) if found is module else None) from None
        walked += (":" if found is module or walked == module.__name__ else ".") + part
    return found


def first_of(module: Any) -> tuple:
    """Returns the attribute that a module offers under a usual name. Raises LoadFailed."""
    for name in ATTRIBUTES + FACTORIES:
        found = getattr(module, name, None)
        if callable(found):
            return name, found
    only = explain.framework_instances(module)
    if len(only) == 1:
        return only[0], getattr(module, only[0])
    raise LoadFailed("`%s` has no %s" % (module.__name__, ", ".join("`%s`" % name for name in ATTRIBUTES + FACTORIES)),
                     hint=explain.callables_of(module))


def call(factory: Any, name: str, args: Any, kwargs: dict) -> Any:
    """Calls a factory. Raises LoadFailed."""
    if not callable(factory):
        raise LoadFailed("`%s` is %s, which cannot be called" % (name, explain.described(factory)))
    try:
        return factory(*args, **kwargs)
    except BaseException as error:  # A factory may do whatever an import may.
        raise explain.import_failure(name, error) from None


def adapt_asgi2(application: Any) -> Any:
    """Makes an ASGI 3 application of an ASGI 2 one (a callable of the scope that returns a callable)."""
    async def adapted(scope: dict, receive: Any, send: Any) -> None:
        if "asgi" in scope:
            scope["asgi"]["version"] = "2.0"
        await application(scope)(receive, send)
    return adapted
