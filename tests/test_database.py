from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from clinic_site import database


@pytest.mark.django_db
def test_the_tests_run_on_a_real_postgres_18_or_newer():
    assert connection.pg_version >= 180000


@pytest.mark.parametrize("url", ["mysql://a@b/c", "postgresql://", "nonsense", "postgresql://host:port/db"])
def test_a_database_url_that_cannot_be_read_gets_a_sentence(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL cannot be read"):
        database.address(url, Path("var"))


def test_a_database_url_keeps_its_options():
    address = database.address("postgresql://me:p%40ss@db:5433/clinic?sslmode=verify-full", Path("var"))

    assert address == {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "db",
        "PORT": "5433",
        "USER": "me",
        "PASSWORD": "p@ss",
        "NAME": "clinic",
        "OPTIONS": {**database.USUAL, "sslmode": "verify-full"},
    }


def test_a_path_too_long_for_a_socket_gets_a_short_one():
    assert len(str(database.socket_dir(Path("/" + "long/" * 40)))) < 60


def test_where_there_is_no_folder_no_server_runs(tmp_path):
    assert not database.is_running(tmp_path / "none")


def test_a_server_is_stopped_also_where_the_way_to_its_folder_was_closed_meanwhile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pg") / "data"
    database.start(folder, "-c", "fsync=off")
    folder.parent.chmod(0o700)

    database.stop(folder)

    assert not (folder / "postmaster.pid").exists()
