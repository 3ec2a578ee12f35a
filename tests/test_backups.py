"""A backup is a whole database, and what comes back is the same in rows and in rules."""

import re
import stat

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg.sql import SQL, Identifier

from bookings import lifecycle
from bookings.models import AppointmentRequest
from clinic_site import backups
from tests import make

RULES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal
    UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    ORDER BY 1, 2, 3
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


@pytest.fixture
def empty(real_commits):
    """The address of a new database beside the one of the tests."""
    address = {
        **connection.settings_dict,
        "NAME": f"{connection.settings_dict['NAME']}_restored",
        "OPTIONS": {},
    }
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{address["NAME"]}"')
        cursor.execute(f'CREATE DATABASE "{address["NAME"]}" TEMPLATE template0')
    yield address
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{address["NAME"]}"')


def contents(name):
    """All rows of all tables as text, and all rules of a database."""
    here = connection.settings_dict
    address = {"host": here["HOST"], "port": here["PORT"] or None, "user": here["USER"], "dbname": name}
    with psycopg.connect(**address) as there:
        tables = [table for (table,) in there.execute(TABLES)]
        rows = {
            table: sorted(there.execute(SQL("SELECT {0}::text FROM {0}").format(Identifier(table))))
            for table in tables
        }
        # What was read in anew is cast in another order: ('a'::varchar)::text for ('a'::text).
        return rows, [
            (*names, re.sub(r"::(character varying|text)|[()\[\]]", "", rule))
            for *names, rule in there.execute(RULES)
        ]


def test_what_is_restored_is_what_was_backed_up(empty, tmp_path):
    asked = make.accepted()
    lifecycle.cancel(asked, now=make.NOW)
    made = backups.back_up(connection.settings_dict, tmp_path, now=make.NOW)
    lifecycle.note(AppointmentRequest.objects.get(), "Later", by=make.staff(), now=make.NOW)
    with pytest.raises(backups.BackupFailed, match=r"has .* tables. Restore into an empty database"):
        backups.restore(connection.settings_dict, made)

    backups.restore(empty, made)

    before, after = contents(connection.settings_dict["NAME"]), contents(empty["NAME"])
    later = {"bookings_note", "bookings_change", "auth_user"}
    assert [table for table in before[0] if before[0][table] != after[0][table]] == sorted(later)
    assert [len(after[0][f"bookings_{name}"]) for name in ("appointmentrequest", "event", "note")] == [
        1,
        4,
        0,
    ]
    assert before[1] == after[1] and len(after[1]) > 100
    assert made.name == "clinic-20270308T170000Z.dump"
    assert [stat.S_IMODE(made.stat().st_mode), sorted(file.suffix for file in tmp_path.iterdir())] == [
        0o600,
        [".dump", ".sha256"],
    ]


def test_a_file_that_is_not_what_was_written_is_refused(empty, tmp_path):
    made = backups.back_up(connection.settings_dict, tmp_path, now=make.NOW)
    with made.open("r+b") as file:
        file.seek(-9, 2)
        file.write(b"x")

    with pytest.raises(backups.BackupFailed, match="is not what was written: its SHA-256 differs"):
        backups.restore(empty, made)
    with pytest.raises(backups.BackupFailed, match=r"clinic-20270308T170000Z.dump is there already"):
        backups.back_up(connection.settings_dict, tmp_path, now=make.NOW)


def test_what_fails_says_why_in_a_sentence_and_leaves_no_half_file(tmp_path):
    nowhere = {"NAME": "clinic", "HOST": "127.0.0.1", "PORT": "1", "USER": "clinic", "PASSWORD": "secret"}
    (tmp_path / "file").touch()
    said = []
    for act in (
        lambda: backups.back_up(nowhere, tmp_path / "new", now=make.NOW),
        lambda: backups.back_up(nowhere, tmp_path / "file" / "new", now=make.NOW),
        lambda: backups.restore(nowhere, tmp_path / "none.dump"),
    ):
        with pytest.raises(backups.BackupFailed) as failure:
            act()
        said.append(str(failure.value))

    assert said[0].startswith("pg_dump failed: ") and "secret" not in said[0]
    assert said[1] == f"Cannot write to {tmp_path / 'file' / 'new'}: Not a directory."
    assert said[2] == f"Cannot read {tmp_path / 'none.dump.sha256'}: No such file or directory."
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.django_db
def test_the_commands_say_what_they_made_and_what_failed(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(settings.DATABASES, "default", connection.settings_dict)

    call_command("backup", str(tmp_path))

    said = capsys.readouterr().out
    assert said.startswith(f"{tmp_path}/clinic-") and said.endswith(" bytes)\n")
    with pytest.raises(CommandError, match=r"has .* tables"):
        call_command("restore", str(next(tmp_path.glob("*.dump"))))
