#!/usr/bin/env python
"""The clinic's commands. Without DATABASE_URL they work on the demo, whose data lie in var/."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_site.settings")
    if "DATABASE_URL" not in os.environ or sys.argv[1:2] == ["runclinic"]:
        # Only here, never in wsgi.py: a production server that lacks a setting must stop, not
        # quietly become a demo.
        os.environ.setdefault("DEMO", "yes")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
