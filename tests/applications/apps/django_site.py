"""
What the Django applications of the tests share: settings, a SQLite file in APPLICATION_FOLDER, a log-in.
As a script it makes the tables and the user: once, before a server starts.
"""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.http import HttpResponse, JsonResponse

FOLDER = Path(os.environ["APPLICATION_FOLDER"])
USER, PASSWORD = "ada", "three corners"


def configure(urls, **more):
    """Sets Django up with a module of URLs and further settings."""
    settings.configure(
        SECRET_KEY="a key for tests",
        ALLOWED_HOSTS=["127.0.0.1", "hats.example"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "db.sqlite3",
                               "OPTIONS": {"timeout": 20}}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django.middleware.common.CommonMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            *more.pop("MORE_MIDDLEWARE", []),
        ],
        ROOT_URLCONF=urls,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        USE_TZ=True,
        **more,
    )
    django.setup()


def log_in(request):
    """Logs the user in; GET gives the token that a POST needs."""
    from django.contrib.auth import authenticate, login
    from django.middleware.csrf import get_token

    if request.method == "GET":
        return JsonResponse({"token": get_token(request)})
    user = authenticate(request, username=USER, password=request.POST["password"])
    if user is None:
        return HttpResponse("wrong", status=403)
    login(request, user)
    return HttpResponse(f"hello {user.username}")


def prepare():
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    User.objects.create_user(USER, password=PASSWORD)


if __name__ == "__main__":
    configure(None)
    sys.exit(prepare())
