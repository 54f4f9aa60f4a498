"""What application lies in the current directory, when none was named."""
from __future__ import annotations

import importlib.util
import os
import re
from typing import Optional

from tricorn.worker.explain import LoadFailed, import_failure

# In this order; each is then searched for the usual attributes.
MODULES = ("app", "main", "wsgi", "asgi")
_settings_module = re.compile(
    r"""DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*["']([\w.]+)["']""")


def find(interface: str) -> str:
    """Returns a target. Raises LoadFailed when there is nothing, with a hint at what could be named."""
    if os.path.isfile("manage.py"):
        return _django(interface)
    for name in MODULES:
        if os.path.isfile(name + ".py"):
            return name
    raise LoadFailed("no application was named, and %s has no manage.py, %s" % (
        os.getcwd(), ", ".join(name + ".py" for name in MODULES)),
        hint="name it, such as shop.wsgi:application, or its directory with --chdir")


def _django(interface: str) -> str:
    """The project of a manage.py: its WSGI or ASGI application, as the settings or the usual modules say."""
    settings = _settings_of("manage.py")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings)
    settings = os.environ["DJANGO_SETTINGS_MODULE"]
    try:
        from django.conf import settings as configured
        wsgi = getattr(configured, "WSGI_APPLICATION", None)
        asgi = getattr(configured, "ASGI_APPLICATION", None)
    except BaseException as error:  # Settings are the user's module: they may raise anything.
        raise import_failure(settings, error) from None
    package = settings.partition(".")[0]
    wsgi_target = _target(wsgi, package + ".wsgi")
    asgi_target = _target(asgi, package + ".asgi")
    chosen = asgi_target or wsgi_target if interface.startswith("asgi") else wsgi_target or asgi_target
    if chosen is None:
        raise LoadFailed("the Django project in %s has neither WSGI_APPLICATION nor ASGI_APPLICATION in its settings, "
                         "nor %s.wsgi or %s.asgi" % (os.getcwd(), package, package),
                         hint="name its application, such as shop.wsgi:application")
    return chosen


def _settings_of(path: str) -> str:
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        return os.environ["DJANGO_SETTINGS_MODULE"]
    with open(path, encoding="utf-8", errors="replace") as file:
        found = _settings_module.search(file.read())
    if found is None:
        raise LoadFailed("%s does not name DJANGO_SETTINGS_MODULE" % os.path.abspath(path),
                         hint="name the application, such as shop.wsgi:application, "
                              "or --env DJANGO_SETTINGS_MODULE=package.settings")
    return found.group(1)


def _target(setting: Optional[str], module: str) -> Optional[str]:
    """Django's dotted path as a target, else the usual module if it exists."""
    if setting:
        name, _, attribute = setting.rpartition(".")
        return "%s:%s" % (name, attribute)
    try:
        return module + ":application" if importlib.util.find_spec(module) is not None else None
    except (ImportError, ValueError):
        # Its package does not exist, or is no package.
        return None
