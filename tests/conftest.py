import os

import pytest
from django.conf import settings

from clinic_site import database


@pytest.fixture(scope="session")
def django_db_modify_db_settings(postgres):
    """Start the database before pytest-django asks for it."""


@pytest.fixture(scope="session")
def postgres():
    if "DATABASE_URL" in os.environ:
        yield
        return
    # A test database may be lost with the machine; without fsync it is quicker.
    database.start(settings.POSTGRES_DIR, "-c", "fsync=off", "-c", "full_page_writes=off")
    yield
    database.stop(settings.POSTGRES_DIR)
