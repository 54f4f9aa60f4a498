"""
Makes the demo site ready to run: the Django shop's SQLite file with its tables, its demo user and some hats, and its
static files in one folder, each with a compressed copy beside it for `gzip_static`.

    .venv/bin/python examples/prepare.py

It may be run as often as you like and changes nothing that is there already. Everything it makes lies in
examples/django, or in the folder that SHOP_DATA_DIR names.
"""

import gzip
import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent / "django"
USER, PASSWORD = "admin", "admin"
COMPRESSED = {".css", ".js", ".svg"}
# Smaller files fit one packet as they are.
COMPRESSED_SIZE_MIN = 1024


def main():
    # This file's own folder would offer `django` and `flask` as packages of that name: the project takes its place.
    sys.path[0] = str(PROJECT)
    os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"
    try:
        import django
        from django.core.management import call_command
    except ImportError:
        sys.exit(
            f"prepare.py: {sys.executable} has no Django.\n"
            f"Run: {sys.executable} -m pip install -r {PROJECT.parent.parent / 'tools' / 'requirements.txt'}"
        )
    django.setup()

    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.db import transaction

    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)

    from catalog.models import Product

    users = get_user_model().objects
    with transaction.atomic():
        if not users.filter(username=USER).exists():
            users.create_superuser(USER, "admin@example.com", PASSWORD)
        if not Product.objects.exists():
            call_command("loaddata", "hats", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    compress(settings.STATIC_ROOT)
    print(f"The demo shop is ready: log in as {USER} with the password {PASSWORD}.")


def compress(folder):
    for file in folder.rglob("*"):
        if file.suffix not in COMPRESSED or file.stat().st_size < COMPRESSED_SIZE_MIN:
            continue
        copy = file.with_name(file.name + ".gz")
        if not copy.exists() or copy.stat().st_mtime < file.stat().st_mtime:
            copy.write_bytes(gzip.compress(file.read_bytes(), mtime=0))


if __name__ == "__main__":
    main()
