#!/usr/bin/env python3
"""Django's command-line utility for the demo shop."""

import os
import sys


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as error:
        raise ImportError(
            "Django is not installed in this interpreter. Run: pip install -r tools/requirements.txt"
        ) from error
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
