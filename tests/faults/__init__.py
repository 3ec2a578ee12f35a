"""What no test inside one process can show: what fails around it.

Each file is a command; `uv run python -m tests.faults` runs all.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
