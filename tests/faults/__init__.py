"""What no test inside one process can show: processes that are killed. Each file is a command."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
