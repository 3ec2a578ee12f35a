"""A migration gives way to people, and says so where it never gets its turn."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.commands import migrate
from django.db import connection, transaction

from clinic_site.management.commands import migrate as ours

ADDRESS = {"host", "port", "user", "password", "dbname"}


@pytest.fixture
def busy(real_commits, monkeypatch):
    """Somebody who has a table in use, and a migration that needs it alone; gives both."""
    where = {name: value for name, value in connection.get_connection_params().items() if name in ADDRESS}
    tries = []

    def change(command, *args, **options):
        tries.append(True)
        if len(tries) == 3:
            somebody.rollback()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE bookings_tally IN ACCESS EXCLUSIVE MODE")

    monkeypatch.setattr(migrate.Command, "handle", change)
    monkeypatch.setattr(ours, "LOCK_TIMEOUT", "20ms")
    with psycopg.connect(**where) as somebody:
        somebody.execute("SELECT count(*) FROM bookings_tally")
        yield tries


def test_a_migration_that_does_not_get_its_lock_tries_again(busy, monkeypatch, capsys):
    monkeypatch.setattr(ours, "WAITS", [0, 0, 0])
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()

        call_command("migrate")

        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == before
    assert (len(busy), capsys.readouterr().err) == (3, "A table is in use. Trying again in 0 s.\n" * 2)


def test_a_migration_that_never_gets_its_lock_ends_with_a_sentence(busy, monkeypatch):
    monkeypatch.setattr(ours, "WAITS", [0])

    with pytest.raises(CommandError, match="A table is in use all the time"):
        call_command("migrate")
