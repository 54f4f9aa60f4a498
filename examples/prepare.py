"""
Makes the demo site ready to run: the Django shop's SQLite file with its tables, its demo user and some hats.

    .venv/bin/python examples/prepare.py

It may be run as often as you like and changes nothing that is there already. Everything it makes lies in
examples/django, or in the folder that SHOP_DATA_DIR names.
"""

import os
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent / "django"
USER, PASSWORD = "admin", "admin"


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
    print(f"The demo shop is ready: log in as {USER} with the password {PASSWORD}.")


if __name__ == "__main__":
    main()
